-- The statements of common/ledger/ledger.cpp, by name. Each ends with the only semicolon in it (sql/embed.cmake).

-- :active_stores
SELECT id, name, type, endpoint, bucket, prefix, added_at, retired_at FROM store
 WHERE retired_at IS NULL ORDER BY id;

-- :all_stores
SELECT id, name, type, endpoint, bucket, prefix, added_at, retired_at FROM store ORDER BY id;

-- :add_store
INSERT INTO store (name, type, endpoint, bucket, prefix, added_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- :retire_store
UPDATE store SET retired_at = ?2 WHERE id = ?1 AND retired_at IS NULL;

-- :begin_run
INSERT INTO run (pid, started_at) VALUES (?1, ?2);

-- :end_run
UPDATE run SET finished_at = ?2, exit_code = ?3, verified = ?4, removed = ?5, message = ?6 WHERE id = ?1;

-- :note_run
UPDATE run SET verified = ?2, removed = ?3 WHERE id = ?1;

-- Runs are kept for a look back, not for ever: a timer makes half a million a year. A few at a time.
-- :forget_runs
DELETE FROM run WHERE id IN (SELECT id FROM run WHERE id < ?1 - 10000 ORDER BY id LIMIT 100);

-- :open_run
SELECT started_at FROM run INDEXED BY run_open WHERE pid = ?1 AND finished_at IS NULL ORDER BY id DESC LIMIT 1;

-- :spooled
SELECT id, system_identifier, name, fingerprint, size, spooled_at, removed_at
  FROM segment INDEXED BY segment_in_spool WHERE removed_at IS NULL;

-- :rows_of
SELECT id, system_identifier, name, fingerprint, size, spooled_at, removed_at FROM segment
 WHERE system_identifier = ?1 AND name = ?2 ORDER BY id;

-- A file is in the spool: a row that said it had left is corrected, and so is one that a listing made, which has
-- no size and is in no run of segments.
-- :adopt
INSERT INTO segment (system_identifier, name, fingerprint, kind, timeline, size, spooled_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (system_identifier, name, fingerprint) DO UPDATE
   SET removed_at = NULL, size = CASE WHEN size = 0 THEN excluded.size ELSE size END;

-- :segment_id
SELECT id FROM segment WHERE system_identifier = ?1 AND name = ?2 AND fingerprint = ?3;

-- :open_uploads
SELECT u.segment, u.store, u.state, u.attempts, u.object_key, u.next_attempt_at
  FROM segment s INDEXED BY segment_waiting CROSS JOIN upload u ON u.segment = s.id WHERE s.removed_at IS NULL;

-- :uploads_of
SELECT segment, store, state, attempts, object_key, next_attempt_at FROM upload WHERE segment = ?1;

-- A further attempt, before the object of an earlier one is looked for.
-- :begin_attempt
INSERT INTO upload (segment, store, attempts) VALUES (?1, ?2, 1)
    ON CONFLICT (segment, store) DO UPDATE SET attempts = attempts + 1;

-- :attempt_failed
UPDATE upload SET last_error = ?3, next_attempt_at = ?4
 WHERE segment = ?1 AND store = ?2 AND state <> 'verified';

-- :stored
UPDATE upload SET state = 'stored', object_key = ?3, object_size = ?4, object_sha256 = ?5, stored_at = ?6,
       put_copies = put_copies + 1
 WHERE segment = ?1 AND store = ?2 AND state <> 'verified';

-- Only what this host wrote down before it put it.
-- :verified
UPDATE upload
   SET state = 'verified', object_key = ?3, object_size = ?4, object_sha256 = ?5,
       stored_at = coalesce(stored_at, ?6), verified_at = ?6, last_error = NULL, next_attempt_at = NULL,
       put_key = NULL, put_size = NULL, put_sha256 = NULL, put_copies = 0
 WHERE segment = ?1 AND store = ?2 AND put_key = ?3;

-- :add_conflict
INSERT INTO conflict (segment, store, ours, theirs, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO NOTHING;

-- Only durable records count here: this is what a deletion asks.
-- :verified_everywhere
SELECT EXISTS (SELECT 1 FROM store WHERE retired_at IS NULL)
   AND NOT EXISTS (SELECT 1 FROM store t
                    WHERE t.retired_at IS NULL
                      AND NOT EXISTS (SELECT 1 FROM upload u
                                       WHERE u.segment = ?1 AND u.store = t.id AND u.state = 'verified'));

-- :removed
UPDATE segment SET removed_at = ?2 WHERE id = ?1;

-- Its file is gone, and the store does not have it. Changes a row only the first time.
-- :mark_lost
INSERT INTO upload (segment, store, attempts, last_error) VALUES (?1, ?2, 1, ?3)
    ON CONFLICT (segment, store) DO UPDATE SET last_error = ?3
 WHERE state <> 'verified' AND last_error IS NOT ?3;

-- :open_conflicts
SELECT c.id, s.system_identifier, s.name, t.name, c.ours, c.theirs, c.seen_at, c.settled_at, c.divergence, c.fork, c.raised_at
  FROM conflict c INDEXED BY conflict_open JOIN segment s ON s.id = c.segment LEFT JOIN store t ON t.id = c.store
 WHERE c.settled_at IS NULL ORDER BY c.id;

-- :all_conflicts
SELECT c.id, s.system_identifier, s.name, t.name, c.ours, c.theirs, c.seen_at, c.settled_at, c.divergence, c.fork, c.raised_at
  FROM conflict c JOIN segment s ON s.id = c.segment LEFT JOIN store t ON t.id = c.store ORDER BY c.id;

-- Those not compared, and those behind a fork on a timeline that may have gone on behind the fork: one of which this
-- host has made a base backup since, and the newest that it has archived.
-- :conflicts_not_compared
SELECT c.id, s.system_identifier, s.name, t.name, c.ours, c.theirs, c.seen_at, c.settled_at, c.divergence, c.fork, c.raised_at
  FROM conflict c INDEXED BY conflict_diverges JOIN segment s ON s.id = c.segment LEFT JOIN store t ON t.id = c.store
 WHERE c.divergence IS NOT NULL
   AND (c.divergence = 'not compared'
        OR EXISTS (SELECT 1 FROM backup b WHERE b.system_identifier = s.system_identifier
                                            AND b.timeline = s.timeline AND b.began_at > c.settled_at)
        OR s.timeline = (SELECT max(r.timeline) FROM wal_run r WHERE r.system_identifier = s.system_identifier))
 ORDER BY c.id;

-- :conflict_diverges
UPDATE conflict SET settled_at = coalesce(settled_at, ?2), divergence = ?3, fork = ?4 WHERE id = ?1;

-- Only what was taken for divergence is opened once more, never what a person has settled. It is news, and raised.
-- :conflict_is_one
UPDATE conflict SET settled_at = NULL, divergence = NULL, fork = NULL, raised_at = NULL WHERE id = ?1 AND divergence IS NOT NULL;

-- :raise_conflict
UPDATE conflict SET raised_at = ?2 WHERE id = ?1 AND raised_at IS NULL;

-- :add_history
INSERT INTO history (system_identifier, timeline, fingerprint, content) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT DO NOTHING;

-- :histories
SELECT timeline, fingerprint, content FROM history WHERE system_identifier = ?1 ORDER BY timeline;

-- :in_conflict
SELECT EXISTS (SELECT 1 FROM segment s CROSS JOIN conflict c ON c.segment = s.id
                WHERE s.system_identifier = ?1 AND s.name = ?2);

-- Also what was taken for divergence: a person's word stands, whatever is found later.
-- :settle
UPDATE conflict SET settled_at = ?3, divergence = NULL, fork = NULL
 WHERE (settled_at IS NULL OR divergence IS NOT NULL)
   AND segment IN (SELECT id FROM segment WHERE system_identifier = ?1 AND name = ?2);

-- Of one cluster, or of all of them. The newest upload of a cluster is found from the end, past those of other clusters that
-- came later; where there is none, nothing is searched. A store's last error is not a cluster's.
-- :store_summary
WITH waiting AS MATERIALIZED (
    SELECT t.id AS store, count(*) AS segments, sum(s.size) AS bytes, min(s.spooled_at) AS oldest_spooled_at
      FROM segment s INDEXED BY segment_in_spool JOIN store t ON t.retired_at IS NULL
     WHERE s.removed_at IS NULL AND (?1 IS NULL OR s.system_identifier = ?1)
       AND NOT EXISTS (SELECT 1 FROM upload u WHERE u.segment = s.id AND u.store = t.id AND u.state = 'verified')
     GROUP BY t.id)
SELECT t.name, coalesce(w.segments, 0), coalesce(w.bytes, 0), w.oldest_spooled_at,
       (SELECT coalesce(sum(uploads), 0) FROM upload_count c
         WHERE c.store = t.id AND c.state = 'stored' AND (?1 IS NULL OR c.system_identifier = ?1)),
       (SELECT coalesce(sum(uploads), 0) FROM upload_count c
         WHERE c.store = t.id AND c.state = 'verified' AND (?1 IS NULL OR c.system_identifier = ?1)),
       (SELECT count(*) FROM conflict c INDEXED BY conflict_open JOIN segment s ON s.id = c.segment
         WHERE c.settled_at IS NULL AND c.store = t.id AND (?1 IS NULL OR s.system_identifier = ?1))
       + (SELECT count(*) FROM conflict c INDEXED BY conflict_open JOIN segment s ON s.id = c.segment
           WHERE c.settled_at IS NULL AND c.store IS NULL AND (?1 IS NULL OR s.system_identifier = ?1)),
       s.name, u.verified_at,
       (SELECT e.last_error FROM upload e INDEXED BY upload_error
         WHERE e.store = t.id AND e.state <> 'verified' AND e.last_error IS NOT NULL
         ORDER BY e.next_attempt_at DESC LIMIT 1),
       t.type
  FROM store t
  LEFT JOIN waiting w ON w.store = t.id
  LEFT JOIN upload u
    ON u.segment = (SELECT v.segment
                      FROM upload v INDEXED BY upload_verified CROSS JOIN segment x ON x.id = v.segment
                     WHERE v.store = t.id AND v.state = 'verified' AND (?1 IS NULL OR x.system_identifier = ?1)
                       AND EXISTS (SELECT 1 FROM upload_count c
                                    WHERE c.store = t.id AND c.state = 'verified' AND c.uploads > 0
                                      AND (?1 IS NULL OR c.system_identifier = ?1))
                     ORDER BY v.segment DESC LIMIT 1)
   AND u.store = t.id
  LEFT JOIN segment s ON s.id = u.segment
 WHERE t.retired_at IS NULL ORDER BY t.id;

-- Of one cluster, or of all of them.
-- :gaps
SELECT after_segment, before_segment, missing, system_identifier FROM gap
 WHERE ?1 IS NULL OR system_identifier = ?1 ORDER BY system_identifier, after_segment;

-- :newest_verified
SELECT s.id, s.system_identifier, s.name, s.fingerprint, s.size, s.spooled_at, s.removed_at
  FROM store t
 CROSS JOIN upload u INDEXED BY upload_verified ON u.store = t.id AND u.state = 'verified'
 CROSS JOIN segment s ON s.id = u.segment AND s.kind = 'wal'
 WHERE t.name = ?1 AND t.retired_at IS NULL ORDER BY u.segment DESC LIMIT 1;

-- :segment_before
SELECT min(name) FROM (
    SELECT name FROM segment
     WHERE system_identifier = ?1 AND kind = 'wal' AND name <= ?2 AND name >= substr(?2, 1, 8)
     ORDER BY name DESC LIMIT ?3);

-- :last_run
SELECT pid, started_at, finished_at, exit_code, verified, removed, message FROM run ORDER BY id DESC LIMIT 1;

-- What follows is for a ledger that is made anew (walferry rebuild); none of it changes what is known already.

-- A segment that only a listing tells of: it has left the spool, its size is not known (0), and nobody knows when
-- it was spooled.
-- :listed_segment
INSERT INTO segment (system_identifier, name, fingerprint, kind, timeline, size, spooled_at, removed_at)
VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?6) ON CONFLICT DO NOTHING;

-- :listed_upload
INSERT INTO upload (segment, store, state, object_key, object_size, object_sha256, attempts, stored_at)
SELECT id, ?4, 'stored', ?5, ?6, ?7, 1, ?8 FROM segment
 WHERE system_identifier = ?1 AND name = ?2 AND fingerprint = ?3
    ON CONFLICT (segment, store) DO UPDATE
   SET state = 'stored', object_key = ?5, object_size = ?6, object_sha256 = ?7, stored_at = ?8
 WHERE state = 'pending';

-- :set_missing_sizes
UPDATE segment SET size = ?2 WHERE system_identifier = ?1 AND kind IN ('wal', 'partial') AND size = 0;

-- :known_segment_size
SELECT size FROM wal_run WHERE system_identifier = ?1 LIMIT 1;

-- What is in the spool is ours. Where neither content is, nothing tells which one that would be: both are said to
-- be, so that settling asks for the right one.
-- :listed_conflicts
INSERT INTO conflict (segment, store, ours, theirs, seen_at)
SELECT a.id, u.store, a.fingerprint, b.fingerprint, ?1
  FROM segment a
  JOIN segment b ON b.system_identifier = a.system_identifier AND b.name = a.name
                AND b.fingerprint <> a.fingerprint
  JOIN upload u ON u.segment = b.id AND u.state <> 'pending'
 WHERE (a.removed_at IS NULL OR b.removed_at IS NOT NULL)
   AND NOT EXISTS (SELECT 1 FROM conflict c JOIN segment s ON s.id = c.segment
                    WHERE s.system_identifier = a.system_identifier AND s.name = a.name)
    ON CONFLICT DO NOTHING;

-- The same of some segments of a cluster.
-- :listed_conflicts_within
INSERT INTO conflict (segment, store, ours, theirs, seen_at)
SELECT a.id, u.store, a.fingerprint, b.fingerprint, ?1
  FROM segment a
  JOIN segment b ON b.system_identifier = a.system_identifier AND b.name = a.name
                AND b.fingerprint <> a.fingerprint
  JOIN upload u ON u.segment = b.id AND u.state <> 'pending'
 WHERE a.system_identifier = ?2 AND a.name BETWEEN ?3 AND ?4
   AND (a.removed_at IS NULL OR b.removed_at IS NOT NULL)
   AND NOT EXISTS (SELECT 1 FROM conflict c JOIN segment s ON s.id = c.segment
                    WHERE s.system_identifier = a.system_identifier AND s.name = a.name)
    ON CONFLICT DO NOTHING;

-- For a ledger that is older than `wal_run`, which no trigger has filled.
-- :wal_in_order
SELECT system_identifier, timeline, size, name FROM segment
 WHERE kind = 'wal' ORDER BY system_identifier, name, fingerprint;

-- :add_run
INSERT OR IGNORE INTO wal_run (system_identifier, timeline, size, first, last) VALUES (?1, ?2, ?3, ?4, ?5);
