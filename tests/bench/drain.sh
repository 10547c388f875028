#!/usr/bin/env bash
# drain.sh BUILD [--quick] [--against OTHER_BUILD] [ROUNDS]: the spool to two S3 stores with read-back, beside zstd alone,
# pgBackRest's async push to one store, and barman-cloud-wal-archive. Every round runs all of them once, after one round of
# warming up. With --against a round has, beside zstd and pgBackRest, this build and the other one in turn.
. "$(dirname "$0")/../lib/bench.sh"
rounds=$(in_rounds 7 1)
spool=$work/spool
bucket=bench
make_cluster
start_stores $bucket pgbackrest barman

# configuration FILE LEVEL: both stores.
configuration() {
    begin_configuration "$1" "$spool"
    printf '\n[compression]\nlevel = %s\n' "$2" >>"$1"
    add_s3_store "$1" ceph $bucket
    add_s3_store "$1" swift $bucket
}
for level in 1 3 6; do configuration "$work/etc/level-$level.toml" $level; done
configuration "$work/etc/tls.toml" 3
to_tls "$work/etc/tls.toml"
begin_configuration "$work/etc/directories.toml" "$spool"
add_directory_store "$work/etc/directories.toml" one
add_directory_store "$work/etc/directories.toml" two
export WALFERRY_CONFIG=$work/etc/level-3.toml
mapfile -t s3_lines < <(pgbackrest_s3_lines ceph pgbackrest)
mapfile -t cipher_lines < <(pgbackrest_cipher_lines)
pgbackrest_configuration "$work/pgbackrest.conf" "${s3_lines[@]}" "${cipher_lines[@]}" \
    archive-async=y process-max=2 compress-type=zst compress-level=3

drain_once() { # SEGMENTS CONFIGURATION JOBS LABEL
    fresh_spool "$spool" "$1"
    run_measured "$4" walferry --config "$work/etc/$2.toml" drain --jobs "$3"
    if [ "$2" = directories ]; then
        rm -rf "$work"/stores/*/main
    else
        empty_bucket ceph $bucket
        empty_bucket swift $bucket
    fi
}
# The same by the other build, which may write another ledger: its spool is its own programs' from the beginning.
drain_both() { # SEGMENTS CONFIGURATION JOBS LABEL
    drain_once "$@"
    PATH=$against:$PATH drain_once "${@:1:3}" "$4, other build"
}
zstd_once() { # SEGMENTS
    mkdir "$work/zst"
    run_measured 'zstd -3 into files' zstd -3 -q --output-dir-flat "$work/zst" "$1"/*
    run_measured 'zstd -3 into nothing' sh -c 'exec zstd -3 -q -c "$@" >/dev/null' sh "$1"/*
    rm -r "$work/zst"
}
pgbackrest_once() { # SEGMENTS
    local segment status=$work/pg/data/pg_wal/archive_status
    pgbackrest_create "$work/pgbackrest.conf" >/dev/null
    find "$work/pg/data/pg_wal" -type f -delete
    for segment in "$1"/*; do
        install -o postgres -g postgres -m 600 "$segment" "$work/pg/data/pg_wal/"
        install -o postgres -g postgres -m 600 /dev/null "$status/$(basename "$segment").ready"
    done
    run_measured_as postgres 'pgBackRest async, one store, TLS' \
        pgbackrest --config="$work/pgbackrest.conf" --stanza=main archive-push:async "$work/pg/data/pg_wal"
    rm -rf "$work"/pgbackrest/archive
    empty_bucket ceph pgbackrest
}
barman_once() { # SEGMENTS COUNT
    barman_environment ceph
    # shellcheck disable=SC2016
    run_measured "barman-cloud, one store, gzip, only $2" sh -c 'folder=$1; shift
        ls "$folder" | head -n "$0" | while read -r segment; do
            "$@" s3://barman/bench main "$folder/$segment" || exit
        done' "$2" "$1" "${barman[@]}"
    empty_bucket ceph barman
}

one_round() { # SEGMENTS
    zstd_once "$1"
    if [ -n "$against" ]; then
        drain_both "$1" level-3 2 'walferry, 2 workers, zstd 3'
        drain_both "$1" tls 2 'walferry, 2 workers, zstd 3, TLS'
        pgbackrest_once "$1"
        drain_both "$1" directories 2 'walferry, two directories'
        return
    fi
    drain_once "$1" level-3 2 'walferry, 2 workers, zstd 3'
    pgbackrest_once "$1"
    drain_once "$1" tls 2 'walferry, 2 workers, zstd 3, TLS'
    drain_once "$1" level-3 1 'walferry, 1 worker, zstd 3'
    drain_once "$1" level-3 4 'walferry, 4 workers, zstd 3'
    drain_once "$1" level-1 2 'walferry, 2 workers, zstd 1'
    drain_once "$1" level-6 2 'walferry, 2 workers, zstd 6'
}

compare() { # TITLE COUNT KIND
    local round label
    make_segments "$work/segments/$3" "$2" 1 16 "$3"
    results=/dev/null
    [ -n "$quick" ] || one_round "$work/segments/$3"
    results=$work/$3
    for ((round = 0; round < rounds; round++)); do one_round "$work/segments/$3"; done
    [ -n "$against" ] || barman_once "$work/segments/$3" $((rounds + 1))
    heading "drain, $1, $rounds rounds; $(machine)"
    measure table "$results"
    measure ratio "$results" cores 'walferry, 2 workers, zstd 3' 'zstd -3 into files' 2 \
        "core-seconds, two stores and read-back / zstd -3 alone"
    measure ratio "$results" seconds 'walferry, 2 workers, zstd 3, TLS' 'pgBackRest async, one store, TLS' 1 \
        'seconds, two stores and read-back / pgBackRest to one'
    measure limit "$results" kib 'walferry, 2 workers, zstd 3' 160 'memory with 2 workers'
    if [ -n "$against" ]; then
        for label in 'walferry, 2 workers, zstd 3' 'walferry, 2 workers, zstd 3, TLS' 'walferry, two directories'; do
            measure ratio "$results" cores "$label" "$label, other build" 1 "core-seconds / other build's, ${label#walferry, }"
            measure ratio "$results" seconds "$label" "$label, other build" 1 "seconds / other build's, ${label#walferry, }"
        done
    else
        measure limit "$results" kib 'walferry, 1 worker, zstd 3' 112 'memory with 1 worker'
        measure limit "$results" kib 'walferry, 4 workers, zstd 3' 256 'memory with 4 workers'
    fi
    [ -z "$against" ] || return 0
    heading "drain, $1: core-milliseconds a segment, each stage alone"
    "$programs/stage-bench" "$work/etc/level-3.toml" "$work/segments/$3"/*
    empty_bucket ceph $bucket
    empty_bucket swift $bucket
}

large_segments() { # MIB
    local kind
    results=$work/large
    for kind in pgbench noise; do
        rm -rf "$work/segments"
        make_segments "$work/segments/$kind" 2 1 "$1" $kind
        drain_once "$work/segments/$kind" level-3 2 "walferry, 2 workers, $kind"
    done
    heading "drain, two segments of $1 MiB each; $(machine)"
    measure table "$results"
    for kind in pgbench noise; do
        measure limit "$results" kib "walferry, 2 workers, $kind" 256 "memory, $kind"
    done
}

# in_segments FULL QUICK AGAINST: enough of them, and several rounds of two builds in a bearable time.
in_segments() {
    if [ -n "$quick" ]; then echo "$2"; elif [ -n "$against" ]; then echo "$3"; else echo "$1"; fi
}
count=$(in_segments 32 4 16)
compare "$count incompressible segments" "$count" noise
count=$(in_segments 64 8 24)
compare "$count compressible segments" "$count" pgbench
[ -n "$against" ] || large_segments "$([ -n "$quick" ] && echo 256 || echo 1024)"
