#!/usr/bin/env bash
# The main job: a PostgreSQL under load archives several hundred MB, the uploader drains them to Ceph and to Swift,
# with a store that goes away, drains that are stopped, and a second drain; at the end every byte is compared.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
start_s3 ceph wal-ceph
start_s3 swift wal-swift
begin_configuration "$configuration" "$spool"
add_s3_store "$configuration" ceph wal-ceph
add_s3_store "$configuration" swift wal-swift 'silence_timeout = "60s"'
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
drain() { as uploader walferry drain "$@"; }
status_of() { as uploader walferry status --json | jq -r "$1"; }

pg_create "$work/pg"
pg_archive_to "$work/pg" "$spool"
pg_start "$work/pg"
marker=walferry-plaintext-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
load() { pg_bench "$work/pg" "$@" >"$work/pgbench.log" 2>&1 || { cat "$work/pgbench.log" && return 1; }; }
# About 13 MB of WAL a unit.
load -i -q -s $([ -n "${WALFERRY_TESTS_LONG:-}" ] && echo 150 || echo 20)
pg_sql "$work/pg" "create table marker as select '$marker' || i as text from generate_series(1, 2000) i"

# From here on the server is busy all the time.
start_as postgres "$work/load.log" "$postgres_bin/pgbench" -h "$work/pg" -U postgres -c 2 -T 600 --rate=300 postgres
load_pid=$started
later "stop_process $load_pid"

drained_under_load() {
    pg_archive_all "$work/pg"
    expect_at_least 5 "$(waiting "$spool")" "waiting segments"
    drain
    expect_equal 0 "$(status_of '[.stores[].pending] | add')" "pending uploads"
    expect_equal 0 "$(status_of '[.stores[].conflict] | add')" "conflicts"
}
check "segments of a busy server are verified in Ceph and in Swift" drained_under_load

one_store_down() {
    control_s3 swift crash
    pg_sql "$work/pg" "create table down as select g, md5(g::text) from generate_series(1, 300000) g"
    pg_archive_all "$work/pg"
    local before
    before=$(waiting "$spool")
    expect_at_least 2 "$before" "waiting segments"
    expect_exit 4 drain
    expect_at_least "$before" "$(waiting "$spool")" "segments that still wait"
    expect_equal 0 "$(status_of '.stores[] | select(.name == "ceph") | .pending')" "pending in ceph"
    expect_at_least "$before" "$(status_of '.stores[] | select(.name == "swift") | .pending')" "pending in swift"
    [ -n "$(status_of '.stores[] | select(.name == "swift") | .last_error // ""')" ]
}
check "a store that is down leaves its uploads pending and does not hold up the other" one_store_down

down_store_returns() {
    control_s3 swift up
    drain --wait 60
    expect_equal 0 "$(status_of '[.stores[].pending] | add')" "pending uploads"
}
check "once it is back the next drain catches up" down_store_returns

# A store that accepts and then says nothing keeps a drain waiting, far longer than the checks below take.
control_s3 swift pause
pg_sql "$work/pg" "create table paused as select g, md5(g::text) from generate_series(1, 100000) g"
pg_archive_all "$work/pg"
start_as uploader "$work/first.log" walferry drain
first=$started
later "stop_process $first KILL"

second_drain() {
    wait_for 20 no flock -n "$spool" true
    expect_exit 5 drain
    expect_in "$first" drain
}
check "a second drain does nothing and names the pid of the first" second_drain

stopped() {
    kill -TERM "$first"
    wait_for 30 gone "$first"
    flock -n "$spool" true
    expect_equal '' "$(find "$spool/tmp" -type f)" "left over"
}
check "SIGTERM ends a drain soon and frees the spool" stopped
status=0
wait "$first" || status=$?
check "a drain that was asked to stop says that it is incomplete" expect_equal 4 "$status"

killed() {
    pg_sql "$work/pg" "create table killed as select g, md5(g::text) from generate_series(1, 300000) g"
    pg_archive_all "$work/pg"
    start_as uploader "$work/killed.log" walferry drain --jobs 1
    wait_for 20 no flock -n "$spool" true
    sleep 1 # somewhere in its work; Swift's silence keeps it from being done
    kill -KILL "$started"
    control_s3 swift resume
    wait_for 10 flock -n "$spool" true
    drain
}
check "a drain that is killed leaves no lock, and the next one finishes its work" killed

stop_process "$load_pid"

last_of_it() {
    pg_archive_all "$work/pg"
    pg_stop "$work/pg"
    drain
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
}
check "at the end nothing waits in the spool" last_of_it

archived=$(find "$work/reference" -type f | wc -l)
check "several hundred MB of WAL took part" expect_at_least 300 "$(du -sm "$work/reference" | cut -f1)" MiB

for store in ceph swift; do
    mkdir "$work/objects-$store"
    chmod 700 "$work/objects-$store"
    fetch_objects $store wal-$store "$work/objects-$store" | sort >"$work/$store.keys"

    opened() {
        open_objects "$work/objects-$store" "$work/etc/identity.txt" "$work/reference" >"$work/opened"
        find "$work/objects-$store" -name '*.zst.age' -printf '%f\n' | cut -d- -f1 | sort -u >"$work/names"
        find "$work/reference" -type f -printf '%f\n' | sort | diff - "$work/names"
    }
    check "every segment is in $store and is opened by age and zstd to the bytes PostgreSQL archived" opened

    listed() {
        as uploader sqlite3 -readonly "$spool/ledger/ledger.db" \
            "select object_key from copies where store = '$store' and state = 'verified' order by 1" >"$work/recorded"
        expect_equal "$archived" "$(wc -l <"$work/recorded")" "verified rows"
        # A drain that was killed may have left an object that a later one did not have to use.
        comm -23 "$work/recorded" "$work/$store.keys" | diff - /dev/null
    }
    check "the ledger's record of $store and the bucket's listing agree" listed
done

no_plaintext() {
    grep -rqaF "$marker" "$work/reference"
    no grep -rqaF "$marker" "$work/objects-ceph" "$work/objects-swift" "$work/swift/srv"
    # Compressed but not encrypted would not show the marker either.
    find "$work"/objects-* -name '*.age' -exec sh -c 'head -n 1 "$1"' sh {} ';' | sort -u >"$work/heads"
    expect_equal age-encryption.org/v1 "$(cat "$work/heads")" "what objects begin with"
}
check "no plaintext is in any stored byte" no_plaintext

restored_by_name() {
    local name
    name=$(find "$work/reference" -type f -printf '%f\n' | sort | sed -n 3p)
    sed 's,^recipients,identity_file = "identity.txt"\n&,' "$configuration" >"$work/etc/restore.toml"
    for store in ceph swift; do
        walferry --config "$work/etc/restore.toml" cat "$name" --only $store | cmp - "$work/reference/$name"
    done
}
check "cat brings a segment back from either store" restored_by_name
