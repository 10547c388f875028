-- Base backups that this host made, and how far each came in each store.

CREATE TABLE backup (
    id                INTEGER PRIMARY KEY,
    system_identifier TEXT    NOT NULL CHECK (system_identifier NOT GLOB '*[^0-9]*' AND system_identifier <> ''),
    name              TEXT    NOT NULL UNIQUE CHECK (length(name) = 25),  -- its ID, as in the objects' keys
    pid               INTEGER NOT NULL,
    began_at          TEXT    NOT NULL,  -- by this host's clock
    finished_at       TEXT,              -- NULL while it is made, and for ever where it was killed
    exit_code         INTEGER,
    -- Known when the server has ended it. Its WAL: the names of the first and the last segment, and how many.
    started_at        TEXT,              -- by the server's clock
    stopped_at        TEXT,
    timeline          INTEGER,
    start_lsn         TEXT,
    stop_lsn          TEXT,
    first_segment     TEXT,
    last_segment      TEXT,
    segments          INTEGER,
    size              INTEGER            -- bytes, before compression
) STRICT;

-- Its copy in one store.
--   pending   pieces may be there, no label: nothing that could be restored
--   verified  the label too was read back, so the backup is there as a whole
--   removed   it was given up, and its pieces were removed
CREATE TABLE backup_upload (
    backup       INTEGER NOT NULL REFERENCES backup (id),
    store        INTEGER NOT NULL REFERENCES store (id),
    state        TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'verified', 'removed')),
    label_key    TEXT,     -- written down before the label is put, so that a killed run's is looked for
    label_sha256 TEXT,     -- 64 hex digits
    object_size  INTEGER,  -- bytes, of all objects
    last_error   TEXT,
    verified_at  TEXT,
    PRIMARY KEY (backup, store),
    CHECK (state <> 'verified' OR (label_key IS NOT NULL AND verified_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX backup_upload_open ON backup_upload (store) WHERE state = 'pending';
