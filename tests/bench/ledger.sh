#!/usr/bin/env bash
# ledger.sh BUILD [--quick] [SEGMENTS...]: what commands cost with a ledger of years. Each command runs with ledgers of ten
# thousand to ten million segments, each verified in two stores, and its cost is printed by their size. Ten million
# need 10 GB under /var/tmp. No store is asked for more than its listing, and no PostgreSQL runs.
. "$(dirname "$0")/../lib/bench.sh"
. "$tests/bench/ledger_rows.sh"
sizes=(10000 100000 1000000 10000000)
[ -z "$quick" ] || sizes=(1000 10000)
[ "${#arguments[@]}" = 0 ] || sizes=("${arguments[@]}")
rounds=$([ -n "$quick" ] && echo 1 || echo 5)
waiting_files=$([ -n "$quick" ] && echo 1000 || echo 100000)
system_identifier=7345678901234567890
wal_magic=d110
spool=$work/spool
export WALFERRY_CONFIG=$work/etc/walferry.toml
begin_configuration "$WALFERRY_CONFIG" "$spool"
add_directory_store "$WALFERRY_CONFIG" first
add_directory_store "$WALFERRY_CONFIG" second

# several LABEL COMMAND...: rounds of it; what a command finds is not what is measured.
several() {
    local round
    for ((round = 0; round < rounds; round++)); do run_measured "$1" bash -c '"$@" >/dev/null || true' - "${@:2}"; done
}

push() { walferry-archive-push --spool "$spool" --system-identifier "$system_identifier" "$1"; }

# cpu_ticks PID: user and system time, in hundredths of a second.
cpu_ticks() { awk '{ sub(/^.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

is_empty() { [ "$(find "$spool/ready" -type f | wc -l)" = 0 ]; }

# Core time of `drain --follow` for each segment, and for a minute in which nothing happens it is 0.
follow_segments() { # SEGMENT...
    local before
    walferry drain --follow >"$work/follow.log" 2>&1 &
    local follower=$!
    push "$1"
    wait_for 600 is_empty
    before=$(cpu_ticks "$follower")
    for segment in "${@:2}"; do
        push "$segment"
        wait_for 600 is_empty
    done
    measure note "$results" 'drain --follow, a segment (core time)' \
        $((($(cpu_ticks "$follower") - before) * 10 / ($# - 1)))
    stop_process "$follower"
}

measure_commands() { # SEGMENTS
    local i segments=("$work/made/"*)
    run_measured 'migrate from version 2' walferry drain
    for ((i = 0; i < rounds; i++)); do run_measured 'push' push_one "${segments[i]}"; done
    run_measured 'drain, nothing but what was pushed' walferry drain
    for ((i = 0; i < rounds; i++)); do
        push "${segments[rounds + i]}"
        run_measured 'drain of one segment' walferry drain
    done
    follow_segments "${segments[@]:rounds * 2:rounds + 1}"
    mkdir "$work/legacy"
    for ((i = 0; i < rounds; i++)); do
        cp "${segments[rounds * 3 + 1 + i]}" "$work/legacy/"
        run_measured 'import of one segment' walferry import "$work/legacy"
    done
    walferry drain >/dev/null 2>&1
    several 'status' walferry status
    several 'check --no-server' walferry check --no-server
    several 'conflicts' walferry conflicts
    several 'list | head' bash -c 'walferry list | head'
    several 'list --last 100' walferry list --last 100
    several 'list --state pending' walferry list --state pending
    rounds=1 several 'list' walferry list
    rounds=1 several 'list --json' walferry list --json
    waiting_many
    several "status, $waiting_files files wait" walferry status
    several "list --state pending | head, $waiting_files wait" bash -c 'walferry list --state pending | head'
}

# Files as large as segments, without a block on the disk: nothing reads them.
waiting_many() {
    sqlite3 "$spool/ledger/ledger.db" "insert into push_spooled (system_identifier, name, fingerprint, kind, timeline,
        size, spooled_at) select '$system_identifier', printf('00000002%08X%08X', value / 256, value % 256),
        lower(hex(randomblob(16))), 'wal', 2, 16777216, strftime('%Y-%m-%dT%H:%M:%S.000Z', 'now')
        from generate_series(1, $waiting_files)"
    sqlite3 "$spool/ledger/ledger.db" "select name from segment where removed_at is null and timeline = 2" |
        (cd "$spool/ready/$system_identifier" && xargs truncate -s 16M)
    chown -R --reference="$spool/ready" "$spool/ready/$system_identifier"
}

cat >"$work/bin/push_one" <<SH
#!/bin/sh
exec walferry-archive-push --spool $spool --system-identifier $system_identifier "\$1"
SH
chmod 755 "$work/bin/push_one"

tables=()
for size in "${sizes[@]}"; do
    results=$work/results-$size
    rm -rf "$spool" "$work/stores" "$work/made" "$work/legacy"
    install -d "$work/stores/first" "$work/stores/second"
    make_segments "$work/made" $((rounds * 4 + 2)) $((size + size / 100000 + 1)) 16 pgbench
    walferry init --owner postgres --group "$spool_gid" >/dev/null 2>&1
    rm -f "$spool"/ledger/ledger.db*
    make_ledger "$spool/ledger" "$size" 0 "$system_identifier" "$work/stores"
    chown --reference="$spool/ledger" "$spool/ledger/ledger.db"
    chmod 660 "$spool/ledger/ledger.db"
    measure note "$results" "size of the ledger, MiB" "$(du -m "$spool/ledger/ledger.db" | awk '{ print $1 * 1000 }')"
    measure_commands
    tables+=("$size=$results")
done
heading "ledgers of ${sizes[*]} segments, two stores; $(machine)"
measure growth "${tables[@]}"
