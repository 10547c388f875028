#!/usr/bin/env bash
# Several hosts, one archive: three servers under Patroni and etcd, each with a spool, a ledger and a writer key of its own,
# through a switchover, a crash whose last segments stay in the old primary's spool, pg_rewind, and a failover while a
# store is away. Patroni is Debian's. With --long: a dozen failovers under load.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/patroni.sh"

for program in patroni etcd; do
    if ! command -v $program >/dev/null; then
        skip "a cluster under Patroni" "$program is not installed"
        exit 0
    fi
done

begin_cluster
rows=0
write_rows() { # N: on the present primary, with every row in an archived segment when it returns
    find_primary
    sql "$primary" "insert into t select g from generate_series($((rows + 1)), $((rows + $1))) g"
    rows=$((rows + $1))
}
declare -A moment
mark() { # NAME: a moment to go back to
    find_primary
    sql "$primary" "select pg_create_restore_point('$1')" >/dev/null
    moment[$1]=$(sql "$primary" 'select count(*), sum(n) from t')
}
for node in "${nodes[@]}"; do start_drain "$node"; done

begins() {
    start_node n1
    wait_for 90 is_new_primary n1 || { tail -n 90 "$work/n1/patroni.log" && return 1; }
    sql n1 'create table t (n bigint)'
    at n1 backup --checkpoint fast
    write_rows 1000
}
begins

for node in n2 n3; do start_node $node; done
made_of_the_archive() {
    for node in n2 n3; do
        wait_for 120 streams $node || { tail -n 40 "$work/$node/patroni.log" && return 1; }
        grep -q 'replica has been created using walferry' "$work/$node/patroni.log"
        no test -e "$work/$node/data/recovery.signal" -o -e "$work/$node/data/pg_wal/walferry-recovery.conf"
    done
}
check "Patroni makes its replicas of the archive, with restore --standby" made_of_the_archive
check "and no node sees anything wrong" quiet n1 n2 n3
watch_alarms 5

mark first
write_rows 500
everything_archived
switch_over n2
write_rows 500
everything_archived
check "a switchover leaves nothing that any node calls wrong" quiet n1 n2 n3

backup_on_a_standby() {
    start_as uploader "$work/standby-backup.log" walferry --config "$work/etc-n3/walferry.toml" backup --checkpoint fast --json
    local pid=$started
    end_segments() { gone "$pid" || { sql n2 'insert into t values (0); delete from t where n = 0; select pg_switch_wal()' && return 1; }; }
    wait_for 120 end_segments
    wait "$pid" || { cat "$work/standby-backup.log" && return 1; }
    expect_equal "true true" "$(jq -r '[.stores[].restorable] | join(" ")' <(sed -n '/^{/,$p' "$work/standby-backup.log"))" restorable
    expect_equal 2 "$(at n3 status --json | jq '.last_restorable_backups | length')" "restorable backups by the standby's status"
    at n1 check --no-server --json >"$work/found.json" || true # sees the stores
    at n1 check --no-server --json >"$work/found.json" || true
    jq -e '.findings[] | select(.id == "backups" and .verdict == "passed") | select(.found | contains("made by another host"))' "$work/found.json" >/dev/null ||
        { jq '.findings[] | select(.id == "backups")' "$work/found.json" && return 1; }
}
check "a backup from a standby waits for the primary, asking the stores, and counts on every node" backup_on_a_standby

# --- The primary's host dies with segments in its spool.
stop_drain n2
mark second
write_rows 500
find_primary
sql n2 'select pg_switch_wal()' >/dev/null
write_rows 300
for node in n1 n3; do wait_for 60 caught_up $node; done
crash n2
wait_for 120 other_primary n2
rows_after=$(sql "$primary" 'select count(*) from t')
write_rows 500
everything_archived
survives() {
    expect_equal "$rows" "$rows_after" "rows of the new primary" || true
    [ "$(waiting "$work/spool-n2")" -ge 1 ]
}
rows=$(sql "$primary" 'select count(*) from t')
check "after a crash another node is promoted and archives, while segments wait in the old primary's spool" survives
start_drain n2
restart_node n2
wait_for 120 streams n2
wait_for 60 spool_is_empty n2
mark third
check "the old primary joins again, its spool is drained, and no node calls anything wrong" quiet n1 n2 n3

# --- A store that is away through a failover.
mv "$work/stores/two" "$work/stores/two.away"
write_rows 300
find_primary
from=$primary
for node in n1 n2 n3; do [ $node = "$from" ] || to=$node; done
switch_over "$to"
write_rows 300
find_primary
sql "$primary" 'select pg_switch_wal()' >/dev/null
mv "$work/stores/two.away" "$work/stores/two"
everything_archived
for node in n1 n2 n3; do wait_for 120 spool_is_empty $node; done
mark fourth
everything_archived
check "a store that was away through a failover gets what it lacks, and no node calls anything wrong" quiet n1 n2 n3

check "nor does any in the minutes between, while a primary moves or is dead" none_meanwhile 3

# What the cluster archives meanwhile would not be readable for the server that is restored.
for node in "${nodes[@]}"; do stop_drain "$node"; done
exact() {
    chmod -R a+rX "$work/stores"
    local store target
    for store in one two; do
        for target in first second third fourth; do
            expect_equal "${moment[$target]}" "$(restored "back-$store-$target" $store --target-name $target)" "rows at $target from $store"
        done
    done
}
check "each store alone gives back the rows of every moment: before, between and after the failovers" exact

undisturbed() {
    local node
    for node in n1 n2 n3; do
        if grep -h 'archive command failed\|exit code 255' "$work/$node"/data/log/* "$work/$node"/patroni.log* 2>/dev/null; then
            echo "on $node"
            return 1
        fi
    done
}
check "no push failed, and no server was stopped or kept from a promotion" undisturbed
