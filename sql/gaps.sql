-- The statements of common/ledger/ledger_gaps.cpp, by name. Each ends with the only semicolon in it (sql/embed.cmake).

-- :known
SELECT t.name, g.first_segment, g.last_segment, g.reason, g.acknowledged_at
  FROM store t CROSS JOIN known_gap g ON g.store = t.id AND g.system_identifier = ?1
 WHERE t.retired_at IS NULL ORDER BY t.id, g.first_segment;

-- :acknowledge
INSERT INTO known_gap (store, system_identifier, first_segment, last_segment, reason, acknowledged_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (store, system_identifier, first_segment, last_segment) DO UPDATE SET reason = excluded.reason;
