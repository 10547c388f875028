# A cluster of several hosts on one: three servers under Patroni and etcd, each with a spool, a ledger and a writer key of
# its own, and one archive. Sourced after tests/lib/integration.sh.

free_ports() { # N: that many ports of 127.0.0.1 that no process listens on
    python3 -c 'import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for each in held: each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in held))' "$1"
}

nodes=(n1 n2 n3)
declare -A pg_port api_port patroni_pid drain_pid

begin_etcd() {
    local client peer
    read -r client peer < <(free_ports 2)
    etcd=127.0.0.1:$client
    install -d -o postgres -g postgres -m 700 "$work/etcd"
    start_as postgres "$work/etcd.log" etcd --name e --data-dir "$work/etcd/data" \
        --listen-client-urls "http://$etcd" --advertise-client-urls "http://$etcd" \
        --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
        --initial-cluster "e=http://127.0.0.1:$peer"
    later "stop_process $started"
    wait_for 60 curl -sf "http://$etcd/health" || { tail -n 20 "$work/etcd.log" && return 1; }
}

# What a node has of its own: docs/high-availability.md shows the same files.
begin_node() { # NODE
    local node=$1 etc=$work/etc-$1 spool=$work/spool-$1
    read -r "pg_port[$node]" "api_port[$node]" < <(free_ports 2)
    mkdir -p "$etc"
    cp "$work/etc/identity.txt" "$etc/"
    begin_configuration "$etc/walferry.toml" "$spool"
    add_directory_store "$etc/walferry.toml" one
    add_directory_store "$etc/walferry.toml" two
    printf '\n[signing]\nkey_file = "writer.key"\n' >>"$etc/walferry.toml"
    walferry --config "$etc/walferry.toml" init --owner postgres --group "$spool_gid" |
        sed -n 's/.*hosts that restore: \(.*\))$/\1/p' >"$etc/writer.pub"
    for_uploader "$etc/writer.key"
    pg_folder "$work/$node"
    chmod 711 "$work/$node"
    install -d -o postgres -g postgres -m 700 "$work/restoring-$node"
}

# When every node has its key: all of them trust all of them.
finish_node() { # NODE
    local node=$1 etc=$work/etc-$1 keys=
    for each in "${nodes[@]}"; do keys+="${keys:+, }\"$(cat "$work/etc-$each/writer.pub")\""; done
    sed -i "s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/$node port=${pg_port[$node]} user=postgres dbname=postgres\"," "$etc/walferry.toml"
    sed -i "s|^key_file.*|&\ntrusted_writers = [$keys]|" "$etc/walferry.toml"
    # What the server's user reads: the identity, no key to sign with.
    sed "s,^recipients,identity_file = \"identity.txt\"\n&,; /^key_file/d" "$etc/walferry.toml" >"$work/restoring-$node/walferry.toml"
    cp "$work/etc/identity.txt" "$work/restoring-$node/"
    chown -R postgres "$work/restoring-$node"
    chmod 600 "$work/restoring-$node"/*
    cat >"$work/$node/replica" <<SH
#!/bin/sh
# Patroni's create_replica_methods: a standby from the newest base backup.
exec $work/bin/walferry --config $work/restoring-$node/walferry.toml restore --standby --unchecked-tablespaces --to $work/$node/data
SH
    chmod 755 "$work/$node/replica"
    cat >"$work/$node/patroni.yml" <<YML
scope: main
name: $node
log: {level: INFO}
restapi:
  listen: 127.0.0.1:${api_port[$node]}
  connect_address: 127.0.0.1:${api_port[$node]}
etcd3:
  hosts: $etcd
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 2
    retry_timeout: 6
    maximum_lag_on_failover: 1073741824
    master_start_timeout: 0
    postgresql:
      use_pg_rewind: true
      use_slots: false
      parameters:
        archive_mode: 'on'
        archive_timeout: 10
        wal_log_hints: 'on'
        wal_keep_size: 64MB
        max_wal_size: 256MB
        shared_buffers: 32MB
        fsync: 'off'
  initdb:
    - encoding: UTF8
    - no-locale
    - data-checksums
    - wal-segsize: '1'
  pg_hba:
    - local all all trust
    - host all all 127.0.0.1/32 trust
    - host replication all 127.0.0.1/32 trust
postgresql:
  listen: 127.0.0.1:${pg_port[$node]}
  connect_address: 127.0.0.1:${pg_port[$node]}
  data_dir: $work/$node/data
  bin_dir: $postgres_bin
  pgpass: $work/$node/pgpass
  authentication:
    superuser: {username: postgres}
    replication: {username: postgres}
  parameters:
    unix_socket_directories: $work/$node
    archive_command: $work/bin/walferry-archive-push --spool $spool_of/spool-$node %p
  recovery_conf:
    restore_command: $work/bin/walferry-archive-get --config $work/restoring-$node/walferry.toml --spool $spool_of/spool-$node %f %p
  create_replica_methods: [walferry, basebackup]
  walferry: {command: $work/$node/replica, no_params: true}
  basebackup: {checkpoint: fast}
YML
    chown postgres "$work/$node/patroni.yml"
}

begin_cluster() {
    spool_of=$work
    mkdir -p "$work/etc"
    walferry keygen -o "$work/etc/identity.txt" 2>/dev/null
    begin_etcd
    for node in "${nodes[@]}"; do begin_node "$node"; done
    for node in "${nodes[@]}"; do finish_node "$node"; done
}

start_node() { # NODE
    start_as postgres "$work/$1/patroni.log" /usr/bin/patroni "$work/$1/patroni.yml"
    patroni_pid[$1]=$started
    later "stop_process $started"
}
restart_node() { # NODE: its log goes on
    mv "$work/$1/patroni.log" "$work/$1/patroni.log.$RANDOM"
    start_node "$1"
}
start_drain() { # NODE
    start_as uploader "$work/$1/drain.log" walferry --config "$work/etc-$1/walferry.toml" drain --follow --quiet
    drain_pid[$1]=$started
    later "stop_process $started"
}
stop_drain() { stop_process "${drain_pid[$1]}"; }

# crash NODE: as when the host loses its power, but for what is on its disks.
crash() {
    local postmaster
    postmaster=$(head -n 1 "$work/$1/data/postmaster.pid")
    stop_process "${patroni_pid[$1]}" KILL
    kill -9 "$postmaster"
    wait_for 30 gone "$postmaster"
}

at() { as uploader walferry --config "$work/etc-$1/walferry.toml" "${@:2}"; } # NODE ARGUMENT...
sql() { as postgres "$postgres_bin/psql" -h "$work/$1" -p "${pg_port[$1]}" -U postgres -d postgres -XAtq -v ON_ERROR_STOP=1 -c "$2"; } # NODE SQL
api() { curl -sf --max-time 10 "http://127.0.0.1:${api_port[$1]}/$2" "${@:3}"; } # NODE PATH ARGUMENT...
is_primary() { [ "$(sql "$1" 'select pg_is_in_recovery()')" = f ]; }
find_primary() { # sets $primary; of those that Patroni calls the leader
    local node
    primary=
    for node in "${nodes[@]}"; do
        if [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "http://127.0.0.1:${api_port[$node]}/primary")" = 200 ] && is_primary "$node"; then
            primary=$node
        fi
    done
    [ -n "$primary" ]
}
other_primary() { find_primary && [ "$primary" != "$1" ]; } # THAN
streams() { # NODE: from the present primary
    find_primary && [ "$(sql "$primary" "select count(*) from pg_stat_replication where application_name = '$1' and state = 'streaming'")" = 1 ]
}
caught_up() { # NODE
    find_primary && [ "$(sql "$1" "select pg_last_wal_replay_lsn() >= '$(sql "$primary" 'select pg_current_wal_lsn()')'")" = t ]
}
switch_over() { # TO
    find_primary
    local from=$primary
    wait_for 60 caught_up "$1"
    api "$from" switchover -XPOST -d "{\"leader\":\"$from\",\"candidate\":\"$1\"}"
    wait_for 90 is_new_primary "$1"
    wait_for 90 streams "$from"
}
is_new_primary() { find_primary && [ "$primary" = "$1" ]; }

# everything_archived: what the primary has written by now is verified in every store, by its own drain.
everything_archived() {
    local last
    find_primary
    last=$(sql "$primary" 'select pg_walfile_name(pg_switch_wal() - 1)')
    wait_for 120 verified_in_all "$primary" "$last"
}
verified_in_all() { # NODE SEGMENT
    [ "$(at "$1" list --name "$2" --json | jq '[.[] | select(.state == "verified")] | length')" -ge 2 ]
}
spool_is_empty() { [ "$(waiting "$work/spool-$1")" = 0 ]; } # NODE

# The findings that a failover must not raise.
of_the_archive='.findings[] | select(.verdict == "integrity" or .verdict == "failed")
    | select(.id | IN("conflicts", "gaps", "second-uploader", "lost-objects", "lost-segments", "backups", "other-cluster", "ledger"))'

# quiet NODE...: neither the drain nor check, with the server and without, sees anything wrong with the archive.
quiet() {
    local node how
    for node in "$@"; do
        for how in '' --no-server; do
            walferry --config "$work/etc-$node/walferry.toml" check --uploader "$uploader_uid:$spool_gid" $how --json >"$work/found.json" || true
            jq -r "$of_the_archive | .id + \": \" + .found" "$work/found.json" >"$work/alarms"
            [ ! -s "$work/alarms" ] || { echo "check $how on $node:" && cat "$work/alarms" && return 1; }
        done
        if grep -E '^walferry: conflict|LOST|vanished' "$work/$node/drain.log"; then
            echo "the drain of $node said this"
            return 1
        fi
    done
}

# watch_alarms SECONDS: asks status and check --no-server on each node again and again, in the minutes of a failover too,
# until the script ends. What they call wrong of the archive, and every other exit code than 0 of status, goes to
# $work/alarmed-meanwhile with its time.
watch_alarms() {
    (
        exec 9>&-
        while sleep "$1"; do
            for node in "${nodes[@]}"; do
                code=0
                at "$node" status --json >"$work/watched-$node.json" 2>"$work/watched-$node.said" || code=$?
                found=$([ -s "$work/watched-$node.json" ] && jq -r 'select(.conflicts != 0) | "\(.conflicts) conflicts"' "$work/watched-$node.json") || found="no JSON"
                [ "$code$found" = 0 ] || echo "$(date +%T) status on $node: exit $code $found $(head -c 300 "$work/watched-$node.said")"
                walferry --config "$work/etc-$node/walferry.toml" check --uploader "$uploader_uid:$spool_gid" --no-server --json \
                    >"$work/watched-$node.json" 2>/dev/null || true
                jq -r --arg when "$(date +%T) check on $node: " "$of_the_archive | \$when + .id + \": \" + .found" "$work/watched-$node.json" ||
                    echo "$(date +%T) check on $node printed no JSON"
            done
            echo >>"$work/watched-rounds"
        done
    ) >"$work/alarmed-meanwhile" 2>&1 &
    later "stop_process $!"
}
# Nothing was, in at least so many rounds.
none_meanwhile() { # ROUNDS
    expect_at_least "$1" "$(wc -l <"$work/watched-rounds")" "rounds of questions"
    [ ! -s "$work/alarmed-meanwhile" ] || { cat "$work/alarmed-meanwhile" && return 1; }
}

# restored NAME STORE ARGUMENT...: from that store alone, without this host's spools, opened and asked for its rows.
restored() {
    local name=$1 store=$2
    shift 2
    pg_folder "$work/$name"
    walferry --config "$work/restoring-n1/walferry.toml" restore --to "$work/$name/data" --only "$store" --no-spool --no-archiving \
        --json "$@" >"$work/$name.json" 2>"$work/$name.said" || { cat "$work/$name.said" && return 1; }
    printf '%s\n' "unix_socket_directories = '$work/$name'" "listen_addresses = ''" >>"$work/$name/data/postgresql.conf"
    eval "$(jq -r .start_command "$work/$name.json") -s -w -t 120 -o \"-c unix_socket_directories=$work/$name -c listen_addresses= -c port=5432\"" ||
        { tail -n 30 "$(jq -r .log "$work/$name.json")" && return 1; }
    wait_for 120 has_reached "$name"
    pg_sql "$work/$name" "${rows_of:-select count(*), sum(n) from t}"
    pg_stop "$work/$name"
    rm -rf "${work:?}/$name/data"
}
has_reached() { # NAME: its target, or the end
    [ "$(pg_sql "$work/$1" "select not pg_is_in_recovery() or pg_get_wal_replay_pause_state() = 'paused'")" = t ]
}
