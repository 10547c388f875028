-- The object that this host has encoded for a segment and puts, or has put: written down before the put. Only this
-- key, read back, makes an upload `verified`, and so permits a deletion. A listing shows keys that anyone with the
-- right to write may have chosen.
ALTER TABLE upload ADD COLUMN put_key TEXT;                          -- NULL: nothing was put, or it is verified
ALTER TABLE upload ADD COLUMN put_size INTEGER;                      -- bytes
ALTER TABLE upload ADD COLUMN put_sha256 TEXT;                       -- of the whole object, 64 hex digits
ALTER TABLE upload ADD COLUMN put_copies INTEGER NOT NULL DEFAULT 0; -- puts that were answered, none of them verified

-- How far what is verified in a store was compared with its listings: round after round, in the order of system
-- identifiers and names.
CREATE TABLE comparison (
    store             INTEGER PRIMARY KEY REFERENCES store (id),
    began_at          TEXT NOT NULL,  -- this round
    system_identifier TEXT NOT NULL,  -- the last segment of this round, both empty: none yet
    name              TEXT NOT NULL,
    seen_since        TEXT            -- when the last whole round began; NULL: there was none
) STRICT;
