-- Backups that lack a part of the cluster are not restorable, and the newest one is the one with the newest WAL.

-- How many things of the cluster the backup lacks; its label names them.
ALTER TABLE backup ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;

DROP INDEX backup_stopped;
CREATE INDEX backup_newest ON backup (system_identifier, last_segment);
