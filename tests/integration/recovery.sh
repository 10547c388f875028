#!/usr/bin/env bash
# Recoveries of a real server by walferry-archive-get from Ceph and Swift: to the end of the archive, with damage,
# with stores that are away or go away, with a gap, and a standby that lives on the archive alone and is promoted.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
start_s3 ceph wal-ceph
start_s3 swift wal-swift
begin_configuration "$configuration" "$spool"
add_s3_store "$configuration" ceph wal-ceph
add_s3_store "$configuration" swift wal-swift
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
drain() { as uploader walferry drain >/dev/null; }

# The server's user on a host that restores reads its own copies of configuration, keys and identity.
restoring=$work/restoring/walferry.toml
install -d -o postgres -g postgres -m 700 "$work/restoring"
sed 's,^recipients,identity_file = "identity.txt"\n&,; s,^spool = .*,spool = "/nonexistent",' "$configuration" >"$restoring"
cp "$work/etc/identity.txt" "$work"/etc/*.credentials "$work/restoring/"
printf '\n[restore]\ntimeout = "4s"\n' >>"$restoring"
chown -R postgres "$work/restoring"
chmod 600 "$work"/restoring/*

pg_create "$work/pg" 1
pg_archive_to "$work/pg" "$spool"
pg_start "$work/pg"
pg_folder "$work/base"
pg_copy "$work/pg" "$work/base/data" -X none
rows=0
grow() { # ROWS
    pg_sql "$work/pg" "insert into t select generate_series($rows + 1, $rows + $1), repeat('x', 200)"
    rows=$((rows + $1))
}
pg_sql "$work/pg" 'create table t (n int, filler text)'
for _ in 1 2 3 4 5; do grow 20000; done
pg_archive_all "$work/pg"
drain

# recovering NAME [LINE...]: a copy of the base backup that is to recover from the archive.
recovering() {
    pg_folder "$work/$1"
    as postgres cp -a "$work/base/data" "$work/$1/data"
    pg_settings "$work/$1" "unix_socket_directories = '$work/$1'" 'archive_mode = off' \
        "restore_command = '$work/bin/walferry-archive-get --config $restoring --no-spool %f %p'" "${@:2}"
    as postgres touch "$work/$1/data/recovery.signal"
}
start_recovery() { # NAME: does not wait
    as postgres "$postgres_bin/pg_ctl" -D "$work/$1/data" -l "$work/$1/log" -W -s start
}
is_open() { [ "$(pg_sql "$work/$1" 'select pg_is_in_recovery()')" = f ]; }
has_rows() { expect_equal "$2" "$(pg_sql "$work/$1" 'select count(*) from t')" "rows"; } # NAME COUNT
said() { grep -q -- "$2" "$work/$1/log" || { tail -n 20 "$work/$1/log" && return 1; }; } # NAME TEXT
has_ended() { tail -n 1 "$work/$1/log" | grep -q 'database system is shut down'; }
ends() { # NAME: the server, and its helper with it
    pg_stop "$work/$1"
    wait_for 10 no pgrep -f "walferry fetch --config $work/restoring/"
}
no_mess() { # NAME: in pg_wal is nothing but PostgreSQL's
    expect_equal '' "$(find "$work/$1/data/pg_wal" -mindepth 1 | grep -vE '/([0-9A-F]{24}|[0-9A-F]{8}\.history|(archive_status|summaries).*)$')" "in pg_wal"
}

to_the_end() {
    recovering latest
    pg_start "$work/latest"
    wait_for 60 is_open latest
    has_rows latest "$rows"
    expect_equal 1 "$(pgrep -fc "walferry fetch --config $restoring")" "helpers"
    no_mess latest
    ends latest
}
check "a server recovers to the end of the archive from two S3 stores, with one helper that ends with it" to_the_end

with_damage() {
    # One object in the middle, in the store that is asked first as long as no rates are known: each call by itself.
    local key
    fetch_objects ceph wal-ceph "$work/objects" | grep '/wal/' | sort >"$work/keys"
    key=$(sed -n 20p "$work/keys")
    printf 'not what it was' >"$work/spoiled"
    fetch_objects ceph wal-ceph --put "$key" "$work/spoiled"
    recovering damage
    sed -i 's,walferry-archive-get --config,walferry-archive-get --no-prefetch --config,' "$work/damage/data/postgresql.conf"
    pg_start "$work/damage"
    wait_for 60 is_open damage
    has_rows damage "$rows"
    said damage "store ceph: $key cannot be used"
    ends damage
    fetch_objects ceph wal-ceph --put "$key" "$work/objects/$key"
}
check "damage in one store costs a line in the log and nothing else" with_damage

both_away() {
    control_s3 ceph crash
    control_s3 swift crash
    recovering away
    start_recovery away
    wait_for 60 has_ended away
    said away 'could not restore file ".*" from archive: child process exited with exit code 255'
    said away "start the server again once a store answers"
    control_s3 ceph up
    control_s3 swift up
    pg_start "$work/away"
    wait_for 60 is_open away
    has_rows away "$rows"
    ends away
}
check "with both stores away recovery stops instead of ending early, and goes on when they are back" both_away

one_away() {
    control_s3 swift crash
    recovering one
    start_recovery one
    wait_for 60 has_ended one
    said one "--without swift --no-spool"
    sed -i 's,walferry-archive-get --config,walferry-archive-get --without swift --config,' "$work/one/data/postgresql.conf"
    pg_start "$work/one"
    wait_for 60 is_open one
    has_rows one "$rows"
    ends one
    control_s3 swift up
}
check "with one store gone for good the edit that the message prints brings the server up from the other" one_away

one_dies() {
    recovering dies
    start_recovery dies
    wait_for 60 grep -q 'restored log file' "$work/dies/log"
    control_s3 ceph pause
    ended_or_open() { has_ended dies || is_open dies; }
    wait_for 90 ended_or_open
    control_s3 ceph resume
    if has_ended dies; then pg_start "$work/dies"; fi
    wait_for 60 is_open dies
    has_rows dies "$rows"
    ends dies
}
if [ -n "$WALFERRY_TESTS_LONG" ]; then
    check "a store that hangs in the middle of it ends no recovery early" one_dies
fi

standby() {
    recovering standby 'archive_mode = on'
    as postgres mv "$work/standby/data/recovery.signal" "$work/standby/data/standby.signal"
    # An outage of this length is waited out; a history that cannot be asked for stops a standby after it.
    sed 's,^timeout = .*,timeout = "60s",' "$restoring" >"$work/restoring/patient.toml"
    chown postgres "$work/restoring/patient.toml"
    sed -i "s,$restoring,$work/restoring/patient.toml," "$work/standby/data/postgresql.conf"
    pg_settings "$work/standby" 'wal_retrieve_retry_interval = 500ms' 'hot_standby = on'
    pg_start "$work/standby"
    wait_for 60 has_rows standby "$rows"
    grow 20000
    pg_archive_all "$work/pg"
    drain
    wait_for 60 has_rows standby "$rows"
    # Through an outage of both.
    control_s3 ceph pause
    control_s3 swift crash
    grow 5000
    pg_archive_all "$work/pg"
    sleep 7
    as postgres "$postgres_bin/pg_ctl" -D "$work/standby/data" status
    control_s3 ceph resume
    control_s3 swift up
    drain
    wait_for 60 has_rows standby "$rows"
}
check "a standby follows by the archive alone, through an outage of both stores" standby

timeline_of() { pg_sql "$work/$1" 'select substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)'; }
promoted() {
    # Another one, which asks for nothing of its own accord once it has everything.
    recovering second 'wal_retrieve_retry_interval = 1h' 'hot_standby = on'
    as postgres mv "$work/second/data/recovery.signal" "$work/second/data/standby.signal"
    sed 's,^timeout = .*,timeout = "1s",' "$restoring" >"$work/restoring/hasty.toml"
    chown postgres "$work/restoring/hasty.toml"
    sed -i "s,$restoring,$work/restoring/hasty.toml," "$work/second/data/postgresql.conf"
    pg_start "$work/second"
    rows=$(pg_sql "$work/pg" 'select count(*) from t')
    wait_for 60 has_rows second "$rows"
    as postgres "$postgres_bin/pg_ctl" -D "$work/standby/data" -w -t 60 -s promote
    wait_for 60 is_open standby
    has_rows standby "$rows"
    expect_equal 00000002 "$(timeline_of standby)" timeline
}
check "and it can be promoted" promoted

# Without the history of the timeline that the first one chose, it must not choose the same, where its configuration
# says that it lives on the archive alone.
promoted_blindly() {
    rows=$(pg_sql "$work/pg" 'select count(*) from t')
    pg_sql "$work/standby" "insert into t values (0, 'on timeline 2')"
    pg_archive_all "$work/standby"
    drain
    pg_stop "$work/standby"
    sed -i 's,^\[restore\],&\nstandby = "strict",' "$work/restoring/hasty.toml"
    control_s3 ceph crash
    control_s3 swift crash
    as postgres "$postgres_bin/pg_ctl" -D "$work/second/data" -W -s promote
    wait_for 60 has_ended second
    said second 'could not restore file "00000002.history" from archive: child process exited with exit code 255'
    expect_equal '' "$(find "$work/second/data/pg_wal" -name '*.history')" "histories made"
    control_s3 ceph up
    control_s3 swift up
    pg_start "$work/second"
    wait_for 60 has_rows second $((rows + 1))
    as postgres "$postgres_bin/pg_ctl" -D "$work/second/data" -w -t 60 -s promote
    wait_for 60 is_open second
    expect_equal 00000003 "$(timeline_of second)" timeline
    has_rows second $((rows + 1))
    ends second
}
check "a strict one, promoted while no store answers, stops; when they are back it takes the next timeline, not the same" promoted_blindly

# A standby that streams depends on no archive: with one store away, or all of them, it streams and can be promoted.
streaming() {
    rows=$(pg_sql "$work/pg" 'select count(*) from t')
    recovering follower "primary_conninfo = 'host=$work/pg user=postgres'" 'hot_standby = on' \
        'wal_retrieve_retry_interval = 500ms' "recovery_target_timeline = 'current'" # the archive has another one
    as postgres mv "$work/follower/data/recovery.signal" "$work/follower/data/standby.signal"
    sed -i "s,^restore_command.*,restore_command = '$work/bin/walferry-archive-get --config $restoring --no-spool %f %p'," \
        "$work/follower/data/postgresql.conf"
    pg_sql "$work/pg" "select pg_create_physical_replication_slot('follower')" >/dev/null
    control_s3 swift pause
    pg_start "$work/follower"
    grow 1000
    wait_for 60 has_rows follower "$rows"
    control_s3 ceph crash
    grow 1000
    wait_for 60 has_rows follower "$rows"
    sleep 8
    grow 1000
    wait_for 60 has_rows follower "$rows"
    as postgres "$postgres_bin/pg_ctl" -D "$work/follower/data" -w -t 60 -s promote
    wait_for 60 is_open follower
    has_rows follower "$rows"
    no grep -q 'exit code 255' "$work/follower/log"
    ends follower
    control_s3 swift resume
    control_s3 ceph up
}

check "a standby that streams goes on and is promoted with one store away, or both" streaming

# --- Slow stores. Random data, so that an object is as long as it should be.
grow_random() {
    pg_sql "$work/pg" "insert into t select $rows + g, (select string_agg(md5(random()::text || i || g), '') from generate_series(1, 6) i) from generate_series(1, 4000) g"
    rows=$((rows + 4000))
}
# throttled NAME STORE...: a configuration in which these stores bring SECONDS for OBJECT, a file.
throttled() { # FILE SECONDS OBJECT STORE...
    local store limit=$(($(stat -c %s "$3") / $2))
    [ $limit -ge 16384 ]
    cp "$restoring" "$1"
    for store in "${@:4}"; do
        sed -i "/^name = \"$store\"/a bandwidth_limit = $limit" "$1"
    done
    chown postgres "$1"
    chmod 600 "$1"
}
slow_standby() {
    rows=$(pg_sql "$work/pg" 'select count(*) from t')
    grow_random
    pg_archive_all "$work/pg"
    drain
    local name object
    fetch_objects ceph wal-ceph "$work/slow" >"$work/slow.keys"
    object=$(find "$work/slow" -path '*/wal/00000001/*' -size +300k | sort | tail -n 1)
    name=$(basename "$object" | cut -c1-24)
    throttled "$work/restoring/slow.toml" 12 "$object" ceph swift
    pg_folder "$work/asked"
    install -d -o postgres -g postgres -m 700 "$work/asked/global" "$work/asked/pg_wal"
    install -o postgres -g postgres -m 600 "$work/base/data/global/pg_control" "$work/asked/global/"
    as postgres touch "$work/asked/standby.signal"
    once() { (cd "$work/asked" && as postgres walferry-archive-get --config "$work/restoring/slow.toml" --no-spool "$name" pg_wal/RECOVERYXLOG); }
    local before=$SECONDS
    expect_exit 1 once
    [ $((SECONDS - before)) -le 15 ]
    expect_exit 1 once
    wait_for 60 once
    cmp "$work/reference/$name" "$work/asked/pg_wal/RECOVERYXLOG"
    # And a recovery waits for the one transfer.
    rm "$work/asked/standby.signal" "$work/asked/pg_wal/RECOVERYXLOG"
    once
    cmp "$work/reference/$name" "$work/asked/pg_wal/RECOVERYXLOG"
    # No server ends these helpers.
    local pid
    for pid in $(pgrep -f "walferry fetch --config $work/restoring/slow.toml"); do kill "$pid" || true; done
}
check "a segment whose transfer takes longer than a standby waits is kept for its next call" slow_standby

slow_store() {
    local object
    object=$(find "$work/slow" -path '*/wal/00000001/*' -size +300k | sort | tail -n 1)
    throttled "$work/restoring/one-slow.toml" 20 "$object" ceph
    rows=$(pg_sql "$work/pg" 'select count(*) from t')
    recovering hedged "recovery_target_timeline = 'current'"
    sed -i "s,$restoring,$work/restoring/one-slow.toml," "$work/hedged/data/postgresql.conf"
    local before=$SECONDS
    pg_start "$work/hedged"
    wait_for 60 is_open hedged
    has_rows hedged "$rows"
    ends hedged
}
check "a slow store beside a healthy one does not slow a recovery down" slow_store

gap() {
    local store key
    for store in ceph swift; do
        for key in $(fetch_objects $store wal-$store "$work/objects-$store" | grep '/000000010000000000000010-'); do
            fetch_objects $store wal-$store --delete "$key"
        done
    done
    recovering gap
    start_recovery gap
    wait_for 60 has_ended gap
    said gap "a gap"
}
check "a segment missing in the middle stops recovery instead of ending it" gap
