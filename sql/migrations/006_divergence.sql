-- Two contents of one name are no conflict behind the place where their timeline was left: hosts may have written
-- different bytes there, and no recovery to a later timeline replays them. Such a row counts as settled, and says why.
ALTER TABLE conflict ADD COLUMN divergence TEXT CHECK (divergence IN ('compared', 'not compared'));
ALTER TABLE conflict ADD COLUMN fork TEXT;       -- with divergence: where the timeline was left, for people
ALTER TABLE conflict ADD COLUMN raised_at TEXT;  -- when a run ended with exit code 3 for it; NULL: not yet
UPDATE conflict SET raised_at = seen_at;

-- Those are judged once more: an identity, a history or a base backup that comes later may tell more.
CREATE INDEX conflict_diverges ON conflict (id) WHERE divergence IS NOT NULL;

-- The history files that came through this host's spool: a host without an identity cannot read those in the stores.
CREATE TABLE history (
    system_identifier TEXT    NOT NULL,
    timeline          INTEGER NOT NULL,
    fingerprint       TEXT    NOT NULL,
    content           TEXT    NOT NULL,
    PRIMARY KEY (system_identifier, timeline, fingerprint)
) STRICT, WITHOUT ROWID;

-- The archive is more than what this host put there: what its stores were last seen to hold, whichever host put it.
CREATE TABLE archive_sight (
    store             INTEGER NOT NULL REFERENCES store (id),
    system_identifier TEXT    NOT NULL,
    seen_at           TEXT    NOT NULL,
    newest_segment    TEXT    NOT NULL,  -- of the newest timeline; empty: none
    newest_backup     TEXT    NOT NULL,  -- its ID; empty: none
    backup_is_ours    INTEGER NOT NULL,
    PRIMARY KEY (store, system_identifier)
) STRICT, WITHOUT ROWID;

-- How far a timeline's listing was looked through for gaps, and those that were found.
CREATE TABLE archive_scan (
    store             INTEGER NOT NULL REFERENCES store (id),
    system_identifier TEXT    NOT NULL,
    timeline          TEXT    NOT NULL,
    segment           TEXT    NOT NULL,
    PRIMARY KEY (store, system_identifier, timeline)
) STRICT, WITHOUT ROWID;
CREATE TABLE archive_gap (
    store             INTEGER NOT NULL REFERENCES store (id),
    system_identifier TEXT    NOT NULL,
    after_segment     TEXT    NOT NULL,
    before_segment    TEXT    NOT NULL,
    seen_at           TEXT    NOT NULL,
    PRIMARY KEY (store, system_identifier, after_segment, before_segment)
) STRICT, WITHOUT ROWID;
