-- Answers to what people ask, for the sqlite3 shell and for the commands. Views hold no data: every migration
-- ends by making them anew.

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
      LEFT JOIN segment s
        ON s.removed_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM upload u
                        WHERE u.segment = s.id AND u.store = t.id AND u.state = 'verified')
     WHERE t.retired_at IS NULL
     GROUP BY t.id;

-- Where a WAL segment starts, in bytes. SQLite reads no hexadecimal text, hence the sums over the digits.
DROP VIEW IF EXISTS wal_position;
CREATE VIEW wal_position AS
    WITH place (digit, weight) AS (VALUES (1, 268435456), (2, 16777216), (3, 1048576), (4, 65536), (5, 4096),
                                          (6, 256), (7, 16), (8, 1))
    SELECT id, system_identifier, timeline, name, size,
           (SELECT sum((instr('0123456789ABCDEF', substr(name, 8 + digit, 1)) - 1) * weight) FROM place)
               * 4294967296
           + (SELECT sum((instr('0123456789ABCDEF', substr(name, 16 + digit, 1)) - 1) * weight) FROM place)
               * size AS start
      FROM segment
     WHERE kind = 'wal';

-- Missing segments between two that the ledger knows, within a timeline.
DROP VIEW IF EXISTS gap;
CREATE VIEW gap AS
    SELECT system_identifier, timeline, name AS after_segment, next_name AS before_segment,
           (next_start - start) / size - 1 AS missing
      FROM (SELECT *, lead(name) OVER w AS next_name, lead(start) OVER w AS next_start
              FROM (SELECT DISTINCT system_identifier, timeline, name, size, start FROM wal_position)
            WINDOW w AS (PARTITION BY system_identifier, timeline ORDER BY start))
     WHERE next_start > start + size;

-- How far recovery would come from each store alone: the last WAL segment of a timeline before which none
-- that the ledger knows is unverified there. (Holes that the ledger knows nothing of are in `gap`.)
DROP VIEW IF EXISTS recovery_point;
CREATE VIEW recovery_point AS
    SELECT t.name AS store, s.system_identifier, s.timeline, max(s.name) AS segment,
           max(u.verified_at) AS verified_at
      FROM store t
      JOIN upload u ON u.store = t.id AND u.state = 'verified'
      JOIN segment s ON s.id = u.segment AND s.kind = 'wal'
     WHERE t.retired_at IS NULL
       AND s.name < coalesce((SELECT min(x.name)
                                FROM segment x
                                LEFT JOIN upload v ON v.segment = x.id AND v.store = t.id
                               WHERE x.kind = 'wal' AND x.system_identifier = s.system_identifier
                                 AND x.timeline = s.timeline AND x.removed_at IS NULL
                                 AND coalesce(v.state, 'pending') <> 'verified'), 'G')
     GROUP BY t.id, s.system_identifier, s.timeline;

-- Which base backup is where, and what it still lacks there. It can be restored from a store alone when the store
-- has all of it and each segment from its start to its stop, without a conflict that nobody settled.
DROP VIEW IF EXISTS backup_copies;
CREATE VIEW backup_copies AS
    SELECT *, state = 'verified' AND missing_segments = 0 AND conflicts = 0 AS restorable
      FROM (SELECT b.name AS backup, b.system_identifier, b.began_at, b.started_at, b.stopped_at, b.timeline,
                   b.start_lsn, b.stop_lsn, b.size, t.name AS store, u.state, u.object_size, u.label_key,
                   u.verified_at, u.last_error,
                   b.segments - (SELECT count(DISTINCT s.name)
                                   FROM segment s
                                   JOIN upload v ON v.segment = s.id AND v.store = t.id AND v.state = 'verified'
                                  WHERE s.system_identifier = b.system_identifier AND s.kind = 'wal'
                                    AND s.name BETWEEN b.first_segment AND b.last_segment) AS missing_segments,
                   (SELECT count(*) FROM segment s JOIN conflict c ON c.segment = s.id AND c.settled_at IS NULL
                     WHERE s.system_identifier = b.system_identifier AND s.kind = 'wal'
                       AND s.name BETWEEN b.first_segment AND b.last_segment) AS conflicts,
                   b.id AS backup_id, t.id AS store_id
              FROM backup b
              JOIN backup_upload u ON u.backup = b.id
              JOIN store t ON t.id = u.store AND t.retired_at IS NULL);
