#!/usr/bin/env bash
# recovery.sh BUILD [--quick] [ROUNDS]: a server recovers a row of segments that say little, which is the worst for
# whoever brings them: from two S3 stores over TLS by walferry-archive-get, from one by pgBackRest, and by cp from a
# local directory, which is the floor. Time is the server's own, from the first segment to the last one.
. "$(dirname "$0")/../lib/bench.sh"
rounds=$(in_rounds 3 1)
count=$([ -n "$quick" ] && echo 40 || echo 500)
spool=$work/spool
bucket=bench
start_stores $bucket pgbackrest

begin_configuration "$work/etc/walferry.toml" "$spool"
sed -i 's,^recipients,identity_file = "identity.txt"\n&,' "$work/etc/walferry.toml"
add_s3_store "$work/etc/walferry.toml" ceph $bucket
add_s3_store "$work/etc/walferry.toml" swift $bucket
to_tls "$work/etc/walferry.toml"
export WALFERRY_CONFIG=$work/etc/walferry.toml
walferry init --owner postgres --group "$spool_gid" >/dev/null

pg_create "$work/pg"
pg_archive_to "$work/pg" "$spool"
pg_start "$work/pg"
pg_folder "$work/base"
as postgres "$postgres_bin/pg_basebackup" -h "$work/pg" -U postgres -D "$work/base/data" -c fast -X none --no-sync
{
    echo 'create table t (n int, filler text);'
    for ((i = 0; i < count; i++)); do
        echo "insert into t select generate_series(1, 500), repeat('x', 100); select pg_switch_wal();"
    done
} >"$work/load.sql"
as postgres "$postgres_bin/psql" -h "$work/pg" -U postgres -d postgres -XAtq -f "$work/load.sql" >/dev/null
pg_archive_all "$work/pg" 300
rows=$(pg_sql "$work/pg" 'select count(*) from t')
pg_stop "$work/pg"
walferry drain >/dev/null
chown -R postgres "$work/etc"

mapfile -t s3_lines < <(pgbackrest_s3_lines ceph pgbackrest)
mapfile -t cipher_lines < <(pgbackrest_cipher_lines)
pgbackrest_configuration "$work/pgbackrest-sync.conf" "${s3_lines[@]}" "${cipher_lines[@]}" compress-type=zst compress-level=3
pgbackrest_create "$work/pgbackrest-sync.conf" >/dev/null
for segment in "$work"/reference/*; do
    as postgres pgbackrest --config="$work/pgbackrest-sync.conf" --stanza=main archive-push "$segment" || true
done
pgbackrest_configuration "$work/pgbackrest.conf" "${s3_lines[@]}" "${cipher_lines[@]}" compress-type=zst \
    compress-level=3 archive-async=y process-max=2 archive-get-queue-max=128MiB
sed -i "s,^pg1-path=.*,pg1-path=$work/target/data," "$work/pgbackrest.conf"

recover() { # LABEL RESTORE_COMMAND
    rm -rf "$work/target"
    pg_folder "$work/target"
    as postgres cp -a "$work/base/data" "$work/target/data"
    pg_settings "$work/target" "unix_socket_directories = '$work/target'" 'archive_mode = off' "log_line_prefix = '%n '" \
        "restore_command = '$2'"
    as postgres touch "$work/target/data/recovery.signal"
    pg_start "$work/target"
    wait_for 600 opened
    expect_equal "$rows" "$(pg_sql "$work/target" 'select count(*) from t')" rows
    pg_stop "$work/target"
    measure note "$results" "$1" "$(awk '/restored log file/ { if (!first) first = $1; last = $1 }
        END { print (last - first) * 1000 }' "$work/target/log")"
}
opened() { [ "$(pg_sql "$work/target" 'select pg_is_in_recovery()')" = f ]; }
one_round() {
    recover 'cp, from a local directory' "cp $work/reference/%f %p"
    recover 'walferry, two stores, TLS' "$work/bin/walferry-archive-get --config $work/etc/walferry.toml %f %p"
    recover 'pgBackRest async, one store, TLS' "pgbackrest --config=$work/pgbackrest.conf --stanza=main archive-get %f %p"
}
results=/dev/null
[ -n "$quick" ] || one_round
results=$work/results
for ((round = 0; round < rounds; round++)); do one_round; done
heading "recovery of $count segments of 16 MiB, $rounds rounds; $(machine)"
measure table "$results"
measure ratio "$results" seconds 'walferry, two stores, TLS' 'pgBackRest async, one store, TLS' 1 'walferry / pgBackRest'
echo "a segment, replay included, in ms:"
for label in 'cp, from a local directory' 'walferry, two stores, TLS' 'pgBackRest async, one store, TLS'; do
    awk -F'\t' -v label="$label" -v n="$count" '$1 == label { sum += $2; rounds++ }
        END { printf "  %-40s %6.1f\n", label, sum / rounds / n * 1000 }' "$results"
done
