#!/usr/bin/env bash
# drain --follow beside a server: two S3 stores get what appears, one of them hangs and comes back, and it ends when told.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
start_s3 ceph wal-ceph
start_s3 swift wal-swift
begin_configuration "$configuration" "$spool"
add_s3_store "$configuration" ceph wal-ceph
add_s3_store "$configuration" swift wal-swift 'silence_timeout = "3s"'
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
status_of() { as uploader walferry status --json | jq -r "$1"; }
pending_in() { status_of ".stores[] | select(.name == \"$1\") | .pending"; }

pg_create "$work/pg" 1
pg_archive_to "$work/pg" "$spool"
pg_start "$work/pg"
pg_sql "$work/pg" 'create table t (n int)'
grow() { # some segments more, all of them archived
    pg_sql "$work/pg" "insert into t select generate_series(1, 40000)"
    pg_archive_all "$work/pg"
}

follow() { # LOG
    start_as uploader "$1" walferry drain --follow --wait 30
    follower=$started
    later "stop_process $follower"
    wait_for 30 no flock -n "$spool" true
}
nothing_waits() { [ "$(waiting "$spool")" = 0 ]; }
none_pending_in() { [ "$(pending_in "$1")" = 0 ]; }

follow "$work/follow.log"
appears() {
    local i
    for i in 1 2 3; do
        grow
        wait_for 60 nothing_waits
    done
    expect_equal true "$(status_of .last_run.at_work)" "the follower is at work"
    expect_exit 5 as uploader walferry drain
}
check "what appears in the spool is verified in both stores without anybody's doing" appears

hangs() {
    control_s3 swift pause
    local i
    for i in 1 2 3; do
        grow
        wait_for 60 none_pending_in ceph
    done
    expect_at_least 3 "$(pending_in swift)" "pending in swift"
    control_s3 swift resume
    wait_for 180 nothing_waits
}
check "while one store hangs the other gets what appears, and it catches up when it is back" hangs
control_s3 swift resume

told_to_end() { # SIGNAL
    local status=0
    kill "-$1" "$follower"
    wait_for 30 gone "$follower"
    flock -n "$spool" true
}
check "SIGTERM ends it soon" told_to_end TERM
status=0
wait "$follower" || status=$?
check "with nothing pending that is a good end" expect_equal 0 "$status"

incomplete() {
    control_s3 swift crash
    grow
    wait_for 60 none_pending_in ceph
    told_to_end TERM
}
follow "$work/follow2.log"
check "it may be ended while a store is down" incomplete
status=0
wait "$follower" || status=$?
check "what is pending then is said by the exit code" expect_equal 4 "$status"

follow "$work/follow3.log"
control_s3 swift up
stop_process "$follower" KILL
follow "$work/follow4.log"
check "one that was killed is followed by another, which finishes its work" wait_for 60 nothing_waits
stop_process "$follower"

everything() {
    pg_stop "$work/pg"
    as uploader walferry drain
    mkdir -m 700 "$work/objects"
    fetch_objects swift wal-swift "$work/objects" >/dev/null
    expect_equal "$(find "$work/reference" -type f | wc -l)" \
        "$(open_objects "$work/objects" "$work/etc/identity.txt" "$work/reference")" "segments in swift"
}
check "every segment is whole in the store that was away" everything
