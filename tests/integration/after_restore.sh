#!/usr/bin/env bash
# What a restore leaves behind: the server that comes up, the standbys made of it, its second restore; targets that only the
# WAL can decide; stores that are away while it is restored. With directory stores, which are moved to be away.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
restoring=$work/restoring/walferry.toml
begin_configuration "$configuration" "$spool"
sed -i "s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/pg user=postgres\"," "$configuration"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
install -d -o postgres -g postgres -m 700 "$work/restoring"
sed 's,^recipients,identity_file = "identity.txt"\n&,; s,^spool = .*,spool = "/nonexistent",' "$configuration" >"$restoring"
printf '\n[restore]\ntimeout = "3s"\n' >>"$restoring"
cp "$work/etc/identity.txt" "$work/restoring/"
chown -R postgres "$work/restoring"

pg_create "$work/pg" 1
pg_archive_to "$work/pg" "$spool"
pg_settings "$work/pg" 'hot_standby = off' "unix_socket_directories = '$work/pg, $work/pg/data/run'" 'log_timezone = UTC'
as postgres mkdir "$work/pg/data/run"
install -o postgres -g postgres -m 644 /dev/null "$work/pg/data/server.crt"
chmod 711 "$work/pg"
as postgres "$postgres_bin/pg_ctl" -D "$work/pg/data" -l "$work/pg/log" -w -s -o '-c max_connections=40' start

sql() { pg_sql "$work/pg" "$1"; }
now() { sql "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || 'Z'"; }
base_backup() { as uploader walferry backup --checkpoint fast >/dev/null 2>&1; }
archive_all() {
    pg_archive_all "$work/pg"
    as uploader walferry drain >/dev/null
    chmod -R a+rX "$work/stores"
}
sql 'create table t (n int)'
base_backup
sql "select pg_create_restore_point('release')" >/dev/null
old_xid=$(sql 'insert into t values (1) returning pg_current_xact_id()')
archive_all
base_backup
sql 'insert into t values (2)'
sleep 0.2
middle=$(now)
sleep 0.2
sql 'insert into t values (3)'
sleep 0.2
quiet=$(now)
sleep 0.2
archive_all
first=$(as postgres walferry --config "$restoring" backups --json | jq -r '.backups[0].id')
second=$(as postgres walferry --config "$restoring" backups --json | jq -r '.backups[1].id')

# bring NAME ARGUMENT...: a restore into $work/NAME/data.
bring() {
    local name=$1 status=0
    shift
    pg_folder "$work/$name"
    walferry --config "$restoring" restore --to "$work/$name/data" --json "$@" >"$work/$name.json" 2>"$work/$name.said" || status=$?
    [ $status = 0 ] || cat "$work/$name.said"
    return $status
}
begin() { # NAME [OPTIONS]: the server of that name, with a socket of its own only
    as postgres "$postgres_bin/pg_ctl" -D "$work/$1/data" -l "$work/$1/log" -s "${3:--w}" -t 60 \
        -o "-c unix_socket_directories=$work/$1 -c archive_mode=off ${2:-}" start || { tail -n 20 "$work/$1/log" && return 1; }
}
is_open() { [ "$(pg_sql "$work/$1" 'select pg_is_in_recovery()')" = f ]; }
is_standby() { [ "$(pg_sql "$work/$1" 'select pg_is_in_recovery()')" = t ]; }
is_paused() { [ "$(pg_sql "$work/$1" 'select pg_get_wal_replay_pause_state()')" = paused ]; }
last_row() { pg_sql "$work/$1" 'select max(n) from t'; }
has_row() { [ "$(last_row "$1")" = "$2" ]; }
has_ended() { tail -n 1 "$work/$1/log" | grep -q 'database system is shut down'; }
standby_of() { # NAME OF: streams, and was made by pg_basebackup -R
    pg_folder "$work/$1"
    pg_copy "$work/$2" "$work/$1/data" -R -X stream
    begin "$1" '-c hot_standby=on'
    is_standby "$1"
}
no_recovery_settings() { # NAME
    no grep -E 'recovery|^restore_command' "$work/$1/data/postgresql.auto.conf"
    no test -s "$work/$1/data/pg_wal/walferry-recovery.conf"
}

restored() {
    bring latest
    expect_equal 700 "$(stat -c %a "$work/latest/data")" "mode of the data directory"
    expect_equal 644 "$(stat -c %a "$work/latest/data/server.crt")" "mode of a file"
    expect_equal 600 "$(stat -c %a "$work/latest/data/recovery.signal")" "mode of a file of ours"
    grep -q "^unix_socket_directories = '$work/pg, $work/latest/data/run'" "$work/latest/data/postgresql.conf"
    jq -r '.notes[]' "$work/latest.json" | grep -q 'max_connections was 40'
    grep -q -- '--no-spool "%f" "%p"' "$work/latest/data/pg_wal/walferry-recovery.conf"
    grep -q 'recovery looks into no spool (--no-spool)' "$work/latest.said"
    cp "$work/latest/data/postgresql.auto.conf" "$work/auto.conf"
    cp "$work/latest/data/pg_wal/walferry-recovery.conf" "$work/recovery.conf"
    begin latest
    wait_for 60 is_open latest
    expect_equal 3 "$(last_row latest)" "last row"
    expect_equal 40 "$(pg_sql "$work/latest" 'show max_connections')" "max_connections of its command line"
    no_recovery_settings latest
    expect_equal 600 "$(stat -c %a "$work/latest/data/postgresql.auto.conf")" "mode of postgresql.auto.conf"
}
check "a restored server is as it was, and nothing of the recovery is left in its configuration" restored

cloned() {
    standby_of clone latest
    pg_sql "$work/latest" 'insert into t values (4)'
    wait_for 30 has_row clone 4
    pg_stop "$work/clone"
}
check "a standby made of it with pg_basebackup -R follows it" cloned

# As if it had been killed between the end of recovery and recovery_end_command.
killed_before_the_end() {
    pg_stop "$work/latest"
    install -o postgres -g postgres -m 600 "$work/auto.conf" "$work/latest/data/postgresql.auto.conf"
    install -o postgres -g postgres -m 600 "$work/recovery.conf" "$work/latest/data/pg_wal/walferry-recovery.conf"
    begin latest
    is_open latest
    standby_of survivor latest
    pg_sql "$work/latest" 'insert into t values (5)'
    wait_for 30 has_row survivor 5
    pg_stop "$work/survivor"
    pg_stop "$work/latest"
}
check "what a kill at the end of recovery leaves does no harm: not to it, and not to a standby of it" killed_before_the_end

paused() {
    bring paused --target-time "$middle"
    begin paused
    wait_for 60 is_paused paused
    expect_equal 2 "$(last_row paused)" "last row"
    # A copy by hand would hold WAL from behind the target, as restored files in pg_wal have it.
    if pg_fits pg_basebackup; then standby_of beside paused; fi
    pg_sql "$work/paused" "alter system set work_mem = '9MB'"
    pg_sql "$work/paused" 'select pg_wal_replay_resume()' >/dev/null
    wait_for 60 is_open paused
    no_recovery_settings paused
    grep -q "^work_mem = '9MB'" "$work/paused/data/postgresql.auto.conf"
    pg_sql "$work/paused" 'insert into t values (6)'
    if pg_fits pg_basebackup; then
        wait_for 60 has_row beside 6
        pg_stop "$work/beside"
    fi
    pg_stop "$work/paused"
}
check "with hot_standby off it pauses at its target, readable; ALTER SYSTEM and a standby made there do no harm" paused

quiet_time() {
    local works last
    expect_exit 3 bring refused --target-time "$quiet" --target-action promote
    grep -q 'no transaction in the WAL that can be reached ended after' "$work/refused.said"
    works=$(sed -n 's/.*the latest time that works is \(.*+00\).*/\1/p' "$work/refused.said")
    bring works --target-time "$works" --target-action promote
    begin works
    wait_for 60 is_open works
    expect_equal 2 "$(last_row works)" "last row before the latest time that works"
    pg_stop "$work/works"
    last=$(sed -n 's/.*--target-lsn \([0-9A-F/]*\).*/\1/p' "$work/refused.said")
    bring quiet --target-lsn "$last" --target-action promote
    begin quiet
    wait_for 60 is_open quiet
    expect_equal 3 "$(last_row quiet)" "last row"
    pg_stop "$work/quiet"
    bring quiet-pause --target-lsn "$last"
    begin quiet-pause
    wait_for 60 is_paused quiet-pause
    pg_stop "$work/quiet-pause"
    expect_exit 3 bring later --target-time "$(date -u -d '+1 hour' '+%F %TZ')"
}
check "a time in the quiet at the end of the archive is refused with the latest that works, and the end can be had" quiet_time

older() {
    local kind
    for kind in "--target-name release" "--target-xid $old_xid"; do
        # shellcheck disable=SC2086
        bring older $kind --target-action promote
        expect_equal "$first" "$(jq -r .backup "$work/older.json")" "backup for $kind"
        begin older
        wait_for 60 is_open older
        pg_stop "$work/older"
        rm -r "${work:?}/older"
    done
    expect_exit 3 bring never --target-name 'never made'
    grep -q 'holds no restore point "never made"' "$work/never.said"
    expect_equal "$second" "$(walferry --config "$restoring" restore --to "$work/z" --dry-run --json --target-time "$middle" | jq -r .backup)" \
        "backup for a time"
}
check "a restore point and a transaction older than the newest backup take the older backup; one that never was is refused" older

twice() {
    bring again
    begin again "-c archive_mode=on"
    wait_for 60 is_open again
    sed "s,host=$work/pg ,host=$work/again ," "$configuration" >"$work/etc/again.toml"
    for_uploader "$work/etc/again.toml"
    chmod 711 "$work/again"
    pg_sql "$work/again" 'insert into t values (7)'
    as uploader walferry --config "$work/etc/again.toml" backup --checkpoint fast >/dev/null 2>&1
    pg_sql "$work/again" 'insert into t values (8)'
    pg_archive_all "$work/again"
    as uploader walferry drain >/dev/null
    chmod -R a+rX "$work/stores"
    pg_stop "$work/again"
    bring second --target-action promote --immediate
    begin second
    wait_for 60 is_open second
    expect_equal 7 "$(last_row second)" "last row"
    no_recovery_settings second
    pg_stop "$work/second"
    bring third
    expect_equal 2 "$(jq .timeline "$work/third.json")" "timeline"
    begin third
    wait_for 60 is_open third
    expect_equal 8 "$(last_row third)" "last row"
    no_recovery_settings third
    pg_stop "$work/third"
    # The first timeline goes on for the tests that follow.
    find "$work/stores" -name '*00000002*' -delete
    find "$work/stores" -path '*/backup/*' ! -path "*$first*" ! -path "*$second*" -type f -delete
}
programs_elsewhere() {
    walferry --config "$restoring" restore --to "$work/nowhere/data" --bindir "$work" --json >"$work/nowhere.json" 2>/dev/null
    jq -r '.notes[]' "$work/nowhere.json" | grep -q "no postgres of PostgreSQL .* was found here (in $work)"
    expect_in "$postgres_bin/pg_ctl" walferry --config "$restoring" restore --to "$work/there" --bindir "$postgres_bin"
}
numbers() {
    local option
    for option in '--jobs 010' '--jobs 0x4' '--timeline 010' '--timeline 0x1' '--system-identifier 010'; do
        # shellcheck disable=SC2086
        expect_exit 2 walferry --config "$restoring" restore --to "$work/z" --dry-run $option
    done
    walferry --config "$restoring" restore --to "$work/z" --dry-run --timeline 00000001
}
standby() {
    bring standby --standby --unchecked-tablespaces
    no test -e "$work/standby/data/recovery.signal" -o -e "$work/standby/data/pg_wal/walferry-recovery.conf"
    begin standby '-c hot_standby=on'
    wait_for 60 has_row standby 3
    is_standby standby
    as postgres "$postgres_bin/pg_ctl" -D "$work/standby/data" -w -t 60 -s promote
    is_open standby
    pg_stop "$work/standby"
    expect_exit 2 bring wrong --standby --immediate
}
check "--standby makes one that follows the archive and can be promoted" standby

quoted() {
    install -d "$work/main old"
    touch "$work/main old/precious"
    expect_exit 2 walferry --config "$restoring" restore --to "$work/main old" 2>"$work/quoted"
    grep -qF "mv '$work/main old' '$work/main old.old'" "$work/quoted"
    expect_in "-D '$work/main new'" walferry --config "$restoring" restore --to "$work/main new"
}
check "PostgreSQL's programs are looked for where --bindir says" programs_elsewhere
check "no number is read as octal or hexadecimal, but a timeline as the names of files have it" numbers
check "a command that is printed to be pasted is right for a place with a blank in its name" quoted

check "the restored server is backed up and restored again, along its own timeline" twice

# Settings that were raised, and rows that only one store has.
pg_stop "$work/pg"
pg_settings "$work/pg" 'max_connections = 60'
pg_start "$work/pg"
sql 'insert into t values (10)'
archive_all
raised_later() {
    bring raised
    begin raised
    wait_for 60 is_open raised
    expect_equal 10 "$(last_row raised)" "last row"
    pg_stop "$work/raised"
}
check "a setting that was raised after the backup keeps no server from coming up" raised_later

newest=$(find "$work/stores/one" -name '0000000100000000*.zst.age' -printf '%f\n' | sort | tail -n 1 | cut -c1-24)
find "$work/stores/one" -name "$newest-*" -delete
away() { mv "$work/stores/two" "$work/stores/two.away"; }
back() { mv "$work/stores/two.away" "$work/stores/two"; }

not_mounted() {
    away
    bring unmounted
    expect_equal '[] ["two"]' "$(jq -cr '"\(.without) \(.silent)"' "$work/unmounted.json")" "stores left out, and silent"
    no grep -q -- --without "$work/unmounted/data/pg_wal/walferry-recovery.conf"
    grep -q 'store one leads along timeline 1 to the end of segment' "$work/unmounted.said"
    grep -q 'store two did not answer; how far it leads is not known' "$work/unmounted.said"
    begin unmounted '' -W
    wait_for 60 has_ended unmounted
    grep -q 'exited with exit code 255' "$work/unmounted/log"
    back
    begin unmounted
    wait_for 60 is_open unmounted
    expect_equal 10 "$(last_row unmounted)" "last row, which only the store that was away has"
    pg_stop "$work/unmounted"
}
check "a store that is away during the restore is asked by the recovery: all rows are there" not_mounted

known() {
    away
    sed "s,^spool = .*,spool = \"$spool\"," "$restoring" >"$work/restoring/archiving.toml"
    chown postgres "$work/restoring/archiving.toml"
    chmod -R a+rX "$spool"
    walferry --config "$work/restoring/archiving.toml" restore --to "$work/z" --dry-run >"$work/known" 2>&1
    back
    grep -q "store two did not answer; by this host's ledger it had the segments up to" "$work/known"
    grep -q "recovery looks into the spool $spool first" "$work/known"
}
check "a host with a ledger says how far the silent store was known to lead" known

without_pieces() {
    find "$work/stores/two" -path '*/backup/*' -delete
    bring pieces
    expect_equal '[] []' "$(jq -cr '"\(.without) \(.silent)"' "$work/pieces.json")" "stores left out, and silent"
    begin pieces
    wait_for 60 is_open pieces
    expect_equal 10 "$(last_row pieces)" "last row"
    pg_stop "$work/pieces"
}
check "a store that lost its base backups still gives its WAL" without_pieces

no_backup_there() {
    mv "$work/stores/one" "$work/stores/one.away"
    expect_exit 1 bring nothing
    grep -q 'one did not answer and may have more' "$work/nothing.said"
    no test -e "$work/nothing/data"
    mv "$work/stores/one.away" "$work/stores/one"
}
check "where the stores that answer have no backup, nothing is restored, and the silent store is the reason" no_backup_there
