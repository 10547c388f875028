#!/usr/bin/env bash
# drain.sh BUILD [--quick] [ROUNDS]: the spool to two S3 stores with read-back, beside zstd alone, pgBackRest's async
# push to one store, and barman-cloud-wal-archive. Every round runs all of them once, after one round of warming up.
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
export WALFERRY_CONFIG=$work/etc/level-3.toml
mapfile -t s3_lines < <(pgbackrest_s3_lines ceph pgbackrest)
mapfile -t cipher_lines < <(pgbackrest_cipher_lines)
pgbackrest_configuration "$work/pgbackrest.conf" "${s3_lines[@]}" "${cipher_lines[@]}" \
    archive-async=y process-max=2 compress-type=zst compress-level=3

drain_once() { # SEGMENTS CONFIGURATION JOBS LABEL
    fresh_spool "$spool" "$1"
    run_measured "$4" walferry --config "$work/etc/$2.toml" drain --jobs "$3"
    empty_bucket ceph $bucket
    empty_bucket swift $bucket
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
    drain_once "$1" level-3 2 'walferry, 2 workers, zstd 3'
    pgbackrest_once "$1"
    drain_once "$1" tls 2 'walferry, 2 workers, zstd 3, TLS'
    drain_once "$1" level-3 1 'walferry, 1 worker, zstd 3'
    drain_once "$1" level-3 4 'walferry, 4 workers, zstd 3'
    drain_once "$1" level-1 2 'walferry, 2 workers, zstd 1'
    drain_once "$1" level-6 2 'walferry, 2 workers, zstd 6'
}

compare() { # TITLE COUNT KIND
    local round
    make_segments "$work/segments/$3" "$2" 1 16 "$3"
    results=/dev/null
    [ -n "$quick" ] || one_round "$work/segments/$3"
    results=$work/$3
    for ((round = 0; round < rounds; round++)); do one_round "$work/segments/$3"; done
    barman_once "$work/segments/$3" $((rounds + 1))
    heading "drain, $1, $rounds rounds; $(machine)"
    measure table "$results"
    measure ratio "$results" cores 'walferry, 2 workers, zstd 3' 'zstd -3 into files' 2 \
        "core-seconds, two stores and read-back / zstd -3 alone"
    measure ratio "$results" seconds 'walferry, 2 workers, zstd 3, TLS' 'pgBackRest async, one store, TLS' 1 \
        'seconds, two stores and read-back / pgBackRest to one'
    measure limit "$results" kib 'walferry, 1 worker, zstd 3' 112 'memory with 1 worker'
    measure limit "$results" kib 'walferry, 2 workers, zstd 3' 160 'memory with 2 workers'
    measure limit "$results" kib 'walferry, 4 workers, zstd 3' 256 'memory with 4 workers'
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

compare "$([ -n "$quick" ] && echo 8 || echo 64) compressible segments" "$([ -n "$quick" ] && echo 8 || echo 64)" pgbench
compare "$([ -n "$quick" ] && echo 4 || echo 32) incompressible segments" "$([ -n "$quick" ] && echo 4 || echo 32)" noise
large_segments "$([ -n "$quick" ] && echo 256 || echo 1024)"
