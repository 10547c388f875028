#!/usr/bin/env bash
# walferry expire in buckets that keep versions, on Ceph and on Swift: nothing stays hidden behind a delete marker, and
# paid for; and keys that may not delete are a state.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
start_s3 ceph wal-ceph
start_s3 swift wal-swift
begin_configuration "$configuration" "$spool"
sed -i "s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/pg user=postgres\"," "$configuration"
add_s3_store "$configuration" ceph wal-ceph
add_s3_store "$configuration" swift wal-swift
cat >>"$configuration" <<'TOML'

[retention]
recovery_window = "5s"
keep_backups = 1
grace = "2s"
TOML
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null

in_bucket() { # STORE ARGUMENT...
    local store=$1
    shift
    (set -a && . "$work/$store/env" && python3 "$tests/lib/s3_fetch.py" "wal-$store" "$@")
}
for store in ceph swift; do in_bucket $store --keep-versions; done

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
expire() { as uploader walferry expire "$@"; }

first=$(base_backup)
step 1
sleep 6
second=$(base_backup)
step 2
sleep 6
step 3

# An object that was put again has an earlier version.
for store in ceph swift; do
    key=$(in_bucket $store - | grep "/backup/$first/base" | sed -n 1p)
    in_bucket $store "$work/objects" >/dev/null
    in_bucket $store --put "$key" "$work/objects/$key"
done

versions_go() {
    expire >"$work/said" || { cat "$work/said" && return 1; }
    sleep 4
    expire --json >"$work/json" || { cat "$work/json" && return 1; }
    for store in ceph swift; do
        jq -e --arg store "$store" '.stores[] | select(.store == $store) | .done | .backups == 1 and .locked.objects == 0' "$work/json" >/dev/null ||
            { jq '.stores[].done' "$work/json" && return 1; }
        in_bucket "$store" --versions "" >"$work/versions"
        no grep -q "/backup/$first/" "$work/versions"
        grep -q "/backup/$second/label-" "$work/versions"
    done
}
check "every version of what expired is gone, and no delete marker is left" versions_go
