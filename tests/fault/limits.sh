#!/usr/bin/env bash
# Limits on files, memory, file sizes, stack and processes, clocks that jump, and a spool with very many files.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/trouble.sh"

begin_trouble "$work/spool"
mapfile -t names < <(make_segments 1 40)

# limited_memory KIB COMMAND...
limited_memory() {
    as uploader bash -c '[ -n "${WALFERRY_SANITIZED:-}" ] || ulimit -v "$1"; exec "${@:2}"' sh "$@"
}

limited_push() { # ULIMIT'S ARGUMENTS
    local status=0
    as postgres timeout -k 5 60 bash -c 'ulimit '"$1"' && exec walferry-archive-push --spool "$1" "$2"' sh \
        "$spool" "$data/pg_wal/${names[0]}" 2>"$work/said" || status=$?
    # 126 and 127 are the shell's: under that limit the program does not even start.
    case $status in
    0) nothing_lost "${names[0]}" ;;
    1) expect_equal 1 "$(wc -l <"$work/said")" "lines of the message" ;;
    126 | 127) ;;
    *) cat "$work/said" && echo "push ended with $status under ulimit $1" && return 1 ;;
    esac
}
limited_pushes() {
    local limit
    for limit in '-n 3' '-n 4' '-n 6' '-n 8' '-n 10' '-f 1' '-f 512' '-v 5000' '-v 8000' '-s 64'; do
        limited_push "$limit"
    done
    push "${names[0]}"
    push_all "${names[@]:1:4}"
}
check_unless_sanitized() {
    if [ -n "${WALFERRY_SANITIZED:-}" ]; then
        skip "$1" "sanitizers need addresses, descriptors and stack of their own"
        push_all "${names[@]:0:30}"
    else
        check "$@"
    fi
}
check_unless_sanitized "push under a tight limit fails with one line or archives, and is never ended by a signal" \
    limited_pushes

limited_drain() { # ULIMIT'S ARGUMENTS
    local status=0
    as uploader timeout -k 5 60 bash -c 'ulimit '"$1"' && exec walferry drain --jobs 4' >"$work/said" 2>&1 || status=$?
    [ $status -le 5 ] || [ $status = 127 ] || [ $status = 126 ] ||
        { cat "$work/said" && echo "the drain ended with $status under ulimit $1" && return 1; }
    [ -s "$work/said" ]
    nothing_lost "${names[@]:0:30}"
}
limited_drains() {
    local limit
    push_all "${names[@]:5:25}"
    for limit in '-n 5' '-n 8' '-n 12' '-f 1' '-f 64' '-v 30000' '-v 80000' '-v 165000' '-v 180000' '-v 200000' '-v 280000' '-u 1' '-u 3' '-u 5' '-u 8'; do
        limited_drain "$limit"
    done
    converges "${names[@]:0:30}"
}
check_unless_sanitized "a drain under a tight limit says so and ends, and loses nothing" limited_drains

jumping() {
    local when
    cp "$programs/walferry-archive-push-dynamic" "$work/bin/"
    export FAKETIME_DONT_FAKE_MONOTONIC=1
    mv "$work/stores/two" "$work/stores/away"
    for when in +1y -1y +1y; do
        as postgres faketime -f $when walferry-archive-push-dynamic --spool "$spool" "$data/pg_wal/${names[30]}"
        expect_exit 4 as uploader timeout -k 5 60 faketime -f $when walferry drain >/dev/null 2>&1
        nothing_lost_by_clock
    done
    mv "$work/stores/away" "$work/stores/two"
    as uploader timeout -k 5 60 faketime -f -2y walferry drain >/dev/null
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    nothing_lost "${names[30]}"
}
nothing_lost_by_clock() { cmp "$ready/${names[30]}" "$data/pg_wal/${names[30]}"; }
if command -v faketime >/dev/null; then
    check "a clock that jumps a year ahead or back holds no segment up" jumping
else
    skip "a clock that jumps a year ahead or back" "faketime is not installed"
fi

# Every wait is measured by a clock that is never set. (faketime without FAKETIME_DONT_FAKE_MONOTONIC moves that one as
# well, but not the waits by it: then a wait of 250 ms lasts as long as the two differ.)
jumping_in_a_wait() {
    local when drain
    begin_configuration "$work/clock/walferry.toml" "$work/clock/spool"
    chmod 755 "$work/clock"
    printf '[default]\naws_access_key_id = a\naws_secret_access_key = b\n' >"$work/clock/dead.credentials"
    for_uploader "$work/clock/dead.credentials"
    printf '\n[[store]]\nname = "dead"\ntype = "s3"\nendpoint = "http://127.0.0.1:9"\nregion = "r"\nbucket = "bucket"\nallow_http = true\n%s\n' \
        'credentials_file = "dead.credentials"' >>"$work/clock/walferry.toml"
    walferry --config "$work/clock/walferry.toml" init --owner postgres --group "$spool_gid" >/dev/null
    as postgres walferry-archive-push --spool "$work/clock/spool" "$data/pg_wal/${names[30]}"
    for when in +2y -2y; do
        echo +0 >"$work/clock/time"
        chmod 644 "$work/clock/time"
        start_as uploader "$work/clock/said" env FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 \
            FAKETIME_TIMESTAMP_FILE="$work/clock/time" LD_PRELOAD="$faketime_library" \
            walferry --config "$work/clock/walferry.toml" drain --wait 15
        drain=$started
        sleep 3
        echo $when >"$work/clock/time"
        wait_for 60 gone "$drain"
        wait "$drain" || true
        grep -q "dead" "$work/clock/said"
    done
}
faketime_library=$(find /usr/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
if [ -n "$faketime_library" ] && [ -z "${WALFERRY_SANITIZED:-}" ]; then
    check "a clock that jumps while a drain waits for a dead store does not make the wait longer" jumping_in_a_wait
else
    skip "a clock that jumps while a drain waits" "faketime is not installed, or the programs have sanitizers"
fi

crowd=100000
crowded() {
    local began
    as postgres /usr/bin/python3 - "$ready" $crowd <<'PY'
import os, sys
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
    with open("0000000100000001%08X.00000028.backup" % i, "w") as label:
        label.write("START WAL LOCATION: 1/%X\n" % i)
PY
    began=$SECONDS
    push "${names[31]}"
    expect_at_least $((SECONDS - began)) 20 "seconds of a push"
    limited_memory 400000 walferry status --json >"$work/status"
    expect_equal $((crowd + 1)) "$(jq .spool.segments "$work/status")" "segments"
    limited_memory 600000 timeout -k 5 120 walferry drain --limit 10
    expect_equal $((crowd - 9)) "$(waiting "$spool")" "waiting segments"
}
check "with $crowd files in the spool push stays quick, and status and a drain of ten take little memory" crowded

crowd_drained() {
    as uploader walferry drain >/dev/null
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    expect_equal $crowd "$(find "$work/stores/one" -name '*.backup-*' | wc -l)" "objects"
    nothing_lost "${names[31]}"
}
if [ -n "$WALFERRY_TESTS_LONG" ]; then
    check "all $crowd are drained" crowd_drained
fi
