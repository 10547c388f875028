-- The statements of common/ledger/ledger_sight.cpp, by name.

-- :note
INSERT INTO archive_sight (store, system_identifier, seen_at, newest_segment, newest_backup, backup_is_ours)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (store, system_identifier) DO UPDATE
   SET seen_at = excluded.seen_at, newest_segment = excluded.newest_segment, newest_backup = excluded.newest_backup,
       backup_is_ours = excluded.backup_is_ours;

-- :all
SELECT t.name, a.seen_at, a.newest_segment, a.newest_backup, a.backup_is_ours
  FROM store t CROSS JOIN archive_sight a ON a.store = t.id AND a.system_identifier = ?1
 WHERE t.retired_at IS NULL ORDER BY t.id;

-- :knows_backup
SELECT EXISTS (SELECT 1 FROM backup WHERE name = ?1);

-- :looked_through
SELECT timeline, segment FROM archive_scan WHERE store = ?1 AND system_identifier = ?2;

-- :note_looked_through
INSERT INTO archive_scan (store, system_identifier, timeline, segment) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (store, system_identifier, timeline) DO UPDATE SET segment = excluded.segment;

-- :gaps
SELECT after_segment, before_segment, seen_at FROM archive_gap
 WHERE store = ?1 AND system_identifier = ?2 ORDER BY after_segment;

-- :add_gap
INSERT INTO archive_gap (store, system_identifier, after_segment, before_segment, seen_at) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO NOTHING;

-- :remove_gap
DELETE FROM archive_gap WHERE store = ?1 AND system_identifier = ?2 AND after_segment = ?3 AND before_segment = ?4;

-- What the newest uploads show of how fast a store grows.
-- :growth
SELECT CAST(total(object_size) AS INTEGER), coalesce(min(verified_at), ''), coalesce(max(verified_at), '')
  FROM upload
 WHERE segment > (SELECT coalesce(max(id), 0) FROM segment) - 1000 AND store = ?1 AND state = 'verified';

-- :fork_gaps
SELECT first_segment, seen_at FROM fork_gap WHERE store = ?1 AND system_identifier = ?2;

-- :add_fork_gap
INSERT INTO fork_gap (store, system_identifier, first_segment, seen_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING;

-- :remove_fork_gap
DELETE FROM fork_gap WHERE store = ?1 AND system_identifier = ?2 AND first_segment = ?3;
