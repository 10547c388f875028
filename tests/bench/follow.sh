#!/usr/bin/env bash
# follow.sh BUILD [--quick] [SWITCHES]: from pg_switch_wal() until the ledger says verified in both S3 stores, with
# `walferry drain --follow`. The end is the time that the ledger recorded, so nothing here polls while it matters.
. "$(dirname "$0")/../lib/bench.sh"
switches=$(in_rounds 50 3)
walferry drain --help | grep -q -- --follow || { echo 'SKIPPED: this walferry has no drain --follow' && exit 0; }
spool=$work/spool
results=$work/results
make_cluster
start_stores bench
export WALFERRY_CONFIG=$work/etc/walferry.toml
begin_configuration "$WALFERRY_CONFIG" "$spool"
add_s3_store "$WALFERRY_CONFIG" ceph bench
add_s3_store "$WALFERRY_CONFIG" swift bench
walferry init --owner postgres --group "$spool_gid" >/dev/null 2>&1
pg_settings "$work/pg" 'archive_mode = on' "archive_command = '$work/bin/walferry-archive-push --spool $spool %p'"
pg_start "$work/pg"
start_as uploader "$work/follow.log" walferry --config "$WALFERRY_CONFIG" drain --follow
later "stop_process $started"

verified_at() { # NAME: the later of the two stores, in seconds; fails while one is missing
    sqlite3 "$spool/ledger/ledger.db" "select printf('%.3f', (julianday(max(verified_at)) - 2440587.5) * 86400)
        from upload join segment on segment.id = upload.segment
        where segment.name = '$1' and state = 'verified' having count(*) = 2" | grep .
}
for ((i = 0; i <= switches; i++)); do
    pg_sql "$work/pg" "select pg_logical_emit_message(false, 'bench', repeat(md5(random()::text), 30000))" >/dev/null
    begun=$(date +%s.%N)
    name=$(pg_sql "$work/pg" 'select pg_walfile_name(pg_switch_wal() - 1)')
    wait_for 60 verified_at "$name"
    # The first one opens the connections.
    [ "$i" = 0 ] || measure note "$results" 'switch until verified in both stores' \
        "$(verified_at "$name" | awk -v begun="$begun" '{ printf "%.3f", ($1 - begun) * 1000 }')"
done
heading "drain --follow, $switches switches; $(machine)"
measure table "$results"
