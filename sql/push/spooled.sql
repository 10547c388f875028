INSERT INTO push_spooled (system_identifier, name, fingerprint, kind, timeline, size, spooled_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
