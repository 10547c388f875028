SELECT fingerprint, verified_everywhere FROM push_known WHERE system_identifier = ?1 AND name = ?2
