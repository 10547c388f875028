#!/usr/bin/env bash
# A dozen failovers of three servers under Patroni, with pgbench at work: switchovers, hosts that die, servers that are
# killed, stores that are away. After each one no node may call anything wrong; in the end each store alone gives back
# every moment, row by row.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/patroni.sh"
if [ -z "$WALFERRY_TESTS_LONG" ]; then
    skip "a dozen failovers under load" "it is part of ./dev test --long"
    exit 0
fi
for program in patroni etcd; do
    if ! command -v $program >/dev/null; then
        skip "a dozen failovers under load" "$program is not installed"
        exit 0
    fi
done
rounds=${WALFERRY_TEST_FAILOVERS:-12}

begin_cluster
for node in "${nodes[@]}"; do start_drain "$node"; done
start_node n1
wait_for 120 is_new_primary n1
as postgres "$postgres_bin/pgbench" -h "$work/n1" -p "${pg_port[n1]}" -U postgres -i -q -s 2 postgres >"$work/pgbench.log" 2>&1
at n1 backup --checkpoint fast >/dev/null
for node in n2 n3; do start_node $node; done
for node in n2 n3; do wait_for 180 streams $node; done
watch_alarms 10

load=
begin_load() { # on the present primary; it dies with it
    find_primary
    start_as postgres "$work/load.log" "$postgres_bin/pgbench" -h "$work/$primary" -p "${pg_port[$primary]}" -U postgres -c 3 -T 3600 --rate=150 postgres
    load=$started
    later "stop_process $load"
}
end_load() { stop_process "$load"; }
moments=()
declare -A rows_at
# What is committed at a restore point, and nothing is under way: what a restore to it has to show.
mark() { # NAME
    find_primary
    moments+=("$1")
    rows_at[$1]=$(sql "$primary" "begin; lock table pgbench_history in share mode; do \$\$ begin perform pg_create_restore_point('$1'); end \$\$;
        select count(*), coalesce(sum(delta), 0), (select sum(abalance) from pgbench_accounts) from pgbench_history; commit")
}
table=$work/table
printf '%-5s %-22s %-8s %8s %9s %8s %7s\n' round what from/to timeline 'down (s)' 'old spool' alarms >"$table"

round() { # N: one failover, in this shell
    local from to what old alarms=none begun down=
    begin_load
    sleep 4
    mark "before-$1"
    find_primary
    from=$primary
    for node in "${nodes[@]}"; do [ "$node" = "$from" ] || wait_for 120 caught_up_or_more "$node" "$(sql "$from" 'select pg_current_wal_lsn()')"; done
    case $(($1 % 4)) in
    1) what="switchover" ;;
    2) what="host dies" ;;
    3) what="server killed" ;;
    0) what="switchover, no store" ;;
    esac
    begun=$SECONDS
    case $what in
    switchover*)
        [ "$what" = switchover ] || mv "$work/stores/two" "$work/stores/two.away"
        for node in "${nodes[@]}"; do [ "$node" = "$from" ] || to=$node; done
        api "$from" switchover -XPOST -d "{\"leader\":\"$from\",\"candidate\":\"$to\"}" >/dev/null
        ;;
    "host dies")
        stop_drain "$from"
        sleep 2
        crash "$from"
        ;;
    "server killed") kill -9 "$(head -n 1 "$work/$from/data/postmaster.pid")" ;;
    esac
    wait_for 180 other_primary "$from"
    to=$primary
    down=$((SECONDS - begun))
    end_load
    old=$(waiting "$work/spool-$from")
    begin_load
    sleep 3
    mark "after-$1"
    end_load
    case $what in
    "host dies")
        start_drain "$from"
        restart_node "$from"
        ;;
    *no\ store) mv "$work/stores/two.away" "$work/stores/two" ;;
    esac
    wait_for 240 streams "$from"
    everything_archived
    for node in "${nodes[@]}"; do wait_for 240 spool_is_empty "$node"; done
    quiet "${nodes[@]}" >"$work/alarmed" || alarms=$(tr '\n' ' ' <"$work/alarmed")
    printf '%-5s %-22s %-8s %8s %9s %8s  %s\n' "$1" "$what" "$from/$to" "$(sql "$to" 'select timeline_id from pg_control_checkpoint()')" "$down" "$old" "$alarms" >>"$table"
    [ "$1" != $((rounds / 2)) ] || at "$to" backup --checkpoint fast >/dev/null
    [ "$alarms" = none ]
}
caught_up_or_more() { [ "$(sql "$1" "select pg_last_wal_replay_lsn() >= '$2'")" = t ]; } # NODE LSN

alarmed=0
for ((n = 1; n <= rounds; n++)); do round $n || alarmed=$((alarmed + 1)); done
cat "$table"
check "no node called anything wrong after any of $rounds failovers under load" expect_equal 0 "$alarmed" "rounds with an alarm"

check "nor in the minutes between them" none_meanwhile "$rounds"

# What the cluster archives meanwhile would not be readable for the server that is restored.
for node in "${nodes[@]}"; do stop_drain "$node"; done
exact() { # STORE
    local name
    chmod -R a+rX "$work/stores"
    for name in "${moments[@]}"; do
        expect_equal "${rows_at[$name]}" "$(rows_of="select count(*), coalesce(sum(delta), 0), (select sum(abalance) from pgbench_accounts) from pgbench_history" \
            restored "back-$1-$name" "$1" --target-name "$name")" "rows at $name from $1"
        printf 'restored to %s from %s alone: %s\n' "$name" "$1" "${rows_at[$name]}" >>"$work/restores"
    done
}
for store in one two; do check "store $store alone gives back each of ${#moments[@]} moments, row by row" exact $store; done
[ ! -e "$work/restores" ] || echo "$(wc -l <"$work/restores") restores were exact"

undisturbed() {
    if grep -h 'archive command failed\|exit code 255' "$work"/n?/patroni.log*; then return 1; fi
}
check "no push failed, and walferry stopped no server and kept none from a promotion" undisturbed
