-- Answers to what people ask, for the sqlite3 shell and for the commands. Views hold no data: every migration
-- ends by recreating them.

-- Which segment is where? A row a segment and active store, also where nothing was tried yet.
DROP VIEW IF EXISTS copies;
CREATE VIEW copies AS
    SELECT s.system_identifier, s.name, s.fingerprint, s.kind, s.timeline, s.size, s.spooled_at, s.removed_at,
           t.name AS store, coalesce(u.state, 'pending') AS state, u.object_key, u.object_size,
           u.object_sha256, coalesce(u.attempts, 0) AS attempts, u.last_error, u.next_attempt_at,
           u.stored_at, u.verified_at, s.id AS segment_id, t.id AS store_id
      FROM segment s
      JOIN store t ON t.retired_at IS NULL
      LEFT JOIN upload u ON u.segment = s.id AND u.store = t.id
     -- A store that was added later gets what is spooled from then on; older segments are none of its backlog.
     WHERE u.segment IS NOT NULL OR s.removed_at IS NULL;

-- What still has to travel, by store.
DROP VIEW IF EXISTS backlog;
CREATE VIEW backlog AS
    SELECT t.name AS store, count(s.id) AS segments, coalesce(sum(s.size), 0) AS bytes,
           min(s.spooled_at) AS oldest_spooled_at
      FROM store t
      LEFT JOIN segment s INDEXED BY segment_in_spool
        ON s.removed_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM upload u
                        WHERE u.segment = s.id AND u.store = t.id AND u.state = 'verified')
     WHERE t.retired_at IS NULL
     GROUP BY t.id;

-- Missing segments between two that the ledger knows, within a timeline.
DROP VIEW IF EXISTS wal_position;
DROP VIEW IF EXISTS gap;
CREATE VIEW gap AS
    SELECT system_identifier, timeline,
           format('%08X%08X%08X', timeline, last / (4294967296 / size), last % (4294967296 / size)) AS after_segment,
           format('%08X%08X%08X', timeline, next_first / (4294967296 / next_size),
                  next_first % (4294967296 / next_size)) AS before_segment,
           (next_first * next_size - (last + 1) * size) / size AS missing
      FROM (SELECT *, lead(first) OVER w AS next_first, lead(size) OVER w AS next_size
              FROM wal_run
            WINDOW w AS (PARTITION BY system_identifier, timeline ORDER BY first * size))
     WHERE next_first * next_size > (last + 1) * size;

-- Up to where each store leads takes histories, backups and disputes to know: `walferry status` says it. An earlier view
-- of this name took the newest segment for it.
DROP VIEW IF EXISTS recovery_point;

-- Which base backup is where, and what it still lacks there. It can be restored from a store alone when it holds
-- the whole cluster, and the store has all of it and each segment from its start to its stop, without a conflict
-- that is not settled. Contents that differ only behind the place where the timeline was left are one where the
-- backup ends behind that place: positions ("H/L" at the beginning of `fork`) are compared as padded text. Of a segment that another host archived (a primary, where this host's server is a standby) a
-- listing tells, and that host has read it back.
DROP VIEW IF EXISTS backup_copies;
CREATE VIEW backup_copies AS
    SELECT *, state = 'verified' AND missing = 0 AND missing_segments = 0 AND conflicts = 0 AS restorable
      FROM (SELECT b.name AS backup, b.system_identifier, b.began_at, b.started_at, b.stopped_at, b.timeline,
                   b.start_lsn, b.stop_lsn, b.first_segment, b.last_segment, b.size, b.missing, t.name AS store, u.state, u.object_size, u.label_key,
                   u.verified_at, u.last_error,
                   b.segments - (SELECT count(DISTINCT s.name)
                                   FROM segment s
                                   JOIN upload v ON v.segment = s.id AND v.store = t.id
                                    AND (v.state = 'verified' OR (v.state = 'stored' AND s.removed_at IS NOT NULL))
                                  WHERE s.system_identifier = b.system_identifier AND s.kind = 'wal'
                                    AND s.name BETWEEN b.first_segment AND b.last_segment) AS missing_segments,
                   (SELECT count(*) FROM segment s
                      JOIN conflict c ON c.segment = s.id
                       AND (c.settled_at IS NULL
                            OR (c.divergence IS NOT NULL AND instr(c.fork, '/') BETWEEN 2 AND 9
                                AND format('%8s%8s', substr(c.fork, 1, instr(c.fork, '/') - 1),
                                           substr(c.fork, instr(c.fork, '/') + 1,
                                                  instr(c.fork, ',') - instr(c.fork, '/') - 1))
                                    < format('%8s%8s', substr(b.stop_lsn, 1, instr(b.stop_lsn, '/') - 1),
                                             substr(b.stop_lsn, instr(b.stop_lsn, '/') + 1))))
                     WHERE s.system_identifier = b.system_identifier AND s.kind = 'wal'
                       AND s.name BETWEEN b.first_segment AND b.last_segment) AS conflicts,
                   b.id AS backup_id, t.id AS store_id
              FROM backup b
              JOIN backup_upload u ON u.backup = b.id
              JOIN store t ON t.id = u.store AND t.retired_at IS NULL);
