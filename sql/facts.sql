-- The statements of common/ledger/ledger_facts.cpp, by name. Each ends with the only semicolon in it (sql/embed.cmake).

-- :note
INSERT INTO wal_fact (segment, facts, first_at, last_at, last_commit_at, events)
SELECT id, ?2, coalesce(?3, spooled_at), coalesce(?4, spooled_at), ?5, ?6 FROM segment WHERE id = ?1
    ON CONFLICT (segment) DO UPDATE
   SET facts = ?2, first_at = excluded.first_at, last_at = excluded.last_at, last_commit_at = ?5, events = ?6;

-- Segments in which something happened, by the time of it. Their facts are read one by one: there may be millions.
-- :between
SELECT s.id
  FROM wal_fact f INDEXED BY wal_fact_time
 CROSS JOIN segment s ON s.id = f.segment AND s.system_identifier = ?1
 WHERE f.events > 0 AND f.last_at >= ?2 AND f.first_at <= ?3
 ORDER BY s.name, s.id;

-- :by_id
SELECT s.id, s.name, f.facts, s.spooled_at, s.fingerprint
  FROM segment s LEFT JOIN wal_fact f ON f.segment = s.id WHERE s.id = ?1;

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

-- The same of what came into the spool since a moment, which most often is little of it all.
-- :unknown_since
SELECT s.id, s.name, NULL, s.spooled_at, s.fingerprint
  FROM segment s INDEXED BY segment_spooled
 WHERE s.spooled_at >= ?3 AND s.system_identifier = ?1 AND s.kind IN ('wal', 'partial') AND s.name > ?2
   AND NOT EXISTS (SELECT 1 FROM wal_fact f WHERE f.segment = s.id)
 ORDER BY s.name LIMIT ?4;

-- The first name from that one up to another that the store does not have: no content of it is verified there (or
-- left the spool, and a listing shows it, as in `backup_copies`), one still waits in the spool, or which content is
-- right is not settled, or they differ behind a place where the timeline was left: of use only on the way to the one that
-- left, which does not lead through here. A name without any row of the store is one.
-- :unverified
SELECT s.name FROM segment s
 WHERE s.system_identifier = ?1 AND s.kind = 'wal' AND s.name BETWEEN ?3 AND ?4
   AND (NOT EXISTS (SELECT 1 FROM segment o JOIN upload u ON u.segment = o.id AND u.store = ?2
                     WHERE o.system_identifier = ?1 AND o.name = s.name
                       AND (u.state = 'verified' OR (u.state = 'stored' AND o.removed_at IS NOT NULL)))
        OR (s.removed_at IS NULL AND NOT EXISTS (SELECT 1 FROM upload u WHERE u.segment = s.id AND u.store = ?2
                                                    AND u.state = 'verified'))
        OR EXISTS (SELECT 1 FROM conflict c
                    WHERE c.segment = s.id AND (c.settled_at IS NULL OR c.divergence IS NOT NULL)))
 ORDER BY s.name LIMIT 1;

-- The first of them that this host has not read back from the store.
-- :only_listed
SELECT s.name FROM segment s
 WHERE s.system_identifier = ?1 AND s.kind = 'wal' AND s.name BETWEEN ?3 AND ?4
   AND NOT EXISTS (SELECT 1 FROM segment o JOIN upload u ON u.segment = o.id AND u.store = ?2
                    WHERE o.system_identifier = ?1 AND o.name = s.name AND u.state = 'verified')
 ORDER BY s.name LIMIT 1;

-- :holds_history
SELECT 1 FROM segment s JOIN upload u ON u.segment = s.id AND u.store = ?2
 WHERE s.system_identifier = ?1 AND s.name = format('%08X.history', ?3)
   AND (u.state = 'verified' OR (u.state = 'stored' AND s.removed_at IS NOT NULL))
   AND NOT EXISTS (SELECT 1 FROM conflict c JOIN segment o ON o.id = c.segment
                    WHERE c.settled_at IS NULL AND o.system_identifier = ?1 AND o.name = s.name);

-- :runs
SELECT timeline, size, first, last FROM wal_run WHERE system_identifier = ?1 ORDER BY timeline, first * size;

-- Where the newest backup ends that can be restored from that store.
-- :backup_end
SELECT d.last_segment FROM backup_copies d
 WHERE d.system_identifier = ?1 AND d.store_id = ?2 AND d.restorable ORDER BY d.last_segment DESC LIMIT 1;
