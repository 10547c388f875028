#!/usr/bin/env bash
# Base backups of a busy server restored from Ceph and Swift: to a time, a transaction, a restore point, an LSN, at once
# and to the end; a table that was dropped, a timeline switch, a tablespace elsewhere; with damage, with a store that is
# down, with a gap; killed, and on a disk that is too small. Each server that comes up is
# looked at page by page. tests/integration/runbook.sh has more of them.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/restoring.sh"

begin_restoring 'connect_timeout = "2s"' 'silence_timeout = "3s"' 'attempts = 2'
begin_server
backups() { as postgres walferry --config "$restoring" backups "$@"; }

step 1
made() {
    base_backup
    step 2
    drain_all
    backups --json >"$work/backups.json"
    expect_equal 2 "$(jq '.backups[0].stores | length' "$work/backups.json")" "stores that hold it"
    expect_equal false "$(jq '.backups[0].reach[0].until == null' "$work/backups.json")" "no end known"
    expect_equal '[]' "$(jq -c '[.problems, .conflicts, .silent_stores, .unfinished] | add' "$work/backups.json")" "trouble"
}
check "a server under load is backed up, and backups says from when to when it can be restored" made

step 3
pg_sql "$work/pg" "select pg_create_restore_point('before the accident')" >/dev/null
step 4
dropped_at=$time dropped_lsn=$lsn
sleep 0.2
step 5
pg_sql "$work/pg" 'drop table precious'
step 6
step_6_xid=$xid
step 7
drain_all

to_a_time() {
    restore time --target-time "$dropped_at"
    start_restored time '-c archive_mode=off'
    wait_for 60 is_paused time
    expect_equal 1000 "$(pg_sql "$work/time" 'select count(*) from precious')" "rows of the dropped table"
    expect_equal 4 "$(last_step time)" "last step"
    expect_equal "$work/time/space" "$(pg_sql "$work/time" "select pg_tablespace_location(oid) from pg_tablespace where spcname = 'fast'")" \
        "place of the tablespace"
    pg_sql "$work/time" 'select pg_wal_replay_resume()' >/dev/null
    wait_for 60 is_open time
    is_sound time
}
check "a dropped table is back: to a time, with the tablespace elsewhere, paused and then opened" to_a_time

at_once() {
    restore immediate --immediate --target-action promote --only swift
    # The tablespace is elsewhere; everything else is what the manifest says.
    if pg_fits pg_verifybackup; then as postgres "$postgres_bin/pg_verifybackup" -n -i tablespace_map "$work/immediate/data"; fi
    start_restored immediate '-c archive_mode=off'
    wait_for 60 is_open immediate
    no test "$(last_step immediate)" -gt 4
    is_sound immediate
}
check "from one store alone, as soon as it is consistent" at_once

damaged() {
    local key
    key=$(fetch_objects ceph wal-ceph "$work/objects" | grep '/base.00000000-')
    printf 'not what it was' >"$work/spoiled"
    fetch_objects ceph wal-ceph --put "$key" "$work/spoiled"
    # One transfer at a time, so that Ceph is asked first.
    restore name --target-name 'before the accident' --target-action promote --no-archiving --jobs 1
    expect_equal "$key" "$(jq -r '.damaged[0] // ""' "$work/name.json" | sed 's,^ceph: ,,')" "damaged object"
    grep -q "$key cannot be used" "$work/name.said"
    fetch_objects ceph wal-ceph --put "$key" "$work/objects/$key"
    start_restored name
    wait_for 60 is_open name
    expect_equal 3 "$(last_step name)" "last step"
    is_sound name
}
check "a damaged piece is taken from the other store and said: to a restore point" damaged

one_is_slow() {
    python3 "$tests/lib/slow_line.py" "$(. "$work/ceph/env" && echo "$S3_PORT")" 40960 >"$work/slow.port" 2>"$work/slow.log" &
    local line=$! begun=$SECONDS
    wait_for 10 test -s "$work/slow.port"
    (. "$work/ceph/env" && sed "s,$S3_ENDPOINT,http://127.0.0.1:$(cat "$work/slow.port"),; s/^silence_timeout = .*/silence_timeout = \"20s\"/" \
        "$restoring" >"$work/restoring/slow.toml")
    chown postgres "$work/restoring/slow.toml"
    pg_folder "$work/slow"
    walferry --config "$work/restoring/slow.toml" restore --to "$work/slow/data" --tablespace "$work/space=$work/slow/space" \
        --jobs 1 >/dev/null 2>"$work/slow.said"
    stop_process $line
    grep 'store ceph is slow: .*/base.00000000-.* is taken from another one' "$work/slow.said"
    # At that pace the data directory alone would take as long.
    test $((SECONDS - begun)) -lt $(($(find "$work/objects" -name 'base.00000000-*' -printf '%s\n') / 40960))
    rm -r "$work/slow"
}
check "a store at 40 KiB/s beside a healthy one does not hold the restore up" one_is_slow

store_down() {
    control_s3 swift crash
    expect_exit 4 backups >/dev/null
    restore xid --target-xid "$step_6_xid" --exclusive --target-action promote
    expect_equal '[] ["swift"]' "$(jq -cr '"\(.without) \(.silent)"' "$work/xid.json")" "stores left out, and silent"
    grep -q 'store ceph leads along timeline 1 to the end of segment' "$work/xid.said"
    grep -q 'store swift did not answer' "$work/xid.said"
    # What only swift may know decides how recovery goes: it waits for it.
    start_without_waiting xid
    wait_for 60 has_ended xid
    grep -q 'exited with exit code 255' "$work/xid/data.startup.log"
    control_s3 swift up
    start_restored xid
    wait_for 60 is_open xid
    expect_equal 5 "$(last_step xid)" "last step"
    expect_equal "" "$(pg_sql "$work/xid" "select to_regclass('precious')")" "the dropped table"
}
check "with a store down the backup comes from the other one, and recovery waits for both: to just before a transaction" \
    store_down

left_out() {
    control_s3 swift crash
    restore left --target-xid "$step_6_xid" --exclusive --target-action promote --without swift --no-archiving
    expect_equal '["swift"] []' "$(jq -cr '"\(.without) \(.silent)"' "$work/left.json")" "stores left out, and silent"
    start_restored left
    wait_for 60 is_open left
    expect_equal 5 "$(last_step left)" "last step"
    pg_stop "$work/left"
    control_s3 swift up
}
check "a store that the operator leaves out is left out of recovery" left_out

# That server archives, on a timeline of its own.
timeline_switch() {
    pg_sql "$work/xid" "insert into steps values (100)"
    pg_archive_all "$work/xid"
    as uploader walferry drain >/dev/null
    is_sound xid
    restore lsn --target-lsn "$dropped_lsn" --timeline 1 --target-action promote --no-archiving
    start_restored lsn
    wait_for 60 is_open lsn
    expect_equal 4 "$(last_step lsn)" "last step on timeline 1"
    pg_stop "$work/lsn"
    restore latest --no-archiving
    expect_equal 2 "$(jq .timeline "$work/latest.json")" "timeline"
    start_restored latest
    wait_for 60 is_open latest
    expect_equal 100 "$(last_step latest)" "last step on timeline 2"
    is_sound latest
}
check "after that, both timelines can be reached: to an LSN on the first, to the end of the second" timeline_switch

# What comes from Ceph over this line stops in the middle of a larger piece.
python3 "$tests/lib/holding_line.py" "$(. "$work/ceph/env" && echo "$S3_PORT")" 1000000 /base. >"$work/line.port" 2>"$work/line.log" &
later "stop_process $!"
wait_for 10 test -s "$work/line.port"

# begin_held NAME PLACE SILENCE: a restore into PLACE that waits for Ceph in the middle of the data directory, when
# the tablespace is there: one transfer at a time, so that Ceph is asked first. $restoring_pid is the restore.
begin_held() {
    (. "$work/ceph/env" && sed "s,$S3_ENDPOINT,http://127.0.0.1:$(cat "$work/line.port"),; s/^silence_timeout = .*/silence_timeout = \"$3\"/" \
        "$restoring" >"$work/restoring/held.toml")
    chown postgres "$work/restoring/held.toml"
    walferry --config "$work/restoring/held.toml" restore --to "$2/data" --tablespace "$work/space=$2/space" "${server_programs[@]}" --json --jobs 1 \
        --target-lsn "$dropped_lsn" --timeline 1 --target-action promote --no-archiving >"$work/$1.json" 2>"$work/$1.said" &
    restoring_pid=$!
    wait_for 120 find_one "$2/space/PG_*" || { cat "$work/$1.said" && return 1; }
}
find_one() { compgen -G "$1"; } # PATTERN

dies_on_the_way() {
    pg_folder "$work/dying"
    begin_held dying "$work/dying" "$1"
    no test -e "$work/dying/data/global"
    [ -z "${2:-}" ] || control_s3 ceph "$2"
    wait "$restoring_pid" || { cat "$work/dying.said" && return 1; }
    [ -z "${2:-}" ] || control_s3 ceph up
    grep -q 'store ceph: .*/base.00000000-.* cannot be used' "$work/dying.said"
    jq -r '.notes[]' "$work/dying.json" | grep -q 'store ceph failed on the way. Recovery asks it all the same'
    expect_equal '[] ["ceph"]' "$(jq -cr '"\(.without) \(.silent)"' "$work/dying.json")" "stores left out, and silent"
    no grep -q -- '--without' "$work/dying/data/pg_wal/walferry-recovery.conf"
    cat "$restoring" >"$work/restoring/held.toml" # it answers again
    start_restored dying
    wait_for 60 is_open dying
    expect_equal 4 "$(last_step dying)" "last step"
    is_sound dying
    rm -r "$work/dying"
}
check "a store that dies while it sends a piece is left, and the other one completes the restore" dies_on_the_way 60s crash
if [ -n "$WALFERRY_TESTS_LONG" ]; then
    check "and so is one that hangs" dies_on_the_way 3s
fi

killed() {
    pg_folder "$work/killed"
    walferry --config "$restoring" restore --to "$work/killed/data" \
        --tablespace "$work/space=$work/killed/space" >"$work/killed.said" 2>&1 &
    local pid=$!
    until [ -e "$work/killed/data/walferry-restore-incomplete" ] || gone "$pid"; do sleep 0.005; done
    kill -KILL "$pid"
    wait "$pid" || true
    no test -e "$work/killed/data/PG_VERSION"
    refused 1 "is not a database cluster directory" as postgres "$postgres_bin/pg_ctl" -D "$work/killed/data" -s -w -t 5 start
    expect_exit 2 restore killed
    grep -q 'did not end' "$work/killed.said"
    eval "$(grep '^    rm -r' "$work/killed/data/walferry-restore-incomplete")"
    restore killed --immediate
}
check "a restore that is killed leaves no database, and what it leaves says how to begin again" killed

careful() {
    local before
    before=$(pg_sql "$work/pg" 'select pg_current_wal_insert_lsn() is not null')
    for place in "$work/pg/data" "$work/pg/data/new" "$work/time/data"; do
        expect_exit 2 walferry --config "$restoring" restore --to "$place" --tablespace "$work/space=$work/x"
    done
    expect_exit 2 walferry --config "$restoring" restore --to "$work/y"
    expect_in "--tablespace $work/space=" walferry --config "$restoring" restore --to "$work/y"
    expect_exit 3 walferry --config "$restoring" restore --to "$work/y" --tablespace "$work/space=$work/x" \
        --target-time '2020-01-01 00:00:00Z'
    expect_exit 2 walferry --config "$restoring" restore --to "$work/y" --target-time '2020-01-01 00:00:00'
    no test -e "$work/x" -o -e "$work/y"
    expect_equal "$before" "$(pg_sql "$work/pg" 'select pg_current_wal_insert_lsn() is not null')" "the live server"
    expect_equal 5000 "$(pg_sql "$work/pg" 'select count(*) from placed')" "rows of the live tablespace"
}
check "the live server and its tablespace cannot be restored over" careful

small_disk() {
    expect_exit 1 walferry --config "$restoring" restore --to "$work/small/data" --tablespace "$work/space=$work/x"
    no test -e "$work/small/data" -o -e "$work/x"
}
# Somebody else takes the room that was there when the restore looked.
fills_up() {
    chown postgres "$work/large"
    begin_held full "$work/large" 60s
    head -c 1G /dev/zero >"$work/large/somebody-elses" || true
    control_s3 ceph crash
    local status=0
    wait "$restoring_pid" || status=$?
    control_s3 ceph up
    expect_equal 1 $status "exit code"
    grep "$work/large/data/.*No space left on device" "$work/full.said"
    no grep -q 'start the server' "$work/full.said"
    no test -e "$work/large/data/PG_VERSION"
    refused 1 "is not a database cluster directory" as postgres "$postgres_bin/pg_ctl" -D "$work/large/data" -s -w -t 5 start
    expect_exit 2 walferry --config "$restoring" restore --to "$work/large/data" --tablespace "$work/space=$work/large/space"
    restore elsewhere --immediate
    start_restored elsewhere '-c archive_mode=off'
    wait_for 60 is_paused elsewhere
    pg_stop "$work/elsewhere"
    eval "$(grep '^    rm -r' "$work/large/data/walferry-restore-incomplete")"
    no test -e "$work/large/data" -o -e "$work/large/space"
}
loop_disk() { # FOLDER SIZE
    truncate -s "$2" "$1.disk"
    mkfs.ext4 -q "$1.disk"
    mkdir "$1"
    mount -o loop "$1.disk" "$1" && later "umount '$1'"
}
if loop_disk "$work/small" 40M && loop_disk "$work/large" 400M; then
    check "a disk that is too small is noticed before anything is written" small_disk
    check "one that others fill meanwhile leaves no database, and a restore to another place works" fills_up
else
    skip "a disk that is too small, or fills up" "it needs a loop mount"
fi

gap() {
    local store key
    # The segment before the last but one of timeline 1, so that timeline 2 hangs on it as well.
    for store in ceph swift; do
        for key in $(fetch_objects $store wal-$store "$work/objects-$store" | grep "/wal/00000001/$gap_at-"); do
            fetch_objects $store wal-$store --delete "$key"
        done
    done
    expect_exit 3 backups >"$work/gap.said"
    grep -q "GAP: $gap_at is missing" "$work/gap.said"
    expect_exit 3 restore gap
    grep -q "$gap_at is missing" "$work/gap.said"
    no test -e "$work/gap/data"
    restore gap --immediate
    # Reading ahead would meet the gap before the target.
    grep -q "^recovery_prefetch = 'off'" "$work/gap/data/pg_wal/walferry-recovery.conf"
    start_restored gap '-c archive_mode=off'
    wait_for 60 is_paused gap
    pg_stop "$work/gap"
}
gap_at=$(jq -r '.backups[0].reach[0].last_segment' "$work/backups.json")
check "behind a gap nothing can be reached, and that is said with what can" gap
