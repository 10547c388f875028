#!/usr/bin/env bash
# restore.sh BUILD [--quick] [ROUNDS]: a base backup brought back from two S3 stores over TLS by walferry, from one by
# pgBackRest, and by tar from a local file of pg_basebackup's, which is the floor and checks nothing.
. "$(dirname "$0")/../lib/bench.sh"
rounds=$(in_rounds 5 1)
scale=$([ -n "$quick" ] && echo 5 || echo 40) # 15 MiB each
spool=$work/spool
bucket=bench
start_stores $bucket pgbackrest

begin_configuration "$work/etc/walferry.toml" "$spool"
sed -i "s,^recipients,identity_file = \"identity.txt\"\n&,; s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/pg user=postgres\"," \
    "$work/etc/walferry.toml"
add_s3_store "$work/etc/walferry.toml" ceph $bucket
add_s3_store "$work/etc/walferry.toml" swift $bucket
to_tls "$work/etc/walferry.toml"
export WALFERRY_CONFIG=$work/etc/walferry.toml
walferry init --owner postgres --group "$spool_gid" >/dev/null
chown -R postgres "$work/etc"

make_cluster
pg_archive_to "$work/pg" "$spool"
pg_start "$work/pg"
pg_bench "$work/pg" -i -q -s "$scale" >/dev/null 2>&1
as postgres walferry backup --checkpoint fast >/dev/null
install -d -o postgres -g postgres "$work/base" "$work/target"
as postgres "$postgres_bin/pg_basebackup" -h "$work/pg" -U postgres -D "$work/base" -F t -c fast -X none --no-sync
pg_stop "$work/pg"
mapfile -t s3_lines < <(pgbackrest_s3_lines ceph pgbackrest)
mapfile -t cipher_lines < <(pgbackrest_cipher_lines)
pgbackrest_configuration "$work/pgbackrest.conf" "${s3_lines[@]}" "${cipher_lines[@]}" process-max=2 compress-type=zst \
    compress-level=3
pgbackrest_create "$work/pgbackrest.conf" >/dev/null
as postgres pgbackrest --config="$work/pgbackrest.conf" --stanza=main --no-online --type=full \
    --repo1-retention-full=2 backup >/dev/null

fresh() {
    rm -rf "$work/target/data"
    sync
}
one_round() {
    local jobs
    for jobs in 2 1 4; do
        fresh
        run_measured "walferry, $jobs workers" walferry restore --to "$work/target/data" --immediate --jobs $jobs
    done
    fresh
    install -d -o postgres -g postgres -m 700 "$work/target/data"
    run_measured_as postgres 'pgBackRest, 2 processes, one store' pgbackrest --config="$work/pgbackrest.conf" --stanza=main \
        --pg1-path="$work/target/data" --type=none restore
    fresh
    install -d -o postgres -g postgres -m 700 "$work/target/data"
    run_measured_as postgres 'tar and sync, from a local file' sh -c "tar x -C '$work/target/data' -f '$work/base/base.tar' &&
        sync -f '$work/target/data'"
}

results=/dev/null
[ -n "$quick" ] || one_round
results=$work/results
for ((round = 0; round < rounds; round++)); do one_round; done
heading "restore of $(du -m "$work/base/base.tar" | cut -f1) MiB, $rounds rounds; $(machine)"
measure table "$results"
measure ratio "$results" seconds 'walferry, 2 workers' 'pgBackRest, 2 processes, one store' 1 \
    'seconds, walferry / pgBackRest'
measure limit "$results" kib 'walferry, 2 workers' 256 'memory with 2 workers'
