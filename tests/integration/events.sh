#!/usr/bin/env bash
# What the WAL tells: facts compared with pg_waldump, drops and truncates among a load and restores to just before them, the
# recovery point of each store, tablespaces that replay would create over a living server's, and a gap.
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
cp "$work/etc/identity.txt" "$work/restoring/"
chown -R postgres "$work/restoring"

pg_create "$work/pg" 1
pg_archive_to "$work/pg" "$spool"
pg_settings "$work/pg" 'max_prepared_transactions = 5' 'log_timezone = UTC' 'timezone = UTC' \
    'wal_keep_size = 1GB' 'autovacuum = off' # nothing is archived but what is told to be
chmod 711 "$work/pg"
pg_start "$work/pg"

sql() { pg_sql "$work/pg" "$1"; }
now() { sql "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || 'Z'"; }
drain() {
    as uploader walferry drain >/dev/null
    chmod -R a+rX "$work/stores"
}
archive_all() {
    pg_archive_all "$work/pg"
    drain
}
base_backup() {
    as uploader walferry backup --checkpoint fast >/dev/null 2>&1
    chmod -R a+rX "$work/stores"
}
# bring NAME ARGUMENT...: a restore into $work/NAME/data.
bring() {
    local name=$1 status=0
    shift
    pg_folder "$work/$name"
    walferry --config "$restoring" restore --to "$work/$name/data" --no-archiving --json "$@" \
        >"$work/$name.json" 2>"$work/$name.said" || status=$?
    [ $status = 0 ] || cat "$work/$name.said"
    return $status
}
begin() { # NAME
    as postgres "$postgres_bin/pg_ctl" -D "$work/$1/data" -l "$work/$1/log" -s -w -t 120 \
        -o "-c unix_socket_directories=$work/$1" start || { tail -n 20 "$work/$1/log" && return 1; }
    wait_for 120 is_open "$1"
}
is_open() { [ "$(pg_sql "$work/$1" 'select pg_is_in_recovery()')" = f ]; }
# target_before KIND XID: what `walferry events` prints for the restore
target_before() { jq -r --arg kind "$1" --argjson xid "$2" '.events[] | select(.kind == $kind and .xid == $xid) | .target' "$work/events.json"; }

pg_bench "$work/pg" -i -q -s 1 >"$work/pgbench.log" 2>&1
sql "create table precious (g int primary key, note text);
    insert into precious select g, repeat('x', 3000) from generate_series(1, 1000) g;
    create table plain as select g from generate_series(1, 500) g;
    create table rewritten (g int primary key);
    insert into rewritten select generate_series(1, 500);
    create table commits (n serial, at timestamptz default clock_timestamp())"
base_backup

start_as postgres "$work/load.log" "$postgres_bin/pgbench" -h "$work/pg" -U postgres -c 2 -T 3600 --rate=50 postgres
load=$started
later "stop_process $load"

# While a follower is at work, with a segment for each commit that is looked for.
at_least() { # FIELD TIME: in each store, by status
    [ "$(as uploader walferry status --json | jq --arg at "${2/ /T}" "[.stores[] | select((.$1 // \"\") >= \$at)] | length")" = 2 ]
}
hand_over() { sql 'select pg_switch_wal()' >/dev/null; }
start_as uploader "$work/follow.log" walferry drain --follow --quiet
follower=$started
later "stop_process $follower"
under_load() {
    local at i
    for i in 1 2 3; do
        at=$(now)
        sql 'insert into commits default values'
        hand_over
        # A follower sends within a second; the rest is what a loaded machine takes.
        wait_for 30 at_least recovery_point "$at"
    done
    expect_equal true "$(as uploader walferry status --json | jq 'all(.stores[]; .recovery_point_known)')" "what is known"
}
check "under load the recovery point of each store follows the commits as segments are handed over" under_load
idle() {
    local at
    stop_process "$load"
    sql 'insert into commits default values'
    sleep 1.1 # a checkpoint's time is told in seconds
    at=$(now)
    sleep 1.1
    sql checkpoint
    hand_over
    wait_for 30 at_least complete_until "$at"
    no at_least recovery_point "$at"
    expect_in "; no other until" as uploader walferry status
}
check "on an idle server the last commit is old and the archive complete until later, which status says" idle
stop_process "$follower"
chmod -R a+rX "$work/stores"
start_as postgres "$work/load.log" "$postgres_bin/pgbench" -h "$work/pg" -U postgres -c 2 -T 3600 --rate=50 postgres
load=$started
later "stop_process $load"

sql "select pg_create_restore_point('release')" >/dev/null
drop_xid=$(sql "begin; insert into commits default values; drop table precious; select pg_current_xact_id(); commit")
truncate_xid=$(sql "begin; truncate plain; select pg_current_xact_id(); commit")
sql 'create table replaced as select 1 as n'
replaced_xid=$(sql "begin; drop table replaced; create table replaced as select 2 as n; select pg_current_xact_id(); commit")
sql 'vacuum full rewritten'
sql 'reindex table rewritten'
sql 'alter table rewritten add column c text default clock_timestamp()::text'
sql 'create database short'
sql 'drop database short'
sql 'create table two_steps (n int)'
sql "begin; drop table two_steps; prepare transaction 'later'"
sql "commit prepared 'later'"
sql "select pg_create_restore_point('release')" >/dev/null
sleep 0.3
stop_process "$load"
sql 'insert into commits default values'
archive_all
as uploader walferry events --json >"$work/events.json"

told() {
    expect_equal 1 "$(jq --argjson xid "$drop_xid" '[.events[] | select(.kind == "dropped" and .xid == $xid)] | length' "$work/events.json")" "the drop"
    expect_equal 1 "$(jq --argjson xid "$truncate_xid" '[.events[] | select(.kind == "truncated" and .xid == $xid)] | length' "$work/events.json")" "the truncate"
    expect_equal public.plain "$(jq -r '.events[] | select(.kind == "truncated") | .relations[].name' "$work/events.json" | grep plain)" "the name of the table"
    expect_equal 2 "$(jq '[.events[] | select(.kind == "restore_point" and .name == "release")] | length' "$work/events.json")" "restore points"
    expect_equal 1 "$(jq '[.events[] | select(.kind == "database_dropped")] | length' "$work/events.json")" "databases dropped"
    # The table of the prepared transaction, and nothing of what rewrites.
    expect_equal 2 "$(jq '[.events[] | select(.kind == "dropped")] | length' "$work/events.json")" "tables dropped"
    # VACUUM FULL, and the ALTER TABLE that rewrites: the WAL does not tell them from the transaction that drops a table
    # and makes another one.
    expect_equal 3 "$(jq '[.events[] | select(.kind == "files_replaced_or_removed")] | length' "$work/events.json")" "unclear removals"
    expect_equal 1 "$(jq --argjson xid "$replaced_xid" '[.events[] | select(.kind == "files_replaced_or_removed" and .xid == $xid and .target)] | length' "$work/events.json")" "the table that another one replaced"
    expect_equal 0 "$(jq .segments_unknown "$work/events.json")" "segments that are not known"
    expect_in 'restore to before it: --target-lsn' as uploader walferry events
    expect_equal 0 "$(as uploader walferry events --json --until '2001-01-01 00:00:00Z' | jq '.events | length')" "events of another time"
    expect_equal 0 "$(as uploader walferry events --json --database template1 | jq '[.events[] | select(.kind == "dropped")] | length')" "drops in another database"
}
check "a drop and a truncate are told among a load, by table and transaction; what may be a mere rewrite as unclear" told

brought_back() {
    # shellcheck disable=SC2046
    bring dropped $(target_before dropped "$drop_xid") --target-action promote
    begin dropped
    expect_equal 1000 "$(pg_sql "$work/dropped" "select count(*) from precious where length(note) = 3000")" "rows of the dropped table"
    pg_stop "$work/dropped"
    # Paused there nothing is locked.
    # shellcheck disable=SC2046
    bring truncated $(target_before truncated "$truncate_xid")
    as postgres "$postgres_bin/pg_ctl" -D "$work/truncated/data" -l "$work/truncated/log" -s -w -t 120 \
        -o "-c unix_socket_directories=$work/truncated" start
    expect_equal 500 "$(pg_sql "$work/truncated" "set lock_timeout = '20s'; select count(*) from plain")" "rows of the truncated table"
    pg_stop "$work/truncated"
}
check "a restore to the target that events prints brings the table back whole" brought_back

facts_of_objects() {
    local object name
    for object in "$work"/stores/one/*/*/wal/*/*.zst.age; do
        name=$(basename "$object" | cut -d- -f1)
        [ ${#name} = 24 ] || continue
        walferry decrypt -i "$work/etc/identity.txt" <"$object" | tail -c 140000 | LC_ALL=C grep -ao '{"walferry":2.*' | tail -n 1 |
            jq -r --arg name "$name" '[$name, .facts] | join("\t")'
    done
}
# What PostgreSQL itself reads there: its pg_waldump, or, where a server comes without its tools, the extension.
records() {
    local segment
    case $("$postgres_bin/pg_waldump" --version) in
    *" $postgres_major"[.a-z]*)
        for segment in "$work"/reference/????????????????????????; do
            TZ=UTC LC_ALL=C "$postgres_bin/pg_waldump" "$segment" 2>/dev/null || true
        done
        ;;
    *)
        sql 'create extension if not exists pg_walinspect'
        sql "select format('rmgr: %s len (rec/tot): 0/ 0, tx: %s, lsn: %s, prev 0/0, desc: %s %s', resource_manager, xid,
                split_part(start_lsn::text, '/', 1) || '/' || lpad(split_part(start_lsn::text, '/', 2), 8, '0'), record_type, description)
            from pg_get_wal_records_info('$(head -n 1 "$work/facts" | cut -f 2 | jq -r .begin)', pg_current_wal_flush_lsn())"
        ;;
    esac
}
compared() {
    facts_of_objects >"$work/facts"
    expect_at_least 5 "$(wc -l <"$work/facts")" "segments"
    records >"$work/records"
    /usr/bin/python3 "$tests/lib/compare_waldump.py" "$work/records" "$work/facts"
}
check "the facts of every segment are what pg_waldump prints of it" compared

point() { # STORE NAME: until when commits are safe there
    local until last name=$2
    until=$(as uploader walferry status --json | jq -r --arg store "$1" '.stores[] | select(.name == $store) | .recovery_point')
    last=$(sql "select max(n) from commits where at < '$until'")
    bring "$name" --latest --only "$1"
    begin "$name"
    expect_equal "$last" "$(pg_sql "$work/$name" 'select max(n) from commits')" "the last commit that is back"
    pg_stop "$work/$name"
}
points() {
    sql 'insert into commits default values'
    pg_archive_all "$work/pg"
    as uploader walferry drain --store one >/dev/null 2>&1 || true
    sql 'insert into commits default values'
    pg_archive_all "$work/pg"
    chmod -R a+rX "$work/stores"
    expect_in "on this host's disk" as uploader walferry status
    expect_in 'the last commit that is safe in two is that of' as uploader walferry status
    # It follows what the living server archives, tablespaces too.
    expect_exit 2 walferry --config "$restoring" restore --to "$work/follower" --standby --dry-run 2>"$work/follower.said"
    grep -q "the cluster's own server runs on this host" "$work/follower.said"
    walferry --config "$restoring" restore --to "$work/follower" --standby --unchecked-tablespaces --dry-run >/dev/null
    point one lead
    point two behind
    drain
    point two caught-up
}
check "the recovery point of each store is the last commit that a restore from it alone brings back" points

fetched() {
    local before after
    drain
    before=$(as uploader walferry events --json | jq -c '[.events[] | [.kind, .lsn, .xid]]')
    as uploader walferry rebuild --anew >/dev/null
    no test "$(as uploader walferry events --json | jq .segments_unknown)" = 0
    sed 's,^recipients,identity_file = "identity.txt"\n&,' "$configuration" >"$work/etc/fetching.toml"
    walferry --config "$work/etc/fetching.toml" events --fetch --json >"$work/fetched.json"
    expect_equal 0 "$(jq .segments_unknown "$work/fetched.json")" "segments that are not known"
    after=$(jq -c '[.events[] | [.kind, .lsn, .xid]]' "$work/fetched.json")
    expect_equal "$before" "$after" "events"
}
check "a new ledger knows nothing of it, and learns it from the stores" fetched

targets() {
    local late
    late=$(now)
    expect_exit 3 bring late --target-time "$late"
    grep -q 'the latest time that works is' "$work/late.said"
    grep -q -- '--latest brings back everything' "$work/late.said"
    bring twice --target-name release --dry-run
    jq -r '.notes[]' "$work/twice.json" | grep -q 'exists 2 times'
    expect_exit 3 bring never --target-name never --dry-run
    grep -q 'no restore point "never"' "$work/never.said"
}
check "a time without a later transaction is refused with the latest that works; a name is counted" targets

# Beside the living server, a tablespace that is newer than the backup.
install -d -o postgres -g postgres -m 700 "$work/late"
# A segment of its own behind the newest backup.
sql 'insert into commits default values'
not_readable=$(sql 'select pg_walfile_name(pg_current_wal_lsn())')
archive_all
sql 'insert into commits default values'
before_tablespace=$(now)
sleep 0.2
sql 'insert into commits default values'
sql "create tablespace late location '$work/late'"
sql 'create table placed tablespace late as select g from generate_series(1, 20000) g'
sleep 0.2
after_tablespace=$(now)
sleep 0.2
sql 'insert into placed select generate_series(20001, 30000)'
archive_all
sql checkpoint
hash_late() { find "$work/late" -type f -exec sha256sum {} + | sort -k 2 | sha256sum; }
damage() { # NAME: what the stores have of it cannot be read
    cp -a "$work/stores" "$work/sound"
    find "$work/stores" -name "$1-*" -type f -exec truncate -s -3 {} +
}
not_looked_into() {
    damage "$not_readable"
    expect_exit 2 bring unknown --target-time "$before_tablespace" --target-action promote
    grep -q "whether recovery creates tablespaces is not known for 1 segment, such as $not_readable" "$work/unknown.said"
    test ! -e "$work/unknown/data"
    bring unknown --target-time "$before_tablespace" --target-action promote --unchecked-tablespaces --dry-run
    jq -r '.notes[]' "$work/unknown.json" | grep -q "could not be looked into: where a server of this host has tablespaces"
    rm -r "$work/stores"
    mv "$work/sound" "$work/stores"
}
check "WAL that cannot be looked into may create tablespaces: beside the living server that is refused" not_looked_into
tablespaces() {
    local before
    pg_stop "$work/pg"
    pg_start "$work/pg"
    before=$(hash_late)
    expect_exit 2 bring beside --target-time "$after_tablespace" --target-action promote
    grep -q "recovery would create tablespace [0-9]* at $work/late" "$work/beside.said"
    test ! -e "$work/beside/data"
    expect_exit 2 bring beside --latest
    # The first record at the target or behind it is replayed as well.
    local at
    at=$(as uploader walferry events --json | jq -r '.events[] | select(.kind == "tablespace_created") | .lsn')
    expect_exit 2 bring beside --target-lsn "$(sql "select '$at'::pg_lsn - 8")"
    bring beside --target-lsn "$at" --exclusive --dry-run
    expect_exit 2 bring beside --latest --tablespace "$work/late=$work/beside/late"
    bring earlier --target-time "$before_tablespace" --target-action promote
    begin earlier
    pg_stop "$work/earlier"
    expect_equal "$before" "$(hash_late)" "files of the living server"
}
check "a restore beside the living server is refused where replay would create a tablespace over its files" tablespaces
elsewhere() {
    local before
    pg_stop "$work/pg"
    before=$(hash_late)
    mv "$work/late" "$work/late.kept"
    bring made --latest
    begin made
    expect_equal 30000 "$(pg_sql "$work/made" 'select count(*) from placed')" "rows"
    pg_stop "$work/made"
    rm -r "${work:?}/late"
    bring linked --latest --tablespace "$work/late=$work/linked/late"
    test -L "$work/late"
    begin linked
    expect_equal 30000 "$(pg_sql "$work/linked" 'select count(*) from placed')" "rows"
    pg_stop "$work/linked"
    rm "$work/late"
    mv "$work/late.kept" "$work/late"
    expect_equal "$before" "$(hash_late)" "files of the server"
}
check "where the path does not exist it is made, or becomes a link to another place" elsewhere

gap() {
    local last segment
    pg_start "$work/pg"
    sql 'insert into commits default values'
    archive_all
    last=$(sql 'select max(n) from commits')
    sql 'insert into commits default values'
    segment=$(sql 'select pg_walfile_name(pg_current_wal_lsn())')
    archive_all
    sql 'insert into commits default values'
    archive_all
    rm "$work"/stores/*/*/*/wal/*/"$segment"-*
    pg_stop "$work/pg"
    mv "$work/late" "$work/late.kept"
    expect_exit 3 bring whole --latest
    # What a store that is silent has may lead further.
    mv "$work/stores/two" "$work/stores.two"
    expect_exit 1 bring silent --as-far-as-possible
    mv "$work/stores.two" "$work/stores/two"
    grep -q 'how far recovery can go is not known' "$work/silent.said"
    bring far --as-far-as-possible
    jq -r '.notes[]' "$work/far.json" | grep -q "lost is what came after it: $segment is missing"
    begin far
    expect_equal "$last" "$(pg_sql "$work/far" 'select max(n) from commits')" "the last commit before the gap"
    pg_stop "$work/far"
}
check "as far as possible: to the last commit before a gap, and what is lost is said" gap
