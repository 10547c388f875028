-- Answers that cost the same whether the ledger holds a thousand segments or ten million: indexes for what is asked
-- again and again, and two small tables that triggers keep. A walferry-archive-push that is older than this migration
-- fires them as well.

-- When segments came: `walferry list --since` and `--last`.
CREATE INDEX segment_spooled ON segment (spooled_at);

-- The newest upload that is verified in a store.
CREATE INDEX upload_verified ON upload (store, segment) WHERE state = 'verified';

-- What is open, by state: after a rebuild every upload is `stored`, and still only a few are pending.
DROP INDEX upload_open;
CREATE INDEX upload_pending ON upload (segment) WHERE state = 'pending';
CREATE INDEX upload_stored ON upload (segment) WHERE state = 'stored';
CREATE INDEX segment_waiting ON segment (id) WHERE removed_at IS NULL;

-- What went wrong last.
CREATE INDEX upload_error ON upload (store, next_attempt_at) WHERE last_error IS NOT NULL AND state <> 'verified';

CREATE INDEX conflict_open ON conflict (store) WHERE settled_at IS NULL;

-- Runs that have not ended: the present one, and those that were killed.
CREATE INDEX run_open ON run (pid) WHERE finished_at IS NULL;

-- The newest backups of a cluster: the search for a restorable one ends at the first.
CREATE INDEX backup_stopped ON backup (system_identifier, stopped_at);

-- How many uploads of a store are in a state.
CREATE TABLE upload_count (
    store   INTEGER NOT NULL REFERENCES store (id),
    state   TEXT    NOT NULL,
    uploads INTEGER NOT NULL,
    PRIMARY KEY (store, state)
) STRICT, WITHOUT ROWID;

-- Counted along the indexes: nothing is sorted.
INSERT INTO upload_count
SELECT id, 'pending', (SELECT count(*) FROM upload INDEXED BY upload_pending WHERE state = 'pending' AND store = t.id)
  FROM store t
 UNION ALL
SELECT id, 'stored', (SELECT count(*) FROM upload INDEXED BY upload_stored WHERE state = 'stored' AND store = t.id)
  FROM store t
 UNION ALL
SELECT id, 'verified', (SELECT count(*) FROM upload INDEXED BY upload_verified WHERE state = 'verified' AND store = t.id)
  FROM store t;

CREATE TRIGGER upload_count_insert AFTER INSERT ON upload
BEGIN
    INSERT INTO upload_count VALUES (new.store, new.state, 1)
        ON CONFLICT (store, state) DO UPDATE SET uploads = uploads + 1;
END;

CREATE TRIGGER upload_count_update AFTER UPDATE OF state ON upload WHEN old.state <> new.state
BEGIN
    UPDATE upload_count SET uploads = uploads - 1 WHERE store = old.store AND state = old.state;
    INSERT INTO upload_count VALUES (new.store, new.state, 1)
        ON CONFLICT (store, state) DO UPDATE SET uploads = uploads + 1;
END;

CREATE TRIGGER upload_count_delete AFTER DELETE ON upload
BEGIN
    UPDATE upload_count SET uploads = uploads - 1 WHERE store = old.store AND state = old.state;
END;

-- Which WAL segments the ledger knows, as runs without a gap: a row for each gap instead of one for each segment.
-- Numbers count segments from position 0/0, so they are positions divided by the segment size. What was there before
-- this migration is filled in by the program that migrates.
CREATE TABLE wal_run (
    system_identifier TEXT    NOT NULL,
    timeline          INTEGER NOT NULL,
    size              INTEGER NOT NULL,  -- of a segment, bytes
    first             INTEGER NOT NULL,
    last              INTEGER NOT NULL,
    PRIMARY KEY (system_identifier, timeline, size, first)
) STRICT, WITHOUT ROWID;

-- The number of a WAL segment, out of its name. SQLite reads no hexadecimal text. Segments whose size is not known yet
-- (0: only a listing tells of them) or is none that PostgreSQL has are left out.
CREATE VIEW wal_number AS
    SELECT id, system_identifier, timeline, size, name, high * (4294967296 / size) + low AS number
      FROM (SELECT id, system_identifier, timeline, size, name,
                   ((instr('0123456789ABCDEF', substr(name, 9, 1)) - 1) << 28)
                   + ((instr('0123456789ABCDEF', substr(name, 10, 1)) - 1) << 24)
                   + ((instr('0123456789ABCDEF', substr(name, 11, 1)) - 1) << 20)
                   + ((instr('0123456789ABCDEF', substr(name, 12, 1)) - 1) << 16)
                   + ((instr('0123456789ABCDEF', substr(name, 13, 1)) - 1) << 12)
                   + ((instr('0123456789ABCDEF', substr(name, 14, 1)) - 1) << 8)
                   + ((instr('0123456789ABCDEF', substr(name, 15, 1)) - 1) << 4)
                   + (instr('0123456789ABCDEF', substr(name, 16, 1)) - 1) AS high,
                   ((instr('0123456789ABCDEF', substr(name, 17, 1)) - 1) << 28)
                   + ((instr('0123456789ABCDEF', substr(name, 18, 1)) - 1) << 24)
                   + ((instr('0123456789ABCDEF', substr(name, 19, 1)) - 1) << 20)
                   + ((instr('0123456789ABCDEF', substr(name, 20, 1)) - 1) << 16)
                   + ((instr('0123456789ABCDEF', substr(name, 21, 1)) - 1) << 12)
                   + ((instr('0123456789ABCDEF', substr(name, 22, 1)) - 1) << 8)
                   + ((instr('0123456789ABCDEF', substr(name, 23, 1)) - 1) << 4)
                   + (instr('0123456789ABCDEF', substr(name, 24, 1)) - 1) AS low
              FROM segment
             WHERE kind = 'wal' AND length(name) = 24 AND name NOT GLOB '*[^0-9A-F]*'
               AND size BETWEEN 1048576 AND 1073741824 AND size & (size - 1) = 0)
     WHERE low < 4294967296 / size;

-- Where a trigger of `segment` says which number came or left: a trigger has no variables, but its row's values.
CREATE VIEW wal_known AS SELECT id, system_identifier, timeline, size, number FROM wal_number;

CREATE TRIGGER wal_known_insert INSTEAD OF INSERT ON wal_known
BEGIN
    UPDATE wal_run SET last = new.number  -- the run that ended right before it
     WHERE system_identifier = new.system_identifier AND timeline = new.timeline AND size = new.size
       AND first = (SELECT max(first) FROM wal_run
                     WHERE system_identifier = new.system_identifier AND timeline = new.timeline
                       AND size = new.size AND first <= new.number)
       AND last = new.number - 1;
    INSERT INTO wal_run  -- or a run of its own
    SELECT new.system_identifier, new.timeline, new.size, new.number, new.number
     WHERE coalesce((SELECT last FROM wal_run
                      WHERE system_identifier = new.system_identifier AND timeline = new.timeline
                        AND size = new.size AND first <= new.number
                      ORDER BY first DESC LIMIT 1), -1) < new.number;
    UPDATE wal_run  -- joined with the run that begins right behind it
       SET last = (SELECT last FROM wal_run
                    WHERE system_identifier = new.system_identifier AND timeline = new.timeline
                      AND size = new.size AND first = new.number + 1)
     WHERE system_identifier = new.system_identifier AND timeline = new.timeline AND size = new.size
       AND first = (SELECT max(first) FROM wal_run
                     WHERE system_identifier = new.system_identifier AND timeline = new.timeline
                       AND size = new.size AND first <= new.number)
       AND last = new.number
       AND EXISTS (SELECT 1 FROM wal_run
                    WHERE system_identifier = new.system_identifier AND timeline = new.timeline
                      AND size = new.size AND first = new.number + 1);
    DELETE FROM wal_run
     WHERE system_identifier = new.system_identifier AND timeline = new.timeline AND size = new.size
       AND first = new.number + 1;
END;

CREATE TRIGGER wal_known_delete INSTEAD OF DELETE ON wal_known
BEGIN
    INSERT INTO wal_run  -- what lies behind it is a run of its own
    SELECT system_identifier, timeline, size, old.number + 1, last FROM wal_run
     WHERE system_identifier = old.system_identifier AND timeline = old.timeline AND size = old.size
       AND first = (SELECT max(first) FROM wal_run
                     WHERE system_identifier = old.system_identifier AND timeline = old.timeline
                       AND size = old.size AND first <= old.number)
       AND last > old.number;
    UPDATE wal_run SET last = old.number - 1
     WHERE system_identifier = old.system_identifier AND timeline = old.timeline AND size = old.size
       AND first = (SELECT max(first) FROM wal_run
                     WHERE system_identifier = old.system_identifier AND timeline = old.timeline
                       AND size = old.size AND first < old.number)
       AND last >= old.number;
    DELETE FROM wal_run
     WHERE system_identifier = old.system_identifier AND timeline = old.timeline AND size = old.size
       AND first = old.number;
END;

CREATE TRIGGER segment_known AFTER INSERT ON segment WHEN new.kind = 'wal'
BEGIN
    INSERT INTO wal_known SELECT id, system_identifier, timeline, size, number FROM wal_number WHERE id = new.id;
END;

CREATE TRIGGER segment_sized AFTER UPDATE OF size ON segment WHEN new.kind = 'wal' AND old.size = 0
BEGIN
    INSERT INTO wal_known SELECT id, system_identifier, timeline, size, number FROM wal_number WHERE id = new.id;
END;

-- Before: the row still tells its number. Another content of the same name keeps the number known.
CREATE TRIGGER segment_forgotten BEFORE DELETE ON segment
WHEN old.kind = 'wal' AND NOT EXISTS (SELECT 1 FROM segment WHERE system_identifier = old.system_identifier
                                         AND name = old.name AND id <> old.id)
BEGIN
    DELETE FROM wal_known WHERE id = old.id;
END;
