# Programs that must be of the server's own version: npm's servers come without them, and what stands in for them there is
# another version's. Sourced after postgres.sh.

# pg_fits PROGRAM: whether it is the server's own.
pg_fits() { [ "$("$postgres_bin/$1" --version | sed 's/.* \([0-9]*\)[.a-z].*/\1/')" = "$postgres_major" ]; }

# pg_copy SOCKET DATA [OPTION...]: what pg_basebackup with these options (-R, -X none, -X stream, --tablespace-mapping=OLD=NEW)
# makes of the server in SOCKET. Where it is another version's, the server's functions for a copy by hand do it.
pg_copy() {
    if pg_fits pg_basebackup; then
        as postgres "$postgres_bin/pg_basebackup" -h "$1" -U postgres -D "$2" -c fast --no-sync "${@:3}"
    else
        pg_copy_by_hand "$@"
    fi
}

pg_copy_by_hand() {
    local socket=$1 to=$2 from wal=yes standby='' moved='' link
    shift 2
    while [ $# -gt 0 ]; do
        case $1 in
        -R) standby=yes ;;
        -X) [ "$2" != none ] || wal='' && shift ;;
        --tablespace-mapping=*) moved=${1#*=} ;;
        *) echo "pg_copy does not know $1" && return 1 ;;
        esac
        shift
    done
    from=$(pg_sql "$socket" 'show data_directory')
    as postgres mkdir -p -m 700 "$to"
    # The session that begins it has to end it.
    as postgres "$postgres_bin/psql" -h "$socket" -U postgres -d postgres -XAtq -v ON_ERROR_STOP=1 >/dev/null <<SQL
select pg_backup_start('copy', true);
\! tar -C '$from' -c --exclude='./pg_wal/*' --exclude='./pg_replslot/*' --exclude='./postmaster.*' . 2>/dev/null | tar -C '$to' -x
select labelfile, spcmapfile from pg_backup_stop(false) \gset
\o '$to/backup_label'
select :'labelfile';
\o '$to/tablespace_map'
select :'spcmapfile';
SQL
    if [ -n "$moved" ]; then
        as postgres cp -a "${moved%%=*}/." "${moved#*=}"
        as postgres sed -i "s,${moved%%=*},${moved#*=}," "$to/tablespace_map"
        for link in "$to"/pg_tblspc/*; do as postgres ln -sfn "${moved#*=}" "$link"; done
    fi
    [ -n "$(tr -d '\n' <"$to/tablespace_map")" ] || rm "$to/tablespace_map"
    [ -z "$wal" ] || as postgres bash -c 'cp -a "$0"/pg_wal/0* "$1/pg_wal/"' "$from" "$to"
    if [ -n "$standby" ]; then
        as postgres touch "$to/standby.signal"
        echo "primary_conninfo = 'host=$socket user=postgres'" >>"$to/postgresql.auto.conf"
    fi
}
