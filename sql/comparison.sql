-- The statements of common/ledger/ledger_comparison.cpp, by name. Each ends with the only semicolon in it (sql/embed.cmake).

-- :where
SELECT began_at, system_identifier, name, seen_since FROM comparison WHERE store = ?1;

-- :note
INSERT INTO comparison (store, began_at, system_identifier, name, seen_since) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (store) DO UPDATE SET began_at = ?2, system_identifier = ?3, name = ?4, seen_since = ?5;

-- What a store should have: what was verified there, and what it was found to have lost.
-- :kept_after
SELECT s.id, s.system_identifier, s.name, s.fingerprint, u.state, u.object_key, u.verified_at
  FROM segment s
  JOIN upload u ON u.segment = s.id AND u.store = ?1
 WHERE (s.system_identifier, s.name) > (?2, ?3)
   AND (u.state = 'verified' OR (u.state = 'pending' AND s.removed_at IS NOT NULL))
 ORDER BY s.system_identifier, s.name LIMIT ?4;

-- :lose
UPDATE upload
   SET state = 'pending', object_key = NULL, object_size = NULL, object_sha256 = NULL, stored_at = NULL,
       verified_at = NULL, last_error = ?3
 WHERE segment = ?1 AND store = ?2 AND state = 'verified';

-- Segments that have left the spool, and are no longer in the store.
-- :lost
SELECT count(*), min(s.name) FROM upload u INDEXED BY upload_pending
  JOIN segment s ON s.id = u.segment AND s.removed_at IS NOT NULL
 WHERE u.store = ?1 AND u.state = 'pending';

-- Each of them, the first ones of all.
-- :lost_uploads
SELECT s.system_identifier, s.name, s.fingerprint FROM upload u INDEXED BY upload_pending
  JOIN segment s ON s.id = u.segment AND s.removed_at IS NOT NULL
 WHERE u.store = ?1 AND u.state = 'pending' LIMIT ?2;
