-- Gaps that a person knows of: what is missing there is not coming back, and is no longer an alarm. Store by store, so that
-- another store that loses the same segments later is told of.
CREATE TABLE known_gap (
    store             INTEGER NOT NULL REFERENCES store (id),
    system_identifier TEXT    NOT NULL,
    first_segment     TEXT    NOT NULL,  -- the first and the last one that are missing, of one timeline
    last_segment      TEXT    NOT NULL,
    reason            TEXT    NOT NULL,
    acknowledged_at   TEXT    NOT NULL,
    PRIMARY KEY (store, system_identifier, first_segment, last_segment)
) STRICT, WITHOUT ROWID;
