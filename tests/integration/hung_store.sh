#!/usr/bin/env bash
# drain --follow with a directory store whose filesystem has gone (an NFS server that answers nothing): what the follower
# asks the stores beside its work hangs, and the other store gets what appears all the same.
. "$(dirname "$0")/../lib/integration.sh" "$1"

if [ ! -c /dev/fuse ]; then
    skip "a directory store whose filesystem hangs" "this host has no /dev/fuse"
    exit 0
fi
spool=$work/spool
configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$spool"
add_directory_store "$configuration" one
add_directory_store "$configuration" gone
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
data=$work/data
install -d -o postgres -g postgres "$data" "$data/pg_wal" "$data/global"
push() { # NUMBER [SEED]
    local name
    name=$(python3 "$tests/lib/make_segments.py" "$data" 7301234567890123456 "$1" 1 1 "${2:-0}")
    chown -R postgres "$data"
    as postgres walferry-archive-push --spool "$spool" "$data/pg_wal/$name"
}
in_one() { [ "$(find "$work/stores/one" -path '*/wal/*' -type f | wc -l)" = "$1" ]; } # OBJECTS
nothing_waits() { [ "$(waiting "$spool")" = 0 ]; }
push 1
as uploader walferry drain
push 1 77
expect_exit 3 as uploader walferry drain # a conflict, which every follower asks the stores about

python3 "$tests/lib/network_filesystem.py" "$work/stores/gone" hang &
file_server=$!
later "kill $file_server 2>/dev/null; umount -l '$work/stores/gone' 2>/dev/null"
wait_for 10 grep -q " $work/stores/gone " /proc/mounts
start_as uploader "$work/follow.log" walferry drain --follow
follower=$started
later "stop_process $follower KILL"
asks() { [ "$(find "/proc/$follower/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" -gt 1 ]; }
wait_for 30 asks

goes_on() {
    local i
    for i in 2 3 4; do
        push "$i"
        wait_for 60 in_one $((i + 1))
    done
}
check "while a directory store hangs, the other store gets what appears" goes_on

comes_back() {
    stop_process "$file_server"
    umount -l "$work/stores/gone"
    wait_for 120 nothing_waits
    expect_equal 5 "$(find "$work/stores/gone" -path '*/wal/*' -type f | wc -l)" "objects in the store that hung"
    kill "$follower"
    wait_for 30 gone "$follower"
}
check "when it answers again it gets everything, and the follower ends when it is told to" comes_back
