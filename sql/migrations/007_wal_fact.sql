-- What the records of a segment tell (docs/format.md, "Facts"), read while the segment was encoded or fetched from a
-- store. A segment without a row here: not known. One row a segment, so that the ledger grows by what it must.
CREATE TABLE wal_fact (
    segment        INTEGER PRIMARY KEY REFERENCES segment (id),
    facts          TEXT    NOT NULL,  -- JSON; what is carried over the segment's beginning only where it is short
    first_at       TEXT,              -- the first and the last time that a record tells, UTC with microseconds
    last_at        TEXT,
    last_commit_at TEXT,
    events         INTEGER NOT NULL   -- how many events; a record that ends in the next segment counts as one
) STRICT;

-- What happened between two moments: only segments with events are looked into.
CREATE INDEX wal_fact_time ON wal_fact (last_at) WHERE events > 0;
