# A server with a history worth going back to, its archive in two stores, and restores of it. Sourced after
# tests/lib/integration.sh.

# begin_restoring [LINE...]: Ceph and Swift, the archiving host's configuration, and in $restoring that of the host that
# restores, which belongs to the server's user and knows no spool. LINEs go to every store.
begin_restoring() {
    spool=$work/spool
    configuration=$work/etc/walferry.toml
    restoring=$work/restoring/walferry.toml
    start_s3 ceph wal-ceph
    start_s3 swift wal-swift
    begin_configuration "$configuration" "$spool"
    sed -i "s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/pg user=postgres\"," "$configuration"
    add_s3_store "$configuration" ceph wal-ceph "$@"
    add_s3_store "$configuration" swift wal-swift "$@"
    export WALFERRY_CONFIG=$configuration
    walferry init --owner postgres --group "$spool_gid" >/dev/null
    install -d -o postgres -g postgres -m 700 "$work/restoring"
    sed 's,^recipients,identity_file = "identity.txt"\n&,; s,^spool = .*,spool = "/nonexistent",' "$configuration" >"$restoring"
    cp "$work/etc/identity.txt" "$work"/etc/*.credentials "$work/restoring/"
    chown -R postgres "$work/restoring"
    chmod 600 "$work"/restoring/*
}

# A server with page checksums, a tablespace and segments of 1 MiB; the way to its socket is open for the uploader.
begin_server() {
    install -d -o postgres -g postgres "$work/space"
    pg_create "$work/pg" 1
    if pg_fits pg_checksums; then as postgres "$postgres_bin/pg_checksums" --enable --no-sync "$work/pg/data" >/dev/null 2>&1 || true; fi
    chmod 711 "$work/pg"
    pg_archive_to "$work/pg" "$spool"
    pg_start "$work/pg"
    pg_sql "$work/pg" "create tablespace fast location '$work/space'"
    pg_sql "$work/pg" "create extension amcheck;
        create table placed tablespace fast as select g, md5(g::text) from generate_series(1, 5000) g;
        create table steps (n int primary key, at timestamptz default clock_timestamp());
        create table precious as select g from generate_series(1, 1000) g"
    pg_bench "$work/pg" -i -q -s 2 >"$work/pgbench.log" 2>&1
    start_as postgres "$work/load.log" "$postgres_bin/pgbench" -h "$work/pg" -U postgres -c 2 -T 3600 --rate=50 postgres
    load=$started
    later "stop_process $load"
}

base_backup() { as uploader walferry --config "$configuration" backup --checkpoint fast "$@"; }
drain_all() {
    pg_archive_all "$work/pg"
    as uploader walferry --config "$configuration" drain >/dev/null
}
# step N: a row of its own transaction; $lsn, $xid and $time are right after it.
step() {
    xid=$(pg_sql "$work/pg" "insert into steps values ($1) returning pg_current_xact_id()")
    lsn=$(pg_sql "$work/pg" 'select pg_current_wal_insert_lsn()')
    time=$(pg_sql "$work/pg" "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || 'Z'")
}

# A server that is installed nowhere has to be named, or the command that restore prints would start another version's.
server_programs=()
case $postgres_bin in /usr/lib/postgresql/*) ;; *) server_programs=(--bindir "$postgres_bin") ;; esac

# restore NAME ARGUMENT...: into $work/NAME/data, with the tablespace in $work/NAME/space; what it says is in
# $work/NAME.json and $work/NAME.said.
restore() {
    local name=$1 status=0
    shift
    pg_folder "$work/$name"
    walferry --config "$restoring" restore --to "$work/$name/data" --tablespace "$work/space=$work/$name/space" "${server_programs[@]}" --json "$@" \
        >"$work/$name.json" 2>"$work/$name.said" || status=$?
    [ $status = 0 ] || cat "$work/$name.said"
    return $status
}
# start_restored NAME: with the command that the restore printed, and a socket of its own.
start_restored() {
    eval "$(jq -r .start_command "$work/$1.json") -s -w -t 120 -o \"-c unix_socket_directories=$work/$1 ${2:-}\"" ||
        { tail -n 30 "$(jq -r .log "$work/$1.json")" && return 1; }
}
# start_without_waiting NAME: the server may well end.
start_without_waiting() {
    eval "$(jq -r .start_command "$work/$1.json") -s -W -o \"-c unix_socket_directories=$work/$1 ${2:-}\""
}
has_ended() { tail -n 1 "$(jq -r .log "$work/$1.json")" | grep -q 'database system is shut down'; }
is_paused() { [ "$(pg_sql "$work/$1" 'select pg_get_wal_replay_pause_state()')" = paused ]; }
is_open() { [ "$(pg_sql "$work/$1" 'select pg_is_in_recovery()')" = f ]; }
last_step() { pg_sql "$work/$1" 'select max(n) from steps'; }

# is_sound NAME: stops it and looks at every page and index. (pgbench's own sums must fit together as well.)
is_sound() {
    expect_equal 5000 "$(pg_sql "$work/$1" 'select count(*) from placed')" "rows in the tablespace"
    expect_equal "$(pg_sql "$work/$1" 'select sum(abalance) from pgbench_accounts')" \
        "$(pg_sql "$work/$1" 'select sum(delta) from pgbench_history')" "pgbench's balances"
    as postgres "$postgres_bin/pg_amcheck" -h "$work/$1" -U postgres --all --install-missing
    pg_stop "$work/$1"
    if pg_fits pg_checksums; then as postgres "$postgres_bin/pg_checksums" --check "$work/$1/data"; fi
}
