#!/usr/bin/env bash
# get.sh BUILD [--quick] [ROUNDS]: walferry-archive-get for one segment after the other, as recovery calls it, from two
# S3 stores over TLS, beside pgBackRest's archive-get from one. With think time, so that what was fetched ahead is
# there; without, so that everybody goes as fast as he can; and alone, without fetching ahead.
. "$(dirname "$0")/../lib/bench.sh"
rounds=$(in_rounds 5 1)
count=$([ -n "$quick" ] && echo 16 || echo 64)
spool=$work/spool
bucket=bench
make_cluster
start_stores $bucket pgbackrest

begin_configuration "$work/etc/walferry.toml" "$spool"
sed -i 's,^recipients,identity_file = "identity.txt"\n&,' "$work/etc/walferry.toml"
add_s3_store "$work/etc/walferry.toml" ceph $bucket
add_s3_store "$work/etc/walferry.toml" swift $bucket
to_tls "$work/etc/walferry.toml"
export WALFERRY_CONFIG=$work/etc/walferry.toml
mapfile -t s3_lines < <(pgbackrest_s3_lines ceph pgbackrest)
mapfile -t cipher_lines < <(pgbackrest_cipher_lines)
pgbackrest_configuration "$work/pgbackrest-sync.conf" "${s3_lines[@]}" "${cipher_lines[@]}" compress-type=zst compress-level=3
pgbackrest_configuration "$work/pgbackrest.conf" "${s3_lines[@]}" "${cipher_lines[@]}" compress-type=zst \
    compress-level=3 archive-async=y process-max=2 archive-get-queue-max=128MiB

make_segments "$work/segments" "$count" 1 16 pgbench
find "$work/segments" -type f -printf '%f\n' | sort >"$work/names"
fresh_spool "$spool" "$work/segments"
walferry drain >/dev/null
chown -R postgres "$work/etc"
pgbackrest_create "$work/pgbackrest-sync.conf" >/dev/null
for segment in "$work"/segments/*; do
    install -o postgres -g postgres -m 600 "$segment" "$work/pg/data/pg_wal/"
    as postgres pgbackrest --config="$work/pgbackrest-sync.conf" --stanza=main archive-push "$work/pg/data/pg_wal/$(basename "$segment")"
done
find "$work/pg/data/pg_wal" -type f -delete

cp "$programs/recall" "$work/bin/"
recall() { # LABEL THINK_MS COMMAND...
    (cd "$work/pg/data" && as postgres "$work/bin/recall" "$results" "$1" "$work/names" pg_wal/RECOVERYXLOG "${@:2}")
}
end_helpers() {
    local pid
    for pid in $(pgrep -f "walferry fetch --config $work/" || true); do
        kill "$pid"
        wait_for 5 gone "$pid"
    done
}
fresh_pgbackrest() { find "$work/pgbackrest" -mindepth 1 -delete; }
one_round() {
    recall 'cp, from a local directory' 0 sh -c 'exec cp "$0/$1" "$2"' "$work/segments" %f %p
    recall 'walferry, alone' 0 walferry-archive-get --no-prefetch %f %p
    recall 'walferry, without think time' 0 walferry-archive-get %f %p
    end_helpers
    recall 'walferry, 100 ms of think time' 100 walferry-archive-get %f %p
    end_helpers
    recall 'pgBackRest, sync' 0 pgbackrest --config="$work/pgbackrest-sync.conf" --stanza=main archive-get %f %p
    recall 'pgBackRest, without think time' 0 pgbackrest --config="$work/pgbackrest.conf" --stanza=main archive-get %f %p
    fresh_pgbackrest
    recall 'pgBackRest, 100 ms of think time' 100 pgbackrest --config="$work/pgbackrest.conf" --stanza=main archive-get %f %p
    fresh_pgbackrest
}
results=/dev/null
[ -n "$quick" ] || one_round
results=$work/results
install -m 666 /dev/null "$results"
for ((round = 0; round < rounds; round++)); do one_round; done
heading "archive-get, $count segments of 16 MiB a row, $rounds rounds; $(machine)"
measure table "$results"
measure middle "$results" seconds 'walferry, 100 ms of think time' 0.005 'a segment that was fetched ahead'
mean() { awk -F'\t' -v label="$1, all" -v n="$count" '$1 == label { sum += $2; rounds++ } END { print sum / rounds / n * 1000 }' "$results"; }
echo "a segment on average without think time: walferry $(mean 'walferry, without think time') ms (bar 20)," \
    "pgBackRest $(mean 'pgBackRest, without think time') ms, cp $(mean 'cp, from a local directory') ms"
measure ratio "$results" seconds 'walferry, without think time, all' 'pgBackRest, without think time, all' 1 \
    'without think time, walferry / pgBackRest'
