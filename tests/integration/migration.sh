#!/usr/bin/env bash
# docs/migration.md, word for word but for paths, users and units: servers that archive by cp, by pgBackRest and to Barman
# change to walferry under load, and back. (package.sh goes by the page as it stands, from cp.) No segment is missing in the two archives together, and each restores its own time.
. "$(dirname "$0")/../lib/integration.sh" "$1"
page=$tests/../docs/migration.md

# begin NAME LINE...: a server under load that archives as the LINEs for postgresql.conf say, and a walferry set up beside it.
begin() {
    pg=$work/$1 spool=$work/$1.spool configuration=$work/etc/$1.toml restoring=$work/$1.restoring/walferry.toml
    stores=("$1-one" "$1-two")
    begin_configuration "$configuration" "$spool"
    sed -i "s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$pg user=walferry dbname=postgres\"," "$configuration"
    add_directory_store "$configuration" "${stores[0]}"
    add_directory_store "$configuration" "${stores[1]}"
    export WALFERRY_CONFIG=$configuration PGHOST=$pg
    walferry init --owner postgres --group "$spool_gid" >/dev/null
    install -d -o postgres -g postgres -m 700 "$work/$1.restoring"
    sed 's,^recipients,identity_file = "identity.txt"\n&,; s,^spool = .*,spool = "/nonexistent",' "$configuration" >"$restoring"
    cp "$work/etc/identity.txt" "$work/$1.restoring/"
    chown -R postgres "$work/$1.restoring"
    chmod 600 "$work/$1.restoring"/*
    pg_create "$pg" 1
    chmod 711 "$pg"
    pg_settings "$pg" 'archive_mode = on' 'checkpoint_completion_target = 0' "${@:2}"
    pg_start "$pg"
    # What walferry setup tells a server; here are neither the users nor the units that it is for.
    cat >"$work/told.sql" <<SQL
CREATE ROLE walferry LOGIN REPLICATION; GRANT pg_monitor, pg_read_server_files TO walferry;
ALTER SYSTEM SET archive_command = '$work/bin/walferry-archive-push --spool $spool %p';
ALTER SYSTEM SET archive_timeout = '60s';
SELECT pg_reload_conf();
SQL
    pg_sql "$pg" 'create table steps (n int primary key); insert into steps values (1)'
    pg_bench "$pg" -i -q -s 1 >"$work/pgbench.log" 2>&1
    start_as postgres "$work/load.log" "$postgres_bin/pgbench" -h "$pg" -U postgres -c 2 -T 3600 --rate=50 postgres
    load=$started
    later "stop_process $load"
}

be_uploader="setpriv --reuid=$uploader_uid --regid=$spool_gid --clear-groups env HOME=/nonexistent"
# block SECTION NUMBER: the commands of a block, with this test's places and users.
block() {
    awk -v section="## $1" -v wanted="$2" '
        /^## / { inside = $0 == section }
        inside && /^```/ { open = !open; if (open) number++; next }
        inside && open && number == wanted' "$page" |
        sed "s,^walferry setup --apply.*,runuser -u postgres -- psql -qf $work/told.sql,
             s,^walferry drain,$be_uploader &,; s,^systemctl start walferry-backup,$be_uploader walferry backup,
             s,^walferry check$,walferry check --json > $work/check.json || true,; /^systemctl disable/d
             s,/root/archiving-before.sql,$work/before.sql,
             s,runuser -u barman -- barman,runuser -u postgres -- barman -c $work/barman.conf,
             s,/var/lib/postgresql/wal_archive,${legacy:-},
             s,/var/lib/postgresql/15/before,$work/before,; s,2026-01-31 09:05:00+01,${at:-},"
}
run_block() { # SECTION NUMBER
    block "$1" "$2" >"$work/block"
    [ -s "$work/block" ] || { echo "there is no block $2 in $1" && return 1; }
    bash -euo pipefail "$work/block"
}

# make_wal COUNT: so many segments, and what the load adds.
make_wal() {
    pg_sql "$pg" "do \$\$ begin for i in 1..$1 loop perform pg_logical_emit_message(true, 'step', 'x'); perform pg_switch_wal(); end loop; end \$\$"
    pg_archive_all "$pg" 300
}
in_store() { find "$work/stores/$1" -path '*/wal/*' -name '*.age' -printf '%f\n' | cut -d- -f1 | grep -xE '[0-9A-F]{24}' | sort -u; }

# without_gap NAME...: on stdin, names of segments of 1 MiB and one timeline, in any order: none is missing between them.
without_gap() {
    python3 -c 'import sys
numbers = sorted({int(n[8:16], 16) * 4096 + int(n[16:24], 16) for n in sys.stdin.read().split()})
missing = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
print(len(numbers), "segments")
sys.exit(f"missing: {missing}" if missing else 0)'
}

changed() {
    run_block "Before" 1 | grep -E ' [0-9A-F]{24} '
    run_block "Before" 2
    pg_sql "$pg" 'show archive_command' >"$work/old_command"
    pg_sql "$pg" 'select last_archived_wal from pg_stat_archiver' >"$work/last_old"
    run_block "The change" 1
    pg_sql "$pg" 'insert into steps values (2)'
    run_block "The change" 2 | tee "$work/change.said"
    expect_equal 2 "$(grep -c 'can be restored from it alone' "$work/change.said")" "stores with a restorable backup"
    pg_sql "$pg" 'insert into steps values (3)'
    pg_archive_all "$pg"
    as uploader walferry drain >/dev/null
}
proven() {
    run_block "The change" 3 | tee "$work/proof"
    grep -xE '[0-9A-F]{24}' "$work/proof" # the first segment that walferry has
    expect_equal 0 "$(pg_sql "$pg" "select count(*) from pg_stat_archiver where last_failed_time > last_archived_time")" failures
    expect_equal passed "$(jq -r '.findings[] | select(.id == "gaps") | .verdict' "$work/check.json")" "the check's word on gaps"
    chmod -R a+rX "$work/stores"
    as postgres walferry --config "$restoring" backups | tee "$work/backups"
    no grep GAP "$work/backups"
}
restored() { # NAME: from walferry's first backup to the end
    pg_folder "$work/$1"
    walferry --config "$restoring" restore --to "$work/$1/data" --no-archiving --json >"$work/$1.json" 2>"$work/$1.said" ||
        { cat "$work/$1.said" && return 1; }
    eval "$(jq -r .start_command "$work/$1.json") -s -w -t 120 -o '-c unix_socket_directories=$work/$1'"
    wait_for 60 is_open "$1"
    expect_equal 3 "$(pg_sql "$work/$1" 'select max(n) from steps')" "last step"
    expect_equal "$(pg_sql "$work/$1" 'select sum(abalance) from pgbench_accounts')" \
        "$(pg_sql "$work/$1" 'select sum(delta) from pgbench_history')" "pgbench's balances"
    pg_stop "$work/$1"
}
is_open() { [ "$(pg_sql "$work/$1" 'select pg_is_in_recovery()')" = f ]; }

# --- cp and a script, as it failed

legacy=$work/legacy
waiting=30
[ -z "$WALFERRY_TESTS_LONG" ] || waiting=847
install -d -o postgres -g postgres -m 777 "$legacy"
begin cp "archive_command = 'cp %p $legacy/%f'"
pg_folder "$work/older"
as postgres "$postgres_bin/pg_basebackup" -h "$pg" -U postgres -D "$work/older/data" -c fast -X none --no-sync 2>/dev/null
make_wal $waiting

from_cp() {
    expect_at_least $waiting "$(find "$legacy" -type f | wc -l)" "segments in the old directory"
    expect_equal 600 "$(find "$legacy" -type f -printf '%m\n' | sort -u)" "their mode"
    refused 1 "Permission denied" as uploader cat "$legacy/$(ls "$legacy" | head -n 1)"
    changed
    run_block "cp and a script" 1
    run_block "cp and a script" 2
    expect_equal '' "$(find "$legacy" -type f)" "left in the old directory"
    expect_equal 700 "$(stat -c %a "$legacy")" "its mode"
    proven
    for store in "${stores[@]}"; do in_store "$store" | without_gap; done
    expect_at_least $waiting "$(in_store "${stores[1]}" | wc -l)" "segments stored"
}
check "from cp and a script, $waiting segments of mode 600: taken in, and no gap" from_cp

old_base() {
    pg_settings "$work/older" "unix_socket_directories = '$work/older'" 'archive_mode = off' \
        "restore_command = '$work/bin/walferry-archive-get --config $restoring --no-spool %f %p'"
    as postgres rm -f "$work/older/data/postgresql.auto.conf"
    as postgres touch "$work/older/data/recovery.signal"
    pg_start "$work/older"
    wait_for 60 is_open older
    expect_equal 3 "$(pg_sql "$work/older" 'select max(n) from steps')" "last step"
    pg_stop "$work/older"
}
check "a base backup of the old set-up is restored along what was taken in" old_base
check "and walferry's own first backup to the end" restored cp-restored

back_again() {
    run_block "Back again" 1
    expect_equal "$(cat "$work/old_command")" "$(pg_sql "$pg" 'show archive_command')" archive_command
    pg_archive_all "$pg"
    expect_at_least 1 "$(find "$legacy" -type f | wc -l)" "segments in the old directory"
    expect_equal 0 "$(find "$spool/ready" -type f | wc -l)" "segments in the spool"
    { ls "$legacy" && in_store "${stores[0]}"; } | grep -xE '[0-9A-F]{24}' | without_gap
}
check "back again: the old command archives, and nothing is lost between" back_again
stop_process "$load"
pg_stop "$pg"

# --- pgBackRest

from_pgbackrest() {
    export PGBACKREST_CONFIG=$work/pgbackrest.conf
    install -d -o postgres -g postgres "$work/pgbackrest"
    printf '%s\n' '[global]' "lock-path=$work/pgbackrest" "spool-path=$work/pgbackrest" "log-path=$work/pgbackrest" \
        'log-level-console=warn' 'log-level-file=off' "repo1-path=$work/pgbackrest/repo" 'start-fast=y' 'archive-timeout=10' \
        'archive-async=y' '[main]' "pg1-path=$work/pgb/data" "pg1-socket-path=$work/pgb" >"$PGBACKREST_CONFIG"
    begin pgb "archive_command = 'pgbackrest --config=$PGBACKREST_CONFIG --stanza=main archive-push %p'"
    echo "$load" >"$work/load.pid"
    as postgres pgbackrest --stanza=main stanza-create
    as postgres pgbackrest --stanza=main --type=full backup
    make_wal 10
    at=$(pg_sql "$pg" "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'")
    sleep 0.2
    pg_sql "$pg" "insert into steps values (0)"
    make_wal 5
    changed
    proven
    # Its archive's names: 24 digits, a hash, a suffix.
    find "$work/pgbackrest/repo/archive" -type f -printf '%f\n' | cut -d- -f1 | grep -xE '[0-9A-F]{24}' | sort -u >"$work/old_names"
    no without_gap < <(in_store "${stores[0]}" && head -n 1 "$work/old_names")
    cat "$work/old_names" <(in_store "${stores[0]}") | without_gap
    run_block "pgBackRest" 1 | grep "wal archive min/max.*$(tail -n 1 "$work/old_names")"
    # As the page warns.
    refused 55 "WAL segment" as postgres pgbackrest --stanza=main --type=incr backup
    restored pgb-restored
    # The old time, by the old tool.
    pg_folder "$work/before"
    as postgres mkdir -m 700 "$work/before/data"
    block "pgBackRest" 2 | sed "s,$work/before ,$work/before/data ," >"$work/block"
    bash -euo pipefail "$work/block"
    pg_settings "$work/before" "unix_socket_directories = '$work/before'"
    pg_start "$work/before"
    wait_for 60 is_open before
    expect_equal 1 "$(pg_sql "$work/before" 'select count(*) from steps')" "steps at that time"
    run_block "Back again" 1
    pg_archive_all "$pg"
    as postgres pgbackrest --stanza=main --type=full backup
}
if [ -z "$WALFERRY_TESTS_LONG" ]; then
    skip "from pgBackRest and Barman" "it is part of ./dev test --long"
    exit 0
fi
if command -v pgbackrest >/dev/null; then
    check "from pgBackRest, asynchronous and under load: no gap in both archives together, each restores its time, and back" from_pgbackrest
    stop_process "$(cat "$work/load.pid")"
    pg_stop "$work/pgb"
else
    skip "from pgBackRest" "it is not installed: apt-get install pgbackrest"
fi

# --- Barman, to its incoming directory and by streaming

from_barman() {
    install -d -o postgres -g postgres "$work/barman" "$work/barman/main" "$work/barman/main/incoming"
    printf '%s\n' '[barman]' 'barman_user = postgres' "barman_home = $work/barman" "log_file = $work/barman/log" \
        "barman_lock_directory = $work/barman" '[main]' 'description = main' "conninfo = host=$work/bar user=postgres dbname=postgres" \
        "streaming_conninfo = host=$work/bar user=postgres dbname=postgres" "path_prefix = $postgres_bin" 'backup_method = postgres' \
        'archiver = on' 'streaming_archiver = on' 'slot_name = barman' 'create_slot = manual' >"$work/barman.conf"
    chown postgres "$work/barman.conf"
    begin bar "archive_command = 'cp %p $work/barman/main/incoming/%f'"
    echo "$load" >"$work/load.pid"
    as postgres barman -c "$work/barman.conf" receive-wal --create-slot main
    start_as postgres "$work/receive.log" barman -c "$work/barman.conf" receive-wal main
    wait_for 30 slots_are 'count(*) filter (where active)' 1
    make_wal 10
    changed
    proven
    run_block "Barman" 1
    expect_equal '' "$(find "$work/barman/main/incoming" -type f)" "left in incoming"
    find "$work/barman/main/wals" -type f -printf '%f\n' | grep -xE '[0-9A-F]{24}' >"$work/old_names"
    cat "$work/old_names" <(in_store "${stores[0]}") | without_gap
    run_block "Barman" 2
    slots_are 'count(*)' 0
    run_block "Barman" 3 | grep '(0 rows)'
    restored bar-restored
}
slots_are() { [ "$(pg_sql "$pg" "select $1 from pg_replication_slots")" = "$2" ]; } # EXPRESSION VALUE
if command -v barman >/dev/null; then
    check "from Barman: what had come in is filed, no gap in both archives together, and its slot keeps nothing" from_barman
    stop_process "$(cat "$work/load.pid")"
    pg_stop "$work/bar"
else
    skip "from Barman" "it is not installed: apt-get install barman"
fi
