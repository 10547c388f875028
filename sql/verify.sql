-- The statements of common/ledger/ledger_verify.cpp, by name. Each ends with the only semicolon in it (sql/embed.cmake).

-- :spans
SELECT last_key, since, read_at, objects, bytes FROM verify_span WHERE store = ?1 ORDER BY last_key;

-- :put_span
INSERT INTO verify_span (store, last_key, since, read_at, objects, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (store, last_key) DO UPDATE
   SET since = excluded.since, read_at = excluded.read_at, objects = excluded.objects, bytes = excluded.bytes;

-- :remove_span
DELETE FROM verify_span WHERE store = ?1 AND last_key = ?2;

-- :damage
SELECT key, what, since, told FROM verify_damage WHERE store = ?1 ORDER BY key;

-- :add_damage
INSERT INTO verify_damage (store, key, what, since, told) VALUES (?1, ?2, ?3, ?4, 0)
    ON CONFLICT (store, key) DO UPDATE SET what = excluded.what;

-- :remove_damage
DELETE FROM verify_damage WHERE store = ?1 AND key = ?2;

-- :told
UPDATE verify_damage SET told = 1 WHERE store = ?1 AND key = ?2;
