#!/usr/bin/env bash
# walferry expire in a bucket with Object Lock, on Ceph: what the store does not let go of is a state and no failure,
# and its backup stays whole.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
start_s3 ceph wal-ceph
(set -a && . "$work/ceph/env" && python3 "$tests/lib/s3_fetch.py" wal-locked --lock 1)
begin_configuration "$configuration" "$spool"
sed -i "s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/pg user=postgres\"," "$configuration"
add_s3_store "$configuration" ceph wal-locked
cat >>"$configuration" <<'TOML'

[retention]
recovery_window = "5s"
keep_backups = 1
grace = "2s"
TOML
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null

pg_create "$work/pg" 1
pg_archive_to "$work/pg" "$spool"
chmod 711 "$work/pg"
pg_start "$work/pg"
pg_sql "$work/pg" 'create table steps (n int primary key)'
step() {
    pg_sql "$work/pg" "insert into steps values ($1)"
    pg_archive_all "$work/pg"
    as uploader walferry drain >/dev/null
}
base_backup() { as uploader walferry backup --checkpoint fast --json 2>"$work/backup.said" | jq -r .id; }

first=$(base_backup)
step 1
sleep 6
second=$(base_backup)
step 2
sleep 6
step 3

state() {
    as uploader walferry expire >"$work/said" || { cat "$work/said" && return 1; }
    sleep 4
    for run in 1 2; do
        as uploader walferry expire >"$work/said" 2>&1 || { cat "$work/said" && return 1; }
        [ $run = 2 ] || expect_in 'kept by the store' cat "$work/said"
    done
    sed 's,^recipients,identity_file = "identity.txt"\n&,' "$configuration" >"$work/etc/restoring.toml"
    walferry --config "$work/etc/restoring.toml" backups --json >"$work/backups.json" || { cat "$work/backups.json" && return 1; }
    expect_equal "[\"$first\",\"$second\"]" "$(jq -c '[.backups[].id]' "$work/backups.json")" "backups"
    expect_equal 0 "$(jq '[.backups[].missing_pieces] | add' "$work/backups.json")" "missing pieces"
}
check "what the store does not let go of is a state, and its backup stays whole" state
