# . tests/bench/ledger_rows.sh: make_ledger DIRECTORY SEGMENTS WAITING SYSTEM_IDENTIFIER STORES
#
# A ledger as years of archiving leave it, in version 2, so that the first drain migrates it: SEGMENTS
# segments of 16 MiB, one a minute, all but the last WAITING of them verified in the stores `first` and `second`; a base
# backup a day, a drain every ten minutes, and a gap every 100,000 segments. The stores are folders of STORES.
make_ledger() {
    local sql
    sql=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../sql/migrations" && pwd)
    mkdir -p "$1"
    sqlite3 "$1/ledger.db" <<SQL >/dev/null
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -262144;
.read $sql/001_ledger.sql
.read $sql/002_backup.sql
BEGIN;
INSERT INTO store (id, name, type, endpoint, bucket, prefix, added_at)
VALUES (1, 'first', 'directory', '$5/first', '', '', '2020-01-01T00:00:00.000Z'),
       (2, 'second', 'directory', '$5/second', '', '', '2020-01-01T00:00:00.000Z');
INSERT INTO segment (id, system_identifier, name, fingerprint, kind, timeline, size, spooled_at, removed_at)
SELECT value, '$4', printf('00000001%08X%08X', n / 256, n % 256), lower(hex(randomblob(16))), 'wal', 1, 16777216,
       strftime('%Y-%m-%dT%H:%M:%S.000Z', 1577836800 + value * 60, 'unixepoch'),
       CASE WHEN value <= $2 - $3 THEN strftime('%Y-%m-%dT%H:%M:%S.000Z', 1577836802 + value * 60, 'unixepoch') END
  FROM (SELECT value, value + value / 100000 AS n FROM generate_series(1, $2));
INSERT INTO upload (segment, store, state, object_key, object_size, object_sha256, attempts, stored_at, verified_at)
SELECT s.id, t.id, 'verified',
       'main/$4/wal/' || substr(s.name, 1, 16) || '/' || s.name || '-' || s.fingerprint || '-' || h.sum || '.zst.age',
       1200000, h.sum || h.sum, 1, s.removed_at, s.removed_at
  FROM segment s, store t, (SELECT '0123456789abcdef0123456789abcdef' AS sum) h
 WHERE s.id <= $2 - $3 ORDER BY s.id, t.id;
INSERT INTO backup (id, system_identifier, name, pid, began_at, finished_at, exit_code, started_at, stopped_at, timeline,
                    start_lsn, stop_lsn, first_segment, last_segment, segments, size)
SELECT value, '$4', printf('%025d', value), 1, s.spooled_at, s.spooled_at, 0, s.spooled_at, s.spooled_at, 1, '0/0', '0/0',
       s.name, (SELECT name FROM segment WHERE id = s.id + 9), 10, 1000000000
  FROM generate_series(1, ($2 - $3) / 1440) JOIN segment s ON s.id = value * 1440 - 1000;
INSERT INTO backup_upload (backup, store, state, label_key, label_sha256, object_size, verified_at)
SELECT b.id, t.id, 'verified', 'label', 'sum', 1000, b.stopped_at FROM backup b, store t;
INSERT INTO run (pid, started_at, finished_at, exit_code, verified, removed)
SELECT 4711, strftime('%Y-%m-%dT%H:%M:%S.000Z', 1577836800 + value * 600, 'unixepoch'),
       strftime('%Y-%m-%dT%H:%M:%S.000Z', 1577836802 + value * 600, 'unixepoch'), 0, 20, 10
  FROM generate_series(1, $2 / 10);
PRAGMA user_version = 2;
PRAGMA application_id = 1464224839;
COMMIT;
PRAGMA journal_mode = WAL;
SQL
    cat "$sql/../views.sql" | sqlite3 "$1/ledger.db"
}
