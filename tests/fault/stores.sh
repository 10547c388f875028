#!/usr/bin/env bash
# Stores that misbehave, one line a fault in stores.table, beside a good one: what a run says and how it exits, how
# long it takes, that the good store is none the worse, and that everything converges once the fault is over.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/fault/lib/faulty_stores.sh"

start_fault_server
make_template 6

documented() { bash "$tests/fault/lib/matrix.sh" | diff - <(sed -n '/^| a store that/,$p' "$tests/../docs/store-faults.md"); }
check "docs/store-faults.md holds the table of faults that is tried" documented

faults=$tests/fault/stores.table
read_faults() { grep -v '^#' "$faults"; }

# try_fault DO KIND PLAN SAYS HINT
try_fault() {
    make_case "$case" "$3"
    break_store "$3"
    timed_drain fault
    expect_equal "$(exit_of_kind "$2" 1)" "$status" "exit"
    good_store_is_done
    expect_at_most "$longest_run_ms" "$ran_ms" "milliseconds of the run"
    expect_said "$4" "$5"
    first_ms=$ran_ms first_requests=$(requests_to "$store" | wc -l)
    # What was tried before is looked for first, so a second run asks other things.
    if [ "$2" != passing ]; then
        timed_drain again
        expect_equal "$(exit_of_kind "$2" 2)" "$status" "exit of a second run"
        expect_at_most "$longest_run_ms" "$ran_ms" "milliseconds of a second run"
    fi
    mend_store
    converges "$2"
    no_secret_in "$case"
    printf '%s|%s|%s|%s|%s|%s|%s\n' "$1" "$2" "$first_ms" "$good_ms" "$first_requests" "$runs" "$(said)" >"$case/measured"
}

number=0
while IFS='|' read -r does kind plan says hint; do
    number=$((number + 1))
    case=$work/case/$number
    mkdir -p "$case"
    in_background "$case/report" check "a store that $(trim "$does")" \
        try_fault "$(trim "$does")" "$(trim "$kind")" "$(trim "$plan")" "$(trim "$says")" "$(trim "$hint")"
done < <(read_faults)


# With the time-outs that nobody has changed; the good store is done long before.
cost_by_default() { # PLAN
    timeouts=''
    make_case "$case" "$1"
    break_store "$1"
    timed_drain fault
    expect_equal 4 "$status" exit
    good_store_is_done
    expect_at_most $((longest_run_ms + 5000)) "$ran_ms" "milliseconds of the run"
    timed_drain again
    expect_equal 4 "$status" "exit of a second run"
    expect_at_most $((longest_run_ms + 5000)) "$ran_ms" "milliseconds of a second run"
}
if [ -n "${WALFERRY_TESTS_LONG:-}" ]; then
    while IFS='|' read -r does kind plan _; do
        [ "$(trim "$kind")" = outage ] || continue
        number=$((number + 1))
        case=$work/case/$number
        mkdir -p "$case"
        in_background "$case/report" check "with the default time-outs a store that $(trim "$does") costs a run 90 s at most" \
            cost_by_default "$(trim "$plan")"
    done < <(read_faults)
else
    skip "the default time-outs bound what a store costs a run" "it takes minutes; --long does it"
fi

. "$tests/fault/lib/two_faulty_stores.sh"
. "$tests/fault/lib/real_servers.sh"

await_background
cat "$work"/case/*/measured >"${WALFERRY_STORE_FAULTS:-/dev/null}" 2>/dev/null || true
measure_isolation
