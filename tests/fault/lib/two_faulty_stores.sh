# Two stores of s3_server.py: one is down, then the other, then both, and both come and go. Sourced by stores.sh.

# make_pair CASE: stores "good" and "bad"; neither is better than the other here.
make_pair() {
    store=$(basename "$1")
    begin_case "$1"
    add_faulty_store "$1" good "http://127.0.0.1:$(set_plan "$store-good" '')"
    add_faulty_store "$1" bad "http://127.0.0.1:$(set_plan "$store" '')"
}

pair_is_whole() {
    everything_is_verified
    whole_objects "$work/s3/$store-good/wal" none
    whole_objects "$work/s3/$store/wal" none
}

one_then_the_other() {
    make_pair "$case"
    set_plan "$store" 'any hang' >/dev/null
    timed_drain one
    expect_equal 4 "$status" "exit with the one down"
    expect_equal "$segments" "$(verified_in good)" "verified in the other"
    set_plan "$store" '' >/dev/null
    set_plan "$store-good" down >/dev/null
    timed_drain other
    # The one that was down before has what it lacked, so everything is where it belongs.
    expect_equal 0 "$status" "exit with the other down"
    pair_is_whole
}

both_down() {
    make_pair "$case"
    set_plan "$store" down >/dev/null
    set_plan "$store-good" 'any status 503 SlowDown' >/dev/null
    timed_drain both
    expect_equal 4 "$status" "exit with both down"
    expect_equal "$segments" "$(waiting "$case/spool")" "segments that wait"
    expect_in 'store bad: put' cat "$case/both"
    expect_in 'store good: put' cat "$case/both"
    set_plan "$store" '' >/dev/null
    set_plan "$store-good" '' >/dev/null
    timed_drain after
    expect_equal 0 "$status" "exit once both are back"
    pair_is_whole
}

# flap SECONDS: the two stores go away and come back by turns, and in the end stay.
flap() {
    local until=$((SECONDS + $1)) plan
    for plan in down 'any hang' 'any keep-and-hang-up' 'any reset' down 'put hang-in-request' 'get truncate'; do
        [ $SECONDS -lt $until ] || break
        set_plan "$store" "$plan" >/dev/null
        set_plan "$store-good" '' >/dev/null
        sleep 0.7
        set_plan "$store-good" "$plan" >/dev/null
        set_plan "$store" '' >/dev/null
        sleep 0.7
    done
    set_plan "$store-good" '' >/dev/null
    set_plan "$store" '' >/dev/null
}

flapping_under_runs() {
    local flapper
    make_pair "$case"
    flap 10 &
    flapper=$!
    while kill -0 $flapper 2>/dev/null; do
        timed_drain flapping
        case $status in 0 | 4) ;; *) expect_equal '0 or 4' "$status" exit ;; esac
        sleep 0.2
    done
    timed_drain after
    expect_equal 0 "$status" "exit once both stay"
    pair_is_whole
}

flapping_under_wait() {
    local flapper
    make_pair "$case"
    flap 10 &
    flapper=$!
    timed_drain flapping --wait 120
    wait $flapper
    # The run ends when nothing is pending, whatever it met on the way.
    case $status in 0 | 4) ;; *) expect_equal '0 or 4' "$status" exit ;; esac
    pair_is_whole
}

in_case() { # NAME SENTENCE COMMAND
    case=$work/case/$1
    mkdir -p "$case"
    in_background "$case/report" check "$2" "$3"
}

in_case wait "two stores that come and go are both complete at the end of one drain --wait" flapping_under_wait
in_case flapping "two stores that come and go under one drain after the other are both complete in the end" flapping_under_runs
in_case turns "two stores that fail one after the other: each run brings on the one that works" one_then_the_other
in_case both "with both stores down everything waits in the spool, and the next run brings it to both" both_down

# isolation PLAN: milliseconds until 32 segments are verified in the good store, beside one that follows PLAN.
isolation() {
    make_case "$case" "$1"
    break_store "$1"
    as uploader timeout 120 walferry --config "$case/walferry.toml" drain --jobs 2 >"$case/said" 2>&1 &
    local drain=$!
    wait_for 60 good_has_all
    kill $drain 2>/dev/null || true
    wait $drain || true
    good_store_is_done
    echo "$good_ms"
}
segments_of_good() { verified_in good 2>/dev/null || echo 0; }
good_has_all() { [ "$(segments_of_good)" = "$segments" ]; }

compare_isolation() {
    local name plan alone='' ms
    while IFS='|' read -r name plan; do
        case=$work/case/isolation-$name
        isolation "$plan"
        ms=$good_ms
        : "${alone:=$ms}"
        printf '%-10s %6d ms\n' "$name" "$ms" >>"$work/isolation"
        # Another machine's noise is no lack of isolation, waiting for a time-out is.
        expect_at_most $((alone * 4 + 5000)) "$ms" "milliseconds beside a store that is $name"
    done <<'PLANS'
well|
refusing|down
hanging|any hang
slow|any drip 100000
PLANS
}

# Alone on the machine, so after all the others.
measure_isolation() {
    timeouts='' # or the slow one would be given up on
    rm -rf "$work/wal" "$work/template"
    make_template 32
    check "32 segments reach the good store as fast beside one that refuses, hangs or is slow" compare_isolation
    sed 's/^/     32 segments in the good store, the other one /' "$work/isolation"
}
