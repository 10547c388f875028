-- Since when a store lacks what lies before a later timeline's first segment. After a failover the old primary's last
-- segments come late, and only what stays away is a gap.
CREATE TABLE fork_gap (
    store             INTEGER NOT NULL REFERENCES store (id),
    system_identifier TEXT    NOT NULL,
    first_segment     TEXT    NOT NULL,
    seen_at           TEXT    NOT NULL,
    PRIMARY KEY (store, system_identifier, first_segment)
) STRICT, WITHOUT ROWID;
