#!/usr/bin/env bash
# Random walks over push, drain and everything round them, each step compared with a model of what must hold. The
# same walks every time, and one that nobody has gone before; WALFERRY_TESTS_LONG: new ones for ten minutes.
. "$(dirname "$0")/../lib/integration.sh" "$1"

# In memory where there is room: what is killed here are programs, not the machine.
if [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 1000000 ] 2>/dev/null; then
    WALFERRY_TEST_DIR=/dev/shm
else
    WALFERRY_TEST_DIR=$work
fi
export WALFERRY_TEST_DIR WALFERRY_BIN_DIR=$work/bin
walk() { nice "$programs/model-check" "$@"; }

fresh=$(($(od -An -N4 -tu4 /dev/urandom) % 1000000000))
if [ -n "$WALFERRY_TESTS_LONG" ]; then
    walk --seed "$fresh" --steps 400 --seconds 600 >"$work/second" 2>&1 &
    second=$!
    check "random walks from seed $fresh on keep every promise" walk --seed $((fresh + 500000)) --steps 400 --seconds 600
else
    walk --seed 1 --walks 3 --steps 200 >"$work/second" 2>&1 &
    second=$!
    check "a random walk with the new seed $fresh keeps every promise" walk --seed "$fresh" --steps 200 --shrinking 60
    check "random walks with seeds of their own keep every promise" walk --seed 10 --walks 2 --steps 200
fi
later "stop_process $second"
walked=0
wait "$second" || walked=$?
beside() {
    cat "$work/second"
    return $walked
}
check "random walks that went on beside these keep every promise" beside
