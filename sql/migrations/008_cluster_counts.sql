-- How many uploads of a store are in a state, cluster by cluster: after initdb or pg_upgrade the counts of the present
-- cluster begin at zero, and those of the earlier one are shown apart.
DROP TRIGGER upload_count_insert;
DROP TRIGGER upload_count_update;
DROP TRIGGER upload_count_delete;
DROP TABLE upload_count;

CREATE TABLE upload_count (
    store             INTEGER NOT NULL REFERENCES store (id),
    system_identifier TEXT    NOT NULL,
    state             TEXT    NOT NULL,
    uploads           INTEGER NOT NULL,
    PRIMARY KEY (store, system_identifier, state)
) STRICT, WITHOUT ROWID;

-- One by one: nothing is sorted.
INSERT INTO upload_count
SELECT u.store, s.system_identifier, u.state, 1 FROM upload u CROSS JOIN segment s ON s.id = u.segment WHERE true
    ON CONFLICT (store, system_identifier, state) DO UPDATE SET uploads = uploads + 1;

CREATE TRIGGER upload_count_insert AFTER INSERT ON upload
BEGIN
    INSERT INTO upload_count
    SELECT new.store, system_identifier, new.state, 1 FROM segment WHERE id = new.segment
        ON CONFLICT (store, system_identifier, state) DO UPDATE SET uploads = uploads + 1;
END;

CREATE TRIGGER upload_count_update AFTER UPDATE OF state ON upload WHEN old.state <> new.state
BEGIN
    UPDATE upload_count SET uploads = uploads - 1
     WHERE store = old.store AND state = old.state
       AND system_identifier = (SELECT system_identifier FROM segment WHERE id = old.segment);
    INSERT INTO upload_count
    SELECT new.store, system_identifier, new.state, 1 FROM segment WHERE id = new.segment
        ON CONFLICT (store, system_identifier, state) DO UPDATE SET uploads = uploads + 1;
END;

CREATE TRIGGER upload_count_delete AFTER DELETE ON upload
BEGIN
    UPDATE upload_count SET uploads = uploads - 1
     WHERE store = old.store AND state = old.state
       AND system_identifier = (SELECT system_identifier FROM segment WHERE id = old.segment);
END;
