# PostgreSQL servers of a test's own, as user postgres, reached by a socket in their own folder: no port is taken.
# Sourced after world.sh.

# The newest that is installed, or what WALFERRY_TEST_PG says: a major version, or a folder of programs.
case ${WALFERRY_TEST_PG:-} in
'') postgres_bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -n 1) ;;
*/*) postgres_bin=$WALFERRY_TEST_PG ;;
*) postgres_bin=/usr/lib/postgresql/$WALFERRY_TEST_PG/bin ;;
esac
postgres_major=$("$postgres_bin/postgres" --version | sed 's/.* \([0-9]*\)[.a-z].*/\1/')

# pg_settings FOLDER LINE...: appended to postgresql.conf.
pg_settings() {
    local folder=$1
    shift
    printf '%s\n' "$@" >>"$folder/data/postgresql.conf"
}

pg_folder() {
    install -d -o postgres -g postgres -m 700 "$1"
    later "as postgres '$postgres_bin/pg_ctl' -D '$1/data' -m immediate stop"
}

# What only makes a throwaway server faster: nothing here outlives a power cut anyway.
pg_quick_settings() {
    pg_settings "$1" "unix_socket_directories = '$1'" "listen_addresses = ''" 'fsync = off' 'shared_buffers = 64MB' \
        'max_wal_size = 4GB' 'max_connections = 20'
}

# pg_create FOLDER [WAL_SEGMENT_MIB]
pg_create() {
    pg_folder "$1"
    as postgres "$postgres_bin/initdb" -D "$1/data" -U postgres -A trust --no-sync --wal-segsize="${2:-16}" \
        --no-locale -E UTF8 >"$work/initdb.log" 2>&1 || { cat "$work/initdb.log" && return 1; }
    pg_quick_settings "$1"
}

# pg_archive_to FOLDER SPOOL: also keeps a copy of every segment as PostgreSQL handed it over, to compare with.
pg_archive_to() {
    install -d -o postgres -g postgres -m 755 "$work/reference"
    pg_settings "$1" 'archive_mode = on' \
        "archive_command = '$work/bin/walferry-archive-push --spool $2 %p && cp %p $work/reference/%f'"
}

pg_start() { as postgres sh -c 'umask 077; exec "$@"' sh "$postgres_bin/pg_ctl" -D "$1/data" -l "$1/log" -w -s start; }
pg_stop() { as postgres "$postgres_bin/pg_ctl" -D "$1/data" -m fast -w -s stop; }
pg_sql() { as postgres "$postgres_bin/psql" -h "$1" -U postgres -d postgres -XAtq -v ON_ERROR_STOP=1 -c "$2"; }
pg_bench() { as postgres "$postgres_bin/pgbench" -h "$1" -U postgres "${@:2}" postgres; }

# Everything up to now is in archived segments when this returns. One byte back: on the boundary of two segments
# PostgreSQL 17 names the second.
pg_archive_all() {
    local last
    last=$(pg_sql "$1" 'select pg_walfile_name(pg_switch_wal() - 1)')
    wait_for "${2:-60}" pg_has_archived "$1" "$last"
}
pg_has_archived() {
    [ "$(pg_sql "$1" "select last_archived_wal >= '$2' from pg_stat_archiver")" = t ]
}
