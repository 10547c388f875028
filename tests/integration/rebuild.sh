#!/usr/bin/env bash
# A ledger that is ruined under a running server: archiving goes on, the drain says what to do, and rebuild makes a new
# one from the spool and the stores, also while segments are pushed.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$spool"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
drain() { as uploader walferry drain "$@"; }
query() { as uploader sqlite3 -readonly "$spool/ledger/ledger.db" "$1"; }

pg_create "$work/pg" 1
pg_archive_to "$work/pg" "$spool"
pg_start "$work/pg"
pg_bench "$work/pg" -i -q -s 2 >"$work/pgbench.log" 2>&1
pg_archive_all "$work/pg"
drain >/dev/null

ruined() {
    dd if=/dev/urandom of="$spool/ledger/ledger.db" bs=4096 count=30 conv=notrunc status=none
    rm -f "$spool/ledger/ledger.db-wal" "$spool/ledger/ledger.db-shm"
    cp "$spool/ledger/ledger.db" "$work/ruin"
    pg_sql "$work/pg" 'create table ruined as select generate_series(1, 100000)'
    pg_archive_all "$work/pg"
    expect_at_least 2 "$(waiting "$spool")" "waiting segments"
    expect_exit 1 drain
    expect_in 'walferry rebuild' drain
    expect_in 'walferry rebuild' as uploader walferry status
    expect_at_least 2 "$(waiting "$spool")" "waiting segments"
}
check "with a ruined ledger archiving goes on, and the drain stops and names rebuild" ruined

not_beside_a_drain() {
    expect_exit 5 as uploader flock "$spool" walferry rebuild
}
check "rebuild does not run beside a drain" not_beside_a_drain

rebuilt() {
    as uploader walferry rebuild
    cmp "$work/ruin" "$spool"/ledger/ledger.db.*Z
    expect_equal ok "$(query 'pragma integrity_check')" "integrity"
    local objects
    objects=$(find "$work/stores" -name '*.age' | sort)
    drain
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    # What was there is still there, and nothing came twice.
    expect_equal '' "$(comm -23 <(echo "$objects") <(find "$work/stores" -name '*.age' | sort))" "objects that went"
    expect_equal '' "$(find "$work/stores/one" -name '*.age' -printf '%f\n' | cut -d- -f1 | sort | uniq -d)" "put twice"
    open_objects "$work/stores/two" "$work/etc/identity.txt" "$work/reference"
}
check "rebuild sets it aside, makes a new one, and the drain goes on without putting anything twice" rebuilt

under_fire() {
    start_as postgres "$work/load.log" "$postgres_bin/pgbench" -h "$work/pg" -U postgres -c 1 -T 600 postgres
    local load=$started i
    later "stop_process $load"
    for ((i = 0; i < $([ -n "${WALFERRY_TESTS_LONG:-}" ] && echo 100 || echo 15); i++)); do
        pg_sql "$work/pg" 'select pg_switch_wal()' >/dev/null
        as uploader walferry rebuild --anew >/dev/null
        expect_equal ok "$(query 'pragma integrity_check')" "integrity in round $i"
    done
    stop_process "$load"
    pg_archive_all "$work/pg"
    drain
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    expect_equal ok "$(query 'pragma integrity_check')" "integrity"
    open_objects "$work/stores/one" "$work/etc/identity.txt" "$work/reference"
    expect_equal "$(find "$work/reference" -type f | wc -l)" \
        "$(find "$work/stores/one" -name '*.age' -printf '%f\n' | cut -d- -f1 | sort -u | wc -l)" "segments in the store"
}
check "recreated again and again under a server that archives, it stays sound and nothing is lost" under_fire
