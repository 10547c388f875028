#!/usr/bin/env bash
# walferry expire with a real server: what is marked stays restorable, what is removed was marked before, holds, a keeper
# without an identity and a spool, a store that is away, and a restore of what is left.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
restoring=$work/restoring/walferry.toml
begin_configuration "$configuration" "$spool"
sed -i "s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/pg user=postgres\"\n\n[signing]\nkey_file = \"writer.key\"," "$configuration"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
export WALFERRY_CONFIG=$configuration
public_key=$(walferry init --owner postgres --group "$spool_gid" | sed -n 's/.*hosts that restore: \(.*\))$/\1/p')
for_uploader "$work/etc/writer.key"
sed -i "s,^key_file.*,&\ntrusted_writers = [\"$public_key\"]," "$configuration"

# The host that restores holds the identity; the keeper holds neither that nor a spool, and expires.
install -d -o postgres -g postgres -m 700 "$work/restoring"
sed 's,^recipients,identity_file = "identity.txt"\n&,; s,^spool = .*,spool = "/nonexistent",; /^key_file/d' "$configuration" >"$restoring"
cp "$work/etc/identity.txt" "$work/restoring/"
chown -R postgres "$work/restoring"
keeping=$work/etc/keeper.toml
{
    sed 's,^spool = .*,spool = "/nonexistent",' "$configuration"
    cat <<'TOML'

[retention]
recovery_window = "4s"
keep_backups = 1
grace = "1h"
TOML
} >"$keeping"
for_uploader "$keeping"

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
expire() { as uploader walferry --config "$keeping" expire "$@"; }
# fate STORE ID: what a dry run says of a backup
fate() { expire --dry-run --json | jq -r --arg store "$1" --arg id "$2" '.stores[] | select(.store == $store) | .backups[] | select(.id == $id) | .fate'; }
all_files() { (cd "$work/stores" && find . -type f | sort); }

first=$(base_backup)
step 1
sleep 5
second=$(base_backup)
step 2
sleep 5
third=$(base_backup)
step 3

without_retention() {
    all_files >"$work/before"
    as uploader walferry expire >"$work/said"
    expect_in 'no retention is set' cat "$work/said"
    all_files | diff "$work/before" -
}
check "without [retention] nothing expires" without_retention

dry_run() {
    expect_equal mark "$(fate one "$first")" "the first backup"
    expect_equal keep "$(fate one "$second")" "the one before the window"
    expect_equal keep "$(fate two "$third")" "the last"
    expire --dry-run >"$work/said"
    expect_in 'the recovery window on timeline 1 begins with it' cat "$work/said"
    expect_in 'nothing was changed' cat "$work/said"
    all_files | diff "$work/before" -
}
check "a dry run says of each backup what becomes of it and why, and changes nothing" dry_run

bring() { # NAME ARGUMENT...
    local name=$1 status=0
    shift
    pg_folder "$work/$name"
    chmod -R a+rX "$work/stores"
    walferry --config "$restoring" restore --to "$work/$name/data" --no-archiving --json "$@" \
        >"$work/$name.json" 2>"$work/$name.said" || status=$?
    [ $status = 0 ] || cat "$work/$name.said"
    return $status
}
is_open() { [ "$(pg_sql "$work/$1" 'select pg_is_in_recovery()')" = f ]; }
boots_with() { # NAME ROWS
    as postgres "$postgres_bin/pg_ctl" -D "$work/$1/data" -l "$work/$1/log" -s -w -t 120 \
        -o "-c unix_socket_directories=$work/$1" start || { tail -n 20 "$work/$1/log" && return 1; }
    wait_for 120 is_open "$1"
    expect_equal "$2" "$(pg_sql "$work/$1" 'select count(*) from steps')" "rows"
    as postgres "$postgres_bin/pg_ctl" -D "$work/$1/data" -m immediate -w -s stop
}

# A marked backup is restored when it is named, and not by itself.
marked() {
    expire >"$work/said"
    expect_equal 4 "$(find "$work/stores" -path '*/mark/*' -type f | wc -l)" "marks: a backup and WAL in each store"
    find "$work/stores" -type f ! -path '*/mark/*' | sort | sed "s,^$work/stores,.," | diff "$work/before" -
    chmod -R a+rX "$work/stores"
    as postgres walferry --config "$restoring" backups >"$work/said"
    expect_in 'marked for removal' cat "$work/said"
    bring marked --backup "$first"
    boots_with marked 3
}
check "a keeper without an identity marks, and what is marked can be restored by name" marked

held() {
    expect_exit 2 expire hold "$first"
    expire hold "$first" --reason 'the auditors ask for it' >"$work/said"
    expect_in 'is held' cat "$work/said"
    expect_equal keep "$(fate one "$first")" "held"
    expire --only one >"$work/said"
    expect_in 'the auditors ask for it' cat "$work/said"
    expect_in 'taken back' cat "$work/said"
    expire release "$first" >"$work/said"
    expect_in 'is released' cat "$work/said"
    expect_exit 1 expire hold 20200101T000000Z-00000000 --reason none
}
check "a held backup stays, whatever was marked, until it is released" held

kept() {
    expire >/dev/null
    expire keep "$first" >"$work/said"
    expect_in 'is taken back' cat "$work/said"
    expect_equal 0 "$(find "$work/stores" -path "*/mark/$first-*" | wc -l)" "marks of the backup"
    expect_equal mark "$(fate two "$first")" "its fate"
    expire >/dev/null
    expect_equal wait "$(fate two "$first")" "marked again"
}
check "a mark is taken back, and its grace begins again" kept

# From here on what was marked a moment ago may go.
changed() {
    sed -i 's,^grace.*,grace = "1s",' "$keeping"
    sleep 2
    expire >"$work/said"
    expect_in 'nothing is removed because of them' cat "$work/said"
    [ "$(find "$work/stores/one" -path "*/backup/$first/*" -type f | wc -l)" -gt 0 ]
}
check "marks that were made under another policy remove nothing" changed

away() {
    sleep 2
    mv "$work/stores/two" "$work/stores/away"
    local status=0
    expire >"$work/said" 2>&1 || status=$?
    mv "$work/stores/away" "$work/stores/two"
    [ $status != 0 ]
    expect_equal 0 "$(find "$work/stores/one" -path "*/backup/$first/*" -type f | wc -l)" "left in the store that answers"
    expect_in 'nothing was decided' cat "$work/said"
    [ "$(find "$work/stores/two" -path "*/backup/$first/*" -type f | wc -l)" -gt 0 ]
}
check "a store that is away is left alone, and the other one expires" away

removed() {
    expire >"$work/said"
    for store in one two; do
        expect_equal 0 "$(find "$work/stores/$store" -path "*/backup/$first/*" -type f | wc -l)" "objects of $first in $store"
        for id in "$second" "$third"; do [ "$(find "$work/stores/$store" -path "*/backup/$id/*" -type f | wc -l)" -gt 2 ]; done
    done
    expire >/dev/null # marks of what is gone go
    all_files >"$work/before"
    expire --json | jq -e '[.stores[].done | .removed.objects, .marks] | add == 0' >/dev/null
    all_files | diff "$work/before" -
    expect_equal 0 "$(find "$work/stores" -path '*/mark/*' -type f | wc -l)" "marks of what is gone"
}
check "what was marked for the whole grace is gone from both, and a further run does nothing" removed

# What has expired is not lost: the host that archived it looks for it in vain, and raises nothing.
known() {
    as uploader walferry gaps --json >"$work/said" || { cat "$work/said" && return 1; }
    expect_equal 0 "$(jq '[.stores[].gaps[]] | length' "$work/said")" "gaps"
    as uploader walferry verify >"$work/said" || { cat "$work/said" && return 1; }
    chmod -R a+rX "$work/stores"
    as postgres walferry --config "$restoring" backups >"$work/said" || { cat "$work/said" && return 1; }
    no expect_in GAP cat "$work/said"
    as uploader walferry drain >"$work/said" 2>&1 || { cat "$work/said" && return 1; }
}
check "none of verify, gaps and backups takes for lost what has expired" known

rest() {
    bring rest
    boots_with rest 3
    bring from_second --backup "$second"
    boots_with from_second 3
}
check "what is left is restorable, from the backup before the window too" rest

blocked() {
    local index
    index=$(find "$work/stores/one" -path "*/backup/$third/index-*" -type f)
    cp -p "$index" "$work/index"
    printf 'x' | dd of="$index" bs=1 seek=20 conv=notrunc status=none
    expect_exit 4 expire >/dev/null
    expire --json >"$work/said" || true
    jq -e '.stores[] | select(.store == "one") | .blocked | test("cannot be used")' "$work/said" >/dev/null
    cat "$work/index" >"$index"
    expect_exit 0 expire >/dev/null
}
check "an index that cannot be read decides nothing in its store" blocked
