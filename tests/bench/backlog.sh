#!/usr/bin/env bash
# backlog.sh BUILD [--quick] [SEGMENTS]: the old set-up's directory, mode 600, imported and drained to Ceph (in memory)
# and Swift (on disk), a quarter of it incompressible, while pgbench runs on a server that archives into the same spool.
# 847 segments need 35 GB of disk and 8 GB of memory.
. "$(dirname "$0")/../lib/bench.sh"
segments=$(in_rounds 847 8)
calm=$([ -n "$quick" ] && echo 3 || echo 30)
spool=$work/spool
results=$work/results
make_cluster
start_stores bench
export WALFERRY_CONFIG=$work/etc/walferry.toml
begin_configuration "$WALFERRY_CONFIG" "$spool"
add_s3_store "$WALFERRY_CONFIG" ceph bench
add_s3_store "$WALFERRY_CONFIG" swift bench
walferry init --owner postgres --group "$spool_gid" >/dev/null 2>&1

legacy=$work/legacy
make_segments "$legacy" $((segments - segments / 4)) 1048576 16 pgbench
make_segments "$legacy" $((segments / 4)) $((1048576 + segments)) 16 noise
chown -R postgres: "$legacy"
chmod 700 "$legacy"
chmod 600 "$legacy"/*
sync -f "$legacy"

# Commits wait for the disk here, as on a real server.
pg_settings "$work/pg" 'fsync = on' 'archive_mode = on' "archive_command = '$work/bin/walferry-archive-push --spool $spool %p'"
pg_start "$work/pg"
pg_bench "$work/pg" -i -q -s "$([ -n "$quick" ] && echo 2 || echo 20)" >/dev/null 2>&1
start_as postgres "$work/load.log" "$postgres_bin/pgbench" -h "$work/pg" -U postgres -c 4 -T 86400 -P 1 postgres
later "stop_process $started"

# tps_during LABEL COMMAND...: what pgbench says each second while the command runs.
tps_during() {
    local from label=$1
    from=$(wc -l <"$work/load.log")
    shift
    "$@"
    tail -n "+$((from + 2))" "$work/load.log" | awk -v label="$label" '
        /tps/ { sum += $4; n++ } END { printf "%-44s %8.0f tps over %d s\n", label, n ? sum / n : 0, n }' >>"$work/tps"
}
sleep "$calm"
tps_during 'before' sleep "$calm"
tps_during 'while importing' run_measured import walferry import "$legacy"
tps_during 'while draining' run_measured drain walferry drain
tps_during 'afterwards' sleep "$calm"

heading "$segments segments imported and drained; $(machine)"
measure table "$results"
measure limit "$results" kib drain 160 'memory of the drain, 2 workers'
cat "$work/tps"
echo "$(waiting "$spool") segments wait, those of the last moments; $(find "$legacy" -type f | wc -l) are left in the directory"
walferry status
