#!/usr/bin/env bash
# backup.sh BUILD [--quick] [ROUNDS]: a base backup to two S3 stores with read-back, beside pg_basebackup into tars on the
# local disk and pgBackRest's backup to one S3 store. Every round runs all of them once, after one round of warming up.
. "$(dirname "$0")/../lib/bench.sh"
rounds=$(in_rounds 5 1)
spool=$work/spool
bucket=bench
start_stores $bucket pgbackrest
make_cluster
chmod 711 "$work/pg"

configuration() { # FILE STORE...
    begin_configuration "$1" "$spool"
    printf '\n[server]\nconninfo = "host=%s user=postgres"\n' "$work/pg" >>"$1"
    local store
    for store in "${@:2}"; do add_s3_store "$1" "$store" $bucket; done
    to_tls "$1"
}
configuration "$work/etc/two.toml" ceph swift
configuration "$work/etc/one.toml" ceph
sed -i "s,^spool = .*,spool = \"$work/spool.one\"," "$work/etc/one.toml"
export WALFERRY_CONFIG=$work/etc/two.toml
for each in one two; do walferry --config "$work/etc/$each.toml" init --owner postgres --group "$spool_gid" >/dev/null 2>&1; done

mapfile -t s3_lines < <(pgbackrest_s3_lines ceph pgbackrest)
mapfile -t cipher_lines < <(pgbackrest_cipher_lines)
pgbackrest_configuration "$work/pgbackrest.conf" "${s3_lines[@]}" "${cipher_lines[@]}" process-max=2 compress-type=zst \
    compress-level=3 start-fast=y archive-check=n repo1-retention-full=2
echo "pg1-socket-path=$work/pg" >>"$work/pgbackrest.conf"
# What each tool archives for its own backup costs the other one nothing: WAL goes nowhere here.
pg_settings "$work/pg" 'archive_mode = on' "archive_command = 'true'"
pg_start "$work/pg"

empty_all() {
    empty_bucket ceph $bucket
    empty_bucket swift $bucket
    rm -rf "$work/tars"
}
# One store only, or two. The WAL is no part of it: exit 4 says that it is not there.
walferry_once() { # FILE LABEL
    # shellcheck disable=SC2016
    run_measured "$2" sh -c '"$@"; [ $? = 4 ]' sh walferry --config "$work/etc/$1.toml" backup --checkpoint fast --jobs 2 --no-drain
    empty_all
}
one_round() {
    install -d -o postgres -g postgres "$work/tars"
    run_measured_as postgres 'pg_basebackup, tars on disk, plain' \
        "$postgres_bin/pg_basebackup" -h "$work/pg" -U postgres -Ft -X none -c fast -D "$work/tars/plain"
    run_measured_as postgres 'pg_basebackup, tars on disk, zstd 3' \
        "$postgres_bin/pg_basebackup" -h "$work/pg" -U postgres -Ft -X none -c fast -Z client-zstd:3 -D "$work/tars/zstd"
    rm -rf "$work/tars"
    walferry_once two 'walferry, two stores, TLS, read back'
    pgbackrest_create "$work/pgbackrest.conf" >/dev/null
    run_measured_as postgres 'pgBackRest, one store, TLS' pgbackrest --config="$work/pgbackrest.conf" --stanza=main --type=full backup
    empty_bucket ceph pgbackrest
    walferry_once one 'walferry, one store, TLS, read back'
}

compare() { # TITLE
    local round size
    size=$(du -sm --exclude=pg_wal "$work/pg/data" | cut -f1)
    pg_sql "$work/pg" checkpoint
    results=/dev/null
    [ -n "$quick" ] || one_round
    results=$work/results-$1
    for ((round = 0; round < rounds; round++)); do one_round; done
    heading "backup, $1, $size MB; $(machine)"
    measure table "$results"
    measure ratio "$results" seconds 'walferry, two stores, TLS, read back' 'pgBackRest, one store, TLS' 1 \
        'seconds against pgBackRest to one store, two stores'
    measure ratio "$results" seconds 'walferry, one store, TLS, read back' 'pgBackRest, one store, TLS' 1 \
        'seconds against pgBackRest to one store, one store'
    measure limit "$results" kib 'walferry, two stores, TLS, read back' 320 'memory with 2 workers'
}

pg_bench "$work/pg" -i -q -s "$([ -n "$quick" ] && echo 20 || echo 60)" >/dev/null 2>&1
compare compressible
pg_sql "$work/pg" 'drop table pgbench_accounts'
pg_sql "$work/pg" "create table noise as select string_agg(uuid_send(gen_random_uuid()), '') as bytes
    from generate_series(1, $([ -n "$quick" ] && echo 6000000 || echo 30000000)) g group by g / 100"
pg_sql "$work/pg" "alter table noise alter bytes set storage external"
compare incompressible
