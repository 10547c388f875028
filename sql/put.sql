-- The statements of common/ledger/ledger_puts.cpp, by name. Each ends with the only semicolon in it (sql/embed.cmake).

-- Before the put. What an earlier attempt had put is forgotten with it: it was looked for, and could not be had.
-- :begin
INSERT INTO upload (segment, store, attempts, put_key, put_size, put_sha256) VALUES (?1, ?2, 1, ?3, ?4, ?5)
    ON CONFLICT (segment, store) DO UPDATE
   SET attempts = attempts + ?6, put_key = ?3, put_size = ?4, put_sha256 = ?5;

-- :own
SELECT put_key, put_size, put_sha256, put_copies FROM upload
 WHERE segment = ?1 AND store = ?2 AND put_key IS NOT NULL;

-- A segment that had left the spool is back: what was verified then has to be read back once more.
-- :prove_again
UPDATE upload
   SET state = 'stored', put_key = object_key, put_size = object_size, put_sha256 = object_sha256,
       put_copies = 1, verified_at = NULL
 WHERE state = 'verified'
   AND segment = (SELECT id FROM segment
                   WHERE system_identifier = ?1 AND name = ?2 AND fingerprint = ?3 AND removed_at IS NOT NULL);
