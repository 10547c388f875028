-- What `walferry verify` has read, and what it found. A keeper without a ledger has these tables in a file of its own, so
-- they name a store by what it points at and refer to no other table.

-- When the objects of a store were read last: a row for many objects, in the order of their keys, so that a million of them
-- are about a thousand rows. A row speaks of the keys behind the row before it, up to and including its own.
CREATE TABLE verify_span (
    store    TEXT    NOT NULL,
    last_key TEXT    NOT NULL,
    since    TEXT    NOT NULL,  -- none of these objects has been unread for longer; what comes later was read when it was put
    read_at  TEXT,              -- when verify read them; NULL: never
    objects  INTEGER NOT NULL,  -- when they were listed last
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (store, last_key)
) STRICT, WITHOUT ROWID;

-- Objects whose bytes do not hash to their names, or that cannot be read or opened, or that are gone.
CREATE TABLE verify_damage (
    store TEXT    NOT NULL,
    key   TEXT    NOT NULL,
    what  TEXT    NOT NULL,
    since TEXT    NOT NULL,     -- when it was first seen
    told  INTEGER NOT NULL,     -- whether a run has ended with it
    PRIMARY KEY (store, key)
) STRICT, WITHOUT ROWID;
