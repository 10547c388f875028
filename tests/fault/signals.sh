#!/usr/bin/env bash
# Signals at any moment of push and drain, readers that went away, and two of everything: uploaders, clusters.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/trouble.sh"

begin_trouble "$work/spool"
RANDOM=7301
moment() { printf '0.%03d' $((RANDOM % $1)); } # MILLISECONDS

signalled_push() { # SIGNAL
    local status=0
    start_as postgres "$work/said" walferry-archive-push --spool "$spool" "$data/pg_wal/${names[0]}"
    sleep "$(moment 12)"
    kill -"$1" "$started" 2>/dev/null || true
    [ "$1" != STOP ] || { sleep 0.1 && kill -CONT "$started" 2>/dev/null; } || true
    wait "$started" || status=$?
    case $status in
    0 | 1) ;;
    *) expect_equal $((128 + $(kill -l "$1"))) $status "exit under SIG$1" ;;
    esac
    [ ! -e "$ready/${names[0]}" ] || nothing_lost "${names[0]}"
    push "${names[0]}"
    nothing_lost "${names[0]}"
}
pushes_signalled() { # SIGNAL TIMES
    local i
    for ((i = 0; i < $2; ++i)); do
        fresh_segments 1
        signalled_push "$1"
    done
    expect_equal '' "$(find "$spool/tmp" -type f)" "left over"
}
signalled_drain() { # SIGNAL
    local status=0
    fresh_segments 8
    push_all "${names[@]}"
    start_as uploader "$work/said" walferry drain --jobs 1
    sleep "$(moment 250)"
    kill -"$1" "$started" 2>/dev/null || true
    [ "$1" != STOP ] || { sleep 0.1 && kill -CONT "$started" 2>/dev/null; } || true
    wait_for 60 gone "$started"
    wait "$started" || status=$?
    case $status in
    0 | 4) ;;
    # Before it had set up anything.
    *) expect_equal $((128 + $(kill -l "$1"))) $status "exit under SIG$1" ;;
    esac
    flock -n "$spool" true
    nothing_lost "${names[@]}"
    converges "${names[@]}"
}
drains_signalled() { # SIGNAL TIMES
    local i
    for ((i = 0; i < $2; ++i)); do signalled_drain "$1"; done
}
times=2
if [ -n "$WALFERRY_TESTS_LONG" ]; then times=40; fi
for signal in TERM HUP INT PIPE STOP; do
    check "SIG$signal at any moment of a push leaves all or nothing, and the next push succeeds" \
        pushes_signalled $signal $times
    check "SIG$signal at any moment of a drain ends it cleanly or not at all, and the next one finishes" \
        drains_signalled $signal $times
done

reader_gone() {
    local status output
    fresh_segments 2
    push "${names[0]}"
    for output in '>&- 2>&-' '>/dev/full 2>&1' '2>&1 | true'; do
        status=0
        as uploader timeout -k 5 60 bash -c "set -o pipefail; walferry drain --json $output" || status=$?
        [ $status -le 5 ] || { echo "the drain ended with $status, output $output" && return 1; }
        [ "$output" != '>/dev/full 2>&1' ] || expect_equal 1 $status "exit when nothing can be written"
    done
    push "${names[1]}"
    converges "${names[@]}"
}
check "a reader that went away, or no output at all, does not end a drain by a signal" reader_gone

two_uploaders() {
    local second=$((uploader_uid + 100)) status=0
    sed 's/^cluster.*/cluster = "other"/' "$configuration" >"$work/etc/second.toml"
    for_uploader "$work/etc/second.toml"
    # It waits, because a killed drain of the check before may still have a thread that holds the lock.
    start_as uploader "$work/holder.log" flock -w 20 -F "$spool" sleep 60
    later "stop_process $started"
    wait_for 20 no flock -n "$spool" true || { cat "$work/holder.log" && return 1; }
    setpriv --reuid=$second --regid="$spool_gid" --clear-groups \
        walferry --config "$work/etc/second.toml" drain 2>"$work/said" || status=$?
    expect_equal 5 $status "exit"
    expect_in "process $started holds the lock" cat "$work/said"
    stop_process "$started"
}
check "a second uploader, another user with another configuration, is told who is at work" two_uploaders

two_clusters() {
    local first other=$data.other status=0
    mapfile -t names < <(make_segments 5000 1)
    first=$(python3 "$tests/lib/make_segments.py" "$other" 42 5000 1)
    expect_equal "${names[0]}" "$first" "the same name"
    push "$first"
    as postgres walferry-archive-push --spool "$spool" "$other/pg_wal/$first"
    drain >/dev/null
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    expect_equal 1 "$(find "$work/stores/one/main/42" -name "$first-*" | wc -l)" "objects of the second cluster"
    nothing_lost_of "$work/stores/one/main/$sysid" "$data/pg_wal/$first"
    nothing_lost_of "$work/stores/two/main/42" "$other/pg_wal/$first"
    # Recreated by initdb under the same system identifier there cannot be; other bytes are spooled, and are a conflict.
    python3 "$tests/lib/make_segments.py" "$other" 42 5000 1 1 9 >/dev/null
    as postgres walferry-archive-push --spool "$spool" "$other/pg_wal/$first"
    drain >/dev/null || status=$?
    expect_equal 3 $status "exit of the drain"
}
nothing_lost_of() { # FOLDER FILE
    age -d -i "$work/etc/identity.txt" "$(find "$1" -name "$(basename "$2")-*" | head -n 1)" | zstd -dcq | cmp - "$2"
}
check "two clusters with the same segments' names, also one recreated by initdb, share a spool" two_clusters
