-- The statements of common/ledger/ledger_list.cpp, by name. A list is read in pages, each in a transaction of its own: a
-- reader that stays in the middle of one would keep the write-ahead log from being emptied. A page says where it ends,
-- and the next one begins behind that.

-- :by_name
SELECT id, system_identifier, name, fingerprint FROM segment
 WHERE (system_identifier, name, fingerprint) > (?1, ?2, ?3)
 ORDER BY system_identifier, name, fingerprint LIMIT ?4;

-- Names of one cluster that begin with ?2, up to ?5.
-- :by_prefix
SELECT id, system_identifier, name, fingerprint FROM segment
 WHERE system_identifier = ?1 AND (name, fingerprint) > (?2, ?3) AND name < ?5
 ORDER BY name, fingerprint LIMIT ?4;

-- :by_time
SELECT id, spooled_at FROM segment INDEXED BY segment_spooled
 WHERE (spooled_at, id) > (?1, ?2) ORDER BY spooled_at, id LIMIT ?3;

-- What a time order begins behind, so that ?1 segments follow.
-- :before_last
SELECT spooled_at, id FROM segment INDEXED BY segment_spooled ORDER BY spooled_at DESC, id DESC LIMIT 1 OFFSET ?1;

-- Pending is also what has no row in `upload` yet.
-- :pending
SELECT id FROM (SELECT id FROM segment INDEXED BY segment_waiting
                 WHERE removed_at IS NULL AND id > ?1 ORDER BY id LIMIT ?2)
 UNION
SELECT segment FROM (SELECT segment FROM upload INDEXED BY upload_pending
                      WHERE state = 'pending' AND segment > ?1 ORDER BY segment LIMIT ?2)
 ORDER BY 1 LIMIT ?2;

-- :stored
SELECT DISTINCT segment FROM upload INDEXED BY upload_stored
 WHERE state = 'stored' AND segment > ?1 ORDER BY segment LIMIT ?2;

-- Each one once, by steps along the index.
-- :clusters
WITH RECURSIVE known (identifier) AS (
    SELECT min(system_identifier) FROM segment
     UNION ALL
    SELECT (SELECT min(system_identifier) FROM segment WHERE system_identifier > known.identifier)
      FROM known WHERE known.identifier IS NOT NULL)
SELECT identifier FROM known WHERE identifier IS NOT NULL;

-- :copies
SELECT system_identifier, name, fingerprint, size, spooled_at, removed_at, store, state, object_key, attempts,
       last_error, verified_at
  FROM copies
 WHERE segment_id = ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR store = ?3) ORDER BY store_id;
