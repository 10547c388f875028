#!/usr/bin/env bash
# What a backup holds of a cluster, and what it says that it lacks: several tablespaces, names that are not UTF-8,
# tablespaces in the data directory, configuration and databases behind links, a timeline whose history never came to
# the archive. Each backup that is called restorable is restored and asked.
. "$(dirname "$0")/../lib/integration.sh" "$1"

# begin_cluster NAME FOLDER: a server in FOLDER that archives into two directory stores, all of it postgres's.
begin_cluster() {
    conf=$work/etc/$1.toml folder=$2
    begin_configuration "$conf" "$work/$1-spool"
    sed -i "s,^recipients,identity_file = \"identity.txt\"\n&,; s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/socket user=postgres\"," "$conf"
    add_directory_store "$conf" "$1-one"
    add_directory_store "$conf" "$1-two"
    chown -R postgres "$work/etc" "$work/stores"
    install -d -o postgres -g postgres -m 711 "$work/socket"
    # From here on everything is done as the server's user, who may make the spool in a folder of its own.
    install -d -o postgres -g postgres "$work/$1-spool"
    wf init >/dev/null
    pg_create "$folder" 1
    pg_settings "$folder" "unix_socket_directories = '$work/socket'" 'archive_mode = on' \
        "archive_command = '$work/bin/walferry-archive-push --spool $work/$1-spool %p'" "log_directory = 'log'"
}
wf() { as postgres walferry --config "$conf" "$@"; }
sql() { pg_sql "$work/socket" "$1"; }
backup() { wf backup --checkpoint fast --json "$@"; }
archive_all() {
    pg_archive_all "$work/socket"
    wf drain >/dev/null
}
# restored NAME [ARGUMENT...]: restores the newest backup and starts it on a socket of its own; $work/NAME is its folder.
restored() {
    local name=$1
    shift
    pg_folder "$work/$name"
    wf restore --to "$work/$name/data" --no-archiving "$@" >"$work/$name.said" 2>&1 || { cat "$work/$name.said" && return 1; }
    as postgres "$postgres_bin/pg_ctl" -D "$work/$name/data" -l "$work/$name/log" -w -s start \
        -o "-c unix_socket_directories=$work/$name" || { tail -n 20 "$work/$name/log" && return 1; }
    wait_for 60 is_open "$work/$name"
}
is_open() { [ "$(pg_sql "$1" 'select pg_is_in_recovery()')" = f ]; }

# --- tablespaces

begin_cluster main "$work/pg"
chmod 711 "$work/pg"
pg_start "$work/pg"
mapped=()
add_tablespace() { # NUMBER
    install -d -o postgres -g postgres "$work/ts$1"
    sql "create tablespace s$1 location '$work/ts$1'"
    sql "create table t$1 tablespace s$1 as select $1 as v"
    mapped+=(--tablespace "$work/ts$1=$work/back/ts$1")
}
several_tablespaces() {
    local number order
    for number in $(seq 40); do # until the directory's order is not the numbers'
        add_tablespace "$number"
        order=$(ls -fU "$work/pg/data/pg_tblspc" | grep -E '^[0-9]+$')
        [ "$order" = "$(sort -n <<<"$order")" ] || break
    done
    # A database whose encoding takes any bytes, and a directory called so in Latin-1.
    sql "create database bytes encoding SQL_ASCII lc_collate 'C' lc_ctype 'C' template template0"
    latin=$work/caf$'\xe9'
    install -d -o postgres -g postgres "$latin"
    PGCLIENTENCODING=SQL_ASCII as postgres "$postgres_bin/psql" -h "$work/socket" -U postgres -d bytes -XAtq \
        -c "create tablespace latin location '$latin'"
    sql 'create table t0 tablespace latin as select 0 as v'
    PGOPTIONS='-c allow_in_place_tablespaces=on' sql "create tablespace inplace location ''"
    sql 'create table t999 tablespace inplace as select 999 as v'
    mapped+=(--tablespace "$latin=$work/back/latin"$'\xe9')
    backup >"$work/first.json"
    expect_equal '0 []' "$(jq -c '.exit_code, .missing' "$work/first.json" | xargs)" "exit code and what is missing"
    archive_all
    wf backups >/dev/null
    restored back "${mapped[@]}"
    local table
    for table in 0 $(seq "$number") 999; do
        expect_equal "$table" "$(pg_sql "$work/back" "select v from t$table")" "row in t$table"
    done
    pg_stop "$work/back"
    rm -rf "$work/back"
}
check "tablespaces in any order, with any bytes in their paths, and in the data directory come back" several_tablespaces

# --- what the server leaves out

unreadable() {
    install -m 600 -o root -g root /etc/hostname "$work/pg/data/postgresql.conf.bak"
    expect_exit 1 backup 2>"$work/unreadable.said"
    grep -q 'postgresql.conf.bak' "$work/unreadable.said"
    grep -q "server's own user (postgres) may not read" "$work/unreadable.said"
    no grep 'the role lacks a right' "$work/unreadable.said"
    rm "$work/pg/data/postgresql.conf.bak"
}
check "a file that the server cannot read is said to be that, not a right of the role" unreadable

linked_database() {
    sql 'create database linked'
    local oid
    oid=$(sql "select oid from pg_database where datname = 'linked'")
    pg_stop "$work/pg"
    mv "$work/pg/data/base/$oid" "$work/elsewhere"
    as postgres ln -s "$work/elsewhere" "$work/pg/data/base/$oid"
    # What is rightly left out: sockets, and a log that is kept elsewhere.
    as postgres mkdir "$work/socket/log"
    as postgres ln -s "$work/socket/log" "$work/pg/data/log"
    pg_settings "$work/pg" "unix_socket_directories = '$work/socket, $work/pg/data'"
    pg_start "$work/pg"
    expect_exit 3 backup >"$work/linked.json" 2>"$work/linked.said"
    grep -q "not restorable: it lacks base/$oid" "$work/linked.said"
    expect_equal "base/$oid, which is a link or a special file and which the server does not send|database \"linked\" (base/$oid)" \
        "$(jq -r '.missing | join("|")' "$work/linked.json")" "what is missing"
    expect_equal 'true false' "$(jq -r '[.stores[] | .complete, .restorable] | unique | reverse | join(" ")' "$work/linked.json")" \
        "complete and restorable"
    archive_all
    expect_exit 3 wf backups >"$work/backups.txt"
    grep -q 'NOT RESTORABLE, it is incomplete: base/' "$work/backups.txt"
    expect_equal "$(jq -r .id "$work/first.json")" \
        "$(wf status --json | jq -r '[.last_restorable_backups[].id] | unique | join(" ")')" "last restorable backup"
    pg_stop "$work/pg"
    rm "$work/pg/data/base/$oid"
    mv "$work/elsewhere" "$work/pg/data/base/$oid"
    pg_start "$work/pg"
    backup >"$work/whole.json"
    expect_equal '[]' "$(jq -c .missing "$work/whole.json")" "missing once it is no link any more"
    pg_stop "$work/pg"
}
check "a database behind a link makes a backup incomplete: exit 3, named, not restorable; sockets and the log do not" linked_database

# --- configuration behind links, a path that is not UTF-8, a history that was never archived

begin_cluster moved "$work/d"$'\xe9'
etc=$work/elsewhere.etc
install -d -o postgres -g postgres "$etc" "$etc/conf.d" "$etc/outside"
linked() { # FILE...: moved, and a link left behind
    local file
    for file in "$@"; do
        [ -e "$etc/$file" ] || mv "$folder/data/$file" "$etc/$file"
        as postgres ln -s "$etc/$file" "$folder/data/$file"
    done
}
echo 'work_mem = 7MB' >"$etc/conf.d/memory.conf"
echo 'max_worker_processes = 11' >"$etc/outside/more.conf"
printf 'postgres\n@more_roles\n' >"$etc/outside/roles"
echo 'somebody' >"$etc/outside/more_roles"
pg_settings "$folder" 'max_connections = 33' "include_dir = 'conf.d'" "include = '$etc/outside/more.conf'" \
    "hba_file = '$folder/data/access.conf'"
mv "$folder/data/pg_hba.conf" "$folder/data/access.conf"
sed -i "1i local all @$etc/outside/roles trust" "$folder/data/access.conf"
files="access.conf conf.d/memory.conf more.conf more_roles postgresql.conf roles server.key"
# From 16 on these two include others as well.
if [ "$postgres_major" -ge 16 ]; then
    mkdir "$etc/outside/ident.d"
    echo 'local all included trust' >"$etc/outside/hba.conf"
    echo 'included_map someone postgres' >"$etc/outside/ident.d/map.conf"
    echo "include \"$etc/outside/hba.conf\"" >>"$folder/data/access.conf"
    echo "include_if_exists \"$etc/outside/none.conf\"" >>"$folder/data/access.conf"
    echo "include_dir \"$etc/outside/ident.d\"" >>"$folder/data/pg_ident.conf"
    files="access.conf conf.d/memory.conf hba.conf ident.d/map.conf more.conf more_roles postgresql.conf roles server.key"
fi
install -m 600 -o postgres -g postgres /dev/null "$etc/server.key"
echo 'no key, but as secret' >"$etc/server.key"
linked postgresql.conf access.conf conf.d server.key
chown -R postgres:postgres "$etc"

promoted_before() {
    pg_start "$folder"
    sql 'create table t as select 1 as v'
    # The first life's WAL, and with it the history, goes elsewhere.
    sql "alter system set archive_command = 'true'"
    pg_stop "$folder"
    as postgres touch "$folder/data/standby.signal"
    pg_start "$folder"
    as postgres "$postgres_bin/pg_ctl" -D "$folder/data" -w -s promote
    expect_equal 2 "$(sql "select substr(pg_walfile_name(pg_current_wal_lsn()), 8, 1)")" "timeline"
    wait_for 60 no_history_waits
    sql 'alter system reset archive_command'
    sql 'select pg_reload_conf()' >/dev/null
    sql 'insert into t values (2)'
    archive_all
    expect_equal 0 "$(find "$work/stores" -name '00000002.history-*' | wc -l)" "histories in the stores"
    sql "select pg_create_physical_replication_slot('standby_1')" >/dev/null
    backup >"$work/moved.json"
    expect_equal '0 []' "$(jq -c '.exit_code, .missing' "$work/moved.json" | xargs)" "exit code and what is missing"
    expect_equal 2 "$(find "$work/stores" -name '00000002.history-*' | wc -l)" "histories in the stores"
    backup >/dev/null
    expect_equal 2 "$(find "$work/stores" -name '00000002.history-*' | wc -l)" "histories after another backup"
    sql 'insert into t values (3)'
    archive_all
    no grep 'second uploader' <(wf check 2>&1)
    pg_stop "$folder"
}
no_history_waits() { ! ls "$folder"/data/pg_wal/archive_status/*.ready >/dev/null 2>&1; }
check "a backup on a timeline whose history went elsewhere brings it along, once" promoted_before

linked_configuration() {
    expect_equal "$files" \
        "$(jq -r '.config_files[]' "$work/moved.json" | sed "s,.*/data/,,; s,.*/outside/,," | sort | xargs)" "files"
    mv "$etc" "$etc.gone"
    mv "$folder" "$work/gone"
    restored again
    grep -q 'replication slots, which no base backup holds: standby_1' "$work/again.said"
    expect_equal '33 7MB 11' "$(pg_sql "$work/again" "select concat_ws(' ', current_setting('max_connections'), current_setting('work_mem'), current_setting('max_worker_processes'))")" "settings"
    expect_equal 3 "$(pg_sql "$work/again" 'select max(v) from t')" "last row"
    expect_equal "$work/again/data/access.conf" "$(pg_sql "$work/again" 'show hba_file')" "pg_hba.conf"
    expect_equal 0 "$(pg_sql "$work/again" 'select count(*) from pg_hba_file_rules where error is not null')" "errors in it"
    expect_equal 'postgres,somebody' "$(pg_sql "$work/again" "select array_to_string(user_name, ',') from pg_hba_file_rules limit 1")" "its list"
    if [ "$postgres_major" -ge 16 ]; then
        expect_equal 1 "$(pg_sql "$work/again" "select count(*) from pg_hba_file_rules where 'included' = any (user_name)")" "rules of an included file"
        expect_equal "included_map" "$(pg_sql "$work/again" "select map_name from pg_ident_file_mappings where error is null")" "maps of an included folder"
        expect_equal 0 "$(pg_sql "$work/again" 'select count(*) from pg_ident_file_mappings where error is not null')" "errors in maps"
    fi
    expect_equal 600 "$(stat -c %a "$work/again/data/server.key")" "mode of the key"
    grep -q 'as secret' "$work/again/data/server.key"
}
check "configuration, lists and keys behind links come back as files, below a path that is not UTF-8" linked_configuration
