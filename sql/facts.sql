-- The statements of common/ledger/ledger_facts.cpp, by name. Each ends with the only semicolon in it (sql/embed.cmake).

-- :note
INSERT INTO wal_fact (segment, facts, first_at, last_at, last_commit_at, events)
SELECT id, ?2, coalesce(?3, spooled_at), coalesce(?4, spooled_at), ?5, ?6 FROM segment WHERE id = ?1
    ON CONFLICT (segment) DO UPDATE
   SET facts = ?2, first_at = excluded.first_at, last_at = excluded.last_at, last_commit_at = ?5, events = ?6;

-- Segments in which something happened, by the time of it.
-- :between
SELECT s.id, s.name, f.facts, s.spooled_at, s.fingerprint
  FROM wal_fact f INDEXED BY wal_fact_time
 CROSS JOIN segment s ON s.id = f.segment AND s.system_identifier = ?1
 WHERE f.events > 0 AND f.last_at >= ?2 AND f.first_at <= ?3
 ORDER BY s.name, s.id;

-- Backwards along a timeline, from that segment on.
-- :up_to
SELECT s.id, s.name, f.facts, s.spooled_at, s.fingerprint
  FROM segment s LEFT JOIN wal_fact f ON f.segment = s.id
 WHERE s.system_identifier = ?1 AND s.kind = 'wal' AND s.name <= ?2 AND s.name >= substr(?2, 1, 8)
 ORDER BY s.name DESC, s.id LIMIT ?3;

-- :of
SELECT s.id, s.name, f.facts, s.spooled_at, s.fingerprint
  FROM segment s LEFT JOIN wal_fact f ON f.segment = s.id
 WHERE s.system_identifier = ?1 AND s.name = ?2 ORDER BY f.facts IS NULL, s.id LIMIT 1;

-- :unknown
SELECT s.id, s.name, NULL, s.spooled_at, s.fingerprint
  FROM segment s
 WHERE s.system_identifier = ?1 AND s.kind IN ('wal', 'partial') AND s.name > ?2 AND s.spooled_at >= ?3
   AND NOT EXISTS (SELECT 1 FROM wal_fact f WHERE f.segment = s.id)
 ORDER BY s.name LIMIT ?4;

-- The first segment from that one on that is not verified in the store: it waits, or it was lost.
-- :unverified
SELECT min(name) FROM (
    SELECT min(s.name) AS name FROM segment s INDEXED BY segment_in_spool
      LEFT JOIN upload u ON u.segment = s.id AND u.store = ?2
     WHERE s.removed_at IS NULL AND s.kind = 'wal' AND s.system_identifier = ?1
       AND s.name >= ?3 AND s.name < substr(?3, 1, 8) || 'G' AND coalesce(u.state, 'pending') <> 'verified'
    UNION ALL
    SELECT min(s.name) FROM upload u INDEXED BY upload_pending
      JOIN segment s ON s.id = u.segment AND s.kind = 'wal'
     WHERE u.state = 'pending' AND u.store = ?2 AND s.system_identifier = ?1
       AND s.name >= ?3 AND s.name < substr(?3, 1, 8) || 'G');

-- :runs
SELECT timeline, size, first, last FROM wal_run WHERE system_identifier = ?1 ORDER BY timeline, first * size;

-- The newest segment of a timeline that is verified in the store, up to that one.
-- :newest_verified
SELECT s.name FROM segment s
  JOIN upload u ON u.segment = s.id AND u.store = ?2 AND u.state = 'verified'
 WHERE s.system_identifier = ?1 AND s.kind = 'wal' AND s.name <= ?3 AND s.name >= substr(?3, 1, 8)
 ORDER BY s.name DESC LIMIT 1;

-- Where the newest backup ends that can be restored from that store.
-- :backup_end
SELECT d.last_segment FROM backup_copies d
 WHERE d.system_identifier = ?1 AND d.store_id = ?2 AND d.restorable ORDER BY d.last_segment DESC LIMIT 1;
