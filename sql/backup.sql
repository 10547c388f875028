-- The statements of common/ledger/ledger_backups.cpp, by name.

-- :begin
INSERT INTO backup (system_identifier, name, pid, began_at) VALUES (?1, ?2, ?3, ?4);

-- :expect
INSERT INTO backup_upload (backup, store) VALUES (?1, ?2);

-- :describe
UPDATE backup
   SET started_at = ?2, stopped_at = ?3, timeline = ?4, start_lsn = ?5, stop_lsn = ?6, first_segment = ?7,
       last_segment = ?8, segments = ?9, size = ?10, missing = ?11
 WHERE id = ?1;

-- :expect_label
UPDATE backup_upload SET label_key = ?3, label_sha256 = ?4, object_size = ?5
 WHERE backup = ?1 AND store = ?2;

-- :verified
UPDATE backup_upload SET state = 'verified', verified_at = ?3, last_error = NULL
 WHERE backup = ?1 AND store = ?2 AND label_key IS NOT NULL;

-- :failed
UPDATE backup_upload SET last_error = ?3 WHERE backup = ?1 AND store = ?2 AND state = 'pending';

-- :removed
UPDATE backup_upload SET state = 'removed' WHERE backup = ?1 AND store = ?2 AND state = 'pending';

-- :end
UPDATE backup SET finished_at = ?2, exit_code = ?3 WHERE id = ?1;

-- :find
SELECT id FROM backup WHERE name = ?1 AND system_identifier = ?2;

-- :found
INSERT INTO backup_upload (backup, store, state, label_key, object_size, verified_at)
VALUES (?1, ?2, 'verified', ?3, ?4, ?5) ON CONFLICT DO NOTHING;

-- What is known of the copy in another store holds for one that was brought from there.
-- :brought
INSERT INTO backup_upload (backup, store, state, label_key, label_sha256, object_size, verified_at)
SELECT u.backup, ?2, 'verified', ?3, u.label_sha256, u.object_size, ?4
  FROM backup_upload u JOIN backup b ON b.id = u.backup
 WHERE b.name = ?1 AND u.state = 'verified' AND u.store <> ?2 LIMIT 1
    ON CONFLICT (backup, store) DO UPDATE
   SET state = 'verified', label_key = excluded.label_key, label_sha256 = excluded.label_sha256,
       object_size = excluded.object_size, verified_at = excluded.verified_at, last_error = NULL
 WHERE backup_upload.state <> 'verified';

-- :abandoned
SELECT b.id, u.store, b.name, b.system_identifier, u.label_key, u.label_sha256, u.object_size,
       EXISTS (SELECT 1 FROM backup_upload o WHERE o.backup = b.id AND o.state = 'verified')
  FROM backup_upload u
  JOIN backup b ON b.id = u.backup
  JOIN store t ON t.id = u.store AND t.retired_at IS NULL
 WHERE u.state = 'pending' ORDER BY b.id, u.store;

-- :copies
SELECT backup, store, store_id, state, stopped_at, missing_segments, conflicts, restorable, system_identifier
  FROM backup_copies WHERE backup_id = ?1 ORDER BY store_id;

-- :without_wal
SELECT store, store_id, system_identifier, first_segment, last_segment FROM backup_copies
 WHERE backup_id IN (SELECT id FROM backup ORDER BY id DESC LIMIT 4) AND state = 'verified' AND missing_segments > 0
   AND first_segment IS NOT NULL AND last_segment IS NOT NULL;

-- Read back as a whole, so that it counts.
-- :starts
SELECT timeline, start_lsn FROM backup b
 WHERE system_identifier = ?1 AND timeline IS NOT NULL AND start_lsn IS NOT NULL
   AND EXISTS (SELECT 1 FROM backup_upload u WHERE u.backup = b.id AND u.state = 'verified')
 ORDER BY id;

-- Those that this host read back whole in one store.
-- :verified_in
SELECT b.name FROM backup b
  JOIN backup_upload u ON u.backup = b.id AND u.state = 'verified'
  JOIN store t ON t.id = u.store AND t.retired_at IS NULL
 WHERE b.system_identifier = ?1 AND t.name = ?2 ORDER BY b.id;

-- Of each cluster in each store; newest first, so that the search ends at the first one that can be restored. The
-- newest by its WAL: a clock may have been wrong.
-- :last_restorable
SELECT c.backup, c.store, c.store_id, c.state, c.stopped_at, c.missing_segments, c.conflicts, c.restorable,
       c.system_identifier
  FROM (SELECT DISTINCT system_identifier FROM backup) k
 CROSS JOIN store t
 CROSS JOIN backup_copies c
    ON c.store_id = t.id
   AND c.backup_id = (SELECT d.backup_id FROM backup_copies d
                       WHERE d.system_identifier = k.system_identifier AND d.store_id = t.id AND d.restorable
                       ORDER BY d.last_segment DESC LIMIT 1)
 WHERE t.retired_at IS NULL ORDER BY c.system_identifier, c.store_id;

-- Where the first backup of a cluster begins that any store has: a segment's name without its timeline.
-- :first_position
SELECT min(substr(b.first_segment, 9)) FROM backup b
 WHERE b.system_identifier = ?1
   AND EXISTS (SELECT 1 FROM backup_upload u WHERE u.backup = b.id AND u.state = 'verified');

-- The newest row, and whether a rebuild made it: those say nothing of the order in which clusters archived.
-- :newest_cluster
SELECT system_identifier, removed_at IS spooled_at FROM segment ORDER BY id DESC LIMIT 1;

-- Each one once, by steps along the index.
-- :clusters
WITH RECURSIVE known (identifier) AS (
    SELECT min(system_identifier) FROM segment
     UNION ALL
    SELECT (SELECT min(system_identifier) FROM segment WHERE system_identifier > known.identifier)
      FROM known WHERE known.identifier IS NOT NULL)
SELECT identifier FROM known WHERE identifier IS NOT NULL;

-- :other_cluster
SELECT system_identifier FROM segment
 WHERE NOT EXISTS (SELECT 1 FROM segment WHERE system_identifier = ?1) ORDER BY id DESC LIMIT 1;
