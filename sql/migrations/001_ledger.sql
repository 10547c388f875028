-- The ledger: what walferry knows about every segment it was given.
--
-- It is the record, not the queue (that is the spool) and not the archive (that is the stores). It can be lost
-- and recreated from the other two. Times are ISO-8601 text in UTC with milliseconds. The system identifier is
-- decimal text, because it is an unsigned 64-bit number and SQLite's integers are signed.

-- One row per content that came under a name. Two rows of one name are a conflict, never a replacement.
CREATE TABLE segment (
    id                INTEGER PRIMARY KEY,
    system_identifier TEXT    NOT NULL CHECK (system_identifier NOT GLOB '*[^0-9]*' AND system_identifier <> ''),
    name              TEXT    NOT NULL CHECK (length(name) BETWEEN 16 AND 40),
    fingerprint       TEXT    NOT NULL CHECK (length(fingerprint) = 32),  -- XXH3-128
    kind              TEXT    NOT NULL CHECK (kind IN ('wal', 'partial', 'history', 'backup')),
    timeline          INTEGER NOT NULL,
    size              INTEGER NOT NULL CHECK (size >= 0),                 -- bytes
    spooled_at        TEXT    NOT NULL,
    removed_at        TEXT,                                               -- when its file left the spool
    UNIQUE (system_identifier, name, fingerprint)
) STRICT;

-- The spool's share of a table that grows by a row a segment for years.
CREATE INDEX segment_in_spool ON segment (system_identifier, name) WHERE removed_at IS NULL;

-- A place that objects go to. What it points at never changes: a store that moved is another store, and a name
-- is free again once its old bearer was retired by a person.
CREATE TABLE store (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    type       TEXT NOT NULL CHECK (type IN ('s3', 'directory')),
    endpoint   TEXT NOT NULL,  -- a directory store's path
    bucket     TEXT NOT NULL,
    prefix     TEXT NOT NULL,
    added_at   TEXT NOT NULL,
    retired_at TEXT
) STRICT;

CREATE UNIQUE INDEX store_active_name ON store (name) WHERE retired_at IS NULL;

-- How far one segment has come in one store.
--   pending   nothing is known to be there
--   stored    a put was answered, or a listing shows it; not read back yet
--   verified  read back whole, and the bytes hash to the object's name
-- There is no state for failure: an upload is pending until it is verified.
CREATE TABLE upload (
    segment         INTEGER NOT NULL REFERENCES segment (id),
    store           INTEGER NOT NULL REFERENCES store (id),
    state           TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'stored', 'verified')),
    object_key      TEXT,     -- for people; programs compute it
    object_size     INTEGER,  -- bytes
    object_sha256   TEXT,     -- of the whole object, 64 hex digits; 32 where only a listing told
    attempts        INTEGER NOT NULL DEFAULT 0,
    last_error      TEXT,
    next_attempt_at TEXT,
    stored_at       TEXT,
    verified_at     TEXT,
    PRIMARY KEY (segment, store),
    -- A deletion depends on this state, so it cannot be claimed without saying what was read, and when.
    CHECK (state <> 'verified'
           OR (object_key IS NOT NULL AND object_sha256 IS NOT NULL AND verified_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX upload_open ON upload (store, segment) WHERE state <> 'verified';

-- One name, two contents. A row stays until a person settles it.
CREATE TABLE conflict (
    id         INTEGER PRIMARY KEY,
    segment    INTEGER NOT NULL REFERENCES segment (id),  -- ours
    store      INTEGER REFERENCES store (id),             -- NULL: seen in the spool, against an earlier row
    ours       TEXT NOT NULL,                             -- fingerprints
    theirs     TEXT NOT NULL,
    seen_at    TEXT NOT NULL,
    settled_at TEXT
) STRICT;

CREATE UNIQUE INDEX conflict_once ON conflict (segment, coalesce(store, 0), theirs);

-- One row a drain run.
CREATE TABLE run (
    id          INTEGER PRIMARY KEY,
    pid         INTEGER NOT NULL,
    started_at  TEXT NOT NULL,
    finished_at TEXT,              -- NULL and no such process: it was killed
    exit_code   INTEGER,
    verified    INTEGER NOT NULL DEFAULT 0,  -- uploads verified
    removed     INTEGER NOT NULL DEFAULT 0,  -- segments that left the spool
    message     TEXT
) STRICT;

-- The door for walferry-archive-push, frozen: an old push must get along with every later ledger. Later
-- migrations may rebuild what stands behind these three, never what they offer. A ledger that has to break
-- this raises the version, and old pushes leave it alone.
CREATE TABLE push_interface (version INTEGER NOT NULL) STRICT;
INSERT INTO push_interface VALUES (1);

CREATE VIEW push_known AS
    SELECT s.system_identifier, s.name, s.fingerprint,
           EXISTS (SELECT 1 FROM store WHERE retired_at IS NULL)
           AND NOT EXISTS (SELECT 1 FROM store t
                            WHERE t.retired_at IS NULL
                              AND NOT EXISTS (SELECT 1 FROM upload u
                                               WHERE u.segment = s.id AND u.store = t.id
                                                 AND u.state = 'verified')) AS verified_everywhere
      FROM segment s;

CREATE VIEW push_spooled AS
    SELECT system_identifier, name, fingerprint, kind, timeline, size, spooled_at FROM segment;

CREATE TRIGGER push_spooled_insert INSTEAD OF INSERT ON push_spooled
BEGIN
    INSERT INTO segment (system_identifier, name, fingerprint, kind, timeline, size, spooled_at)
    VALUES (new.system_identifier, new.name, new.fingerprint, new.kind, new.timeline, new.size, new.spooled_at)
    ON CONFLICT DO NOTHING;
END;
