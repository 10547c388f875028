#!/usr/bin/env bash
# A timeline switch, segments cut short by archive_timeout, and the label of a base backup.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$spool"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null

pg_create "$work/old" 1
pg_archive_to "$work/old" "$spool"
pg_settings "$work/old" 'archive_timeout = 1'
pg_start "$work/old"
# A checkpointer that went to sleep during start-up looks at archive_timeout only after it was woken once.
pg_sql "$work/old" checkpoint

archived_more_than() {
    [ "$(pg_sql "$work/old" 'select archived_count from pg_stat_archiver')" -gt "$1" ]
}
cut_short() {
    local before
    before=$(pg_sql "$work/old" 'select archived_count from pg_stat_archiver')
    pg_sql "$work/old" 'create table t as select 1 as a'
    wait_for 30 archived_more_than "$before"
}
check "archive_timeout hands over a segment that is not full" cut_short

# A copy of the server becomes a server of its own while the old one still had something to say.
pg_folder "$work/new"
pg_copy "$work/old" "$work/new/data" -X stream
pg_settings "$work/new" "unix_socket_directories = '$work/new'"
as postgres touch "$work/new/data/standby.signal"
pg_settings "$work/new" "primary_conninfo = 'host=$work/old user=postgres'"
pg_start "$work/new"
pg_sql "$work/old" 'insert into t values (2)'
pg_stop "$work/old"
as postgres "$postgres_bin/pg_ctl" -D "$work/new/data" -w -s promote
pg_sql "$work/new" 'insert into t values (3)'
pg_archive_all "$work/new"
pg_stop "$work/new"

switched() {
    find "$work/reference" -type f -printf '%f\n' | sort
    [ -e "$work/reference/00000002.history" ]
    [ -n "$(find "$work/reference" -name '00000001*.partial')" ]
    [ -n "$(find "$work/reference" -name '*.backup')" ]
    [ -n "$(find "$work/reference" -name '00000002????????????????')" ]
}
check "the promotion left a history file, a partial segment and segments of timeline 2" switched

stored() {
    as uploader walferry drain
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    local store
    for store in one two; do
        expect_equal "$(find "$work/reference" -type f | wc -l)" \
            "$(open_objects "$work/stores/$store" "$work/etc/identity.txt" "$work/reference")" "objects in $store"
        [ -n "$(find "$work/stores/$store" -path '*/wal/00000002/00000002.history-*')" ]
    done
}
check "all kinds of files of both timelines are in both stores" stored
