#!/usr/bin/env bash
# docs/restoring.md, word for word: its commands are run as they stand there, but for the paths. A server like Debian's,
# its configuration outside the data directory and a tablespace elsewhere, loses a table, then everything, and is brought
# back at last without walferry.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/restoring.sh"
if [ -z "$WALFERRY_TESTS_LONG" ]; then
    skip "the runbook, word for word" "it is part of ./dev test --long"
    exit 0
fi

begin_restoring
begin_server
stop_process "$load"
install -d -o postgres -g postgres "$work/pg.etc" "$work/pg.etc/conf.d" "$work/host" "$work/hand" "$work/old"
pg_stop "$work/pg"
mv "$work"/pg/data/{postgresql,pg_hba,pg_ident}.conf "$work/pg.etc/"
printf '%s\n' "data_directory = '$work/pg/data'" "hba_file = '$work/pg.etc/pg_hba.conf'" \
    "ident_file = '$work/pg.etc/pg_ident.conf'" "include_dir 'conf.d'" >>"$work/pg.etc/postgresql.conf"
echo 'work_mem = 7MB' >"$work/pg.etc/conf.d/own.conf"
start_as_debian() {
    as postgres sh -c 'umask 077; exec "$@"' sh "$postgres_bin/pg_ctl" -D "$work/pg/data" -l "$work/pg/log" -w -s \
        -o "-c config_file=$work/pg.etc/postgresql.conf" start
}
start_as_debian
base_backup
step 1
at=$time
began=$time
sleep 0.2
pg_sql "$work/pg" 'drop table precious'
step 2
drain_all

# The host that restores, as "What you need" has it.
host=$work/host
# keys_into FOLDER: the stores' keys in it, called as walferry setup would, and the configuration says so.
keys_into() {
    local store
    install -d -m 700 "$1/credentials"
    for store in ceph swift; do
        install -m 600 "$work/etc/$store.credentials" "$1/credentials/main-$store"
    done
    sed -i 's,^credentials_file = .*/*\(ceph\|swift\).credentials",credentials_file = "credentials/main-\1",' "$1/walferry.toml"
}
install -d "$host/walferry"
install -m 600 "$restoring" "$work/restoring/identity.txt" "$host/walferry/"
keys_into "$host/walferry"
export WALFERRY_CONFIG=$host/walferry/walferry.toml PGHOST=$work/pg

# block SECTION NUMBER: the commands of a block, with this test's places.
block() {
    awk -v section="## $1" -v wanted="$2" '
        /^## / { inside = $0 == section }
        inside && /^```/ { open = !open; if (open) number++; next }
        inside && open && number == wanted' "$tests/../docs/restoring.md" |
        sed "s,/etc/walferry,$host/walferry,g; s,/usr/lib/postgresql/15/bin,$postgres_bin,g; s,/var/spool/walferry,$work/no-spool,g; s,/var/lib/postgresql/15/main,$work/pg/data,g; s,/var/lib/postgresql/15/before,$work/pg/before,g
             s,/restore/,$work/hand/,g; s,20260131T020000Z-1a2b3c4d,$backup,g; s,16384,$oid,g; s,2026-01-31 09:05:00+01:00,$at,g
             s,2026-01-31 09:00:00+01,$began,g; s,--database app,--database postgres,
             s,/var/tmp/precious.sql,$work/precious.sql,g; s,--no-archiving,--no-archiving --tablespace $work/space=$work/space.before,; s,--without b2,--without swift,"
}
run_block() { # SECTION NUMBER
    block "$1" "$2" >"$work/block"
    [ -s "$work/block" ] || { echo "there is no block $2 in $1" && return 1; }
    bash -euo pipefail "$work/block"
}
backup='' oid=''

prepared() {
    # A host that archives keeps its files as they are, whichever block is taken there.
    local before
    install -d "$work/archives/main/ready"
    before=$(stat -c '%n %a %U:%G' "$host"/walferry "$host"/walferry/* "$host"/walferry/credentials/*)
    block "What you need" 1 | sed "s,$work/no-spool,$work/archives,g" | bash -euo pipefail
    expect_equal "$before" "$(stat -c '%n %a %U:%G' "$host"/walferry "$host"/walferry/* "$host"/walferry/credentials/*)" "its files"
    touch "$host/walferry/credentials/writer.key"
    run_block "What you need" 2
    as postgres test -r "$host/walferry/restoring/credentials/main-ceph"
    no test -e "$host/walferry/restoring/credentials/writer.key"
    no as postgres test -r "$host/walferry/credentials/main-ceph"
    WALFERRY_CONFIG=$host/walferry/restoring/walferry.toml as postgres walferry backups >/dev/null
    rm -r "$host/walferry/restoring" "$host/walferry/credentials/writer.key"
    run_block "What you need" 1
    run_block "What you need" 3 | tee "$work/listed"
    grep -q 'held by ceph, swift' "$work/listed"
}
check "what you need: rights on the files, and a look at what there is" prepared
backup=$(grep -o '^[0-9]*T[0-9]*Z-[0-9a-f]*' "$work/listed")
oid=$(pg_sql "$work/pg" "select oid from pg_tablespace where spcname = 'fast'")

table_lost() {
    run_block "A table is lost" 1
    run_block "A table is lost" 2
    wait_for 60 copy_is_open
    # On the database host, which has the ledger.
    WALFERRY_CONFIG=$configuration run_block "A table is lost" 3 | tee "$work/answers"
    grep -q 'dropped in database postgres' "$work/answers"
    grep -q 'restore to before it: --target-lsn .* --exclusive' "$work/answers"
    run_block "A table is lost" 5 | tee "$work/answers"
    grep -q 1000 "$work/answers"
    run_block "A table is lost" 6
    expect_equal 1000 "$(pg_sql "$work/pg" 'select count(*) from precious')" "rows that came back"
    run_block "A table is lost" 7
    no test -e "$work/pg/before" -o -e "$work/pg/before.startup.log"
    rm -r "$work/space.before"
}
copy_is_open() { as postgres psql -p 5433 -XAtc 'select pg_is_in_recovery()' | grep -x f; }
check "a table is lost: a copy beside the server, and the table from there" table_lost

server_lost() {
    pg_sql "$work/pg" 'insert into steps values (3)'
    pg_stop "$work/pg" # which archives what it has
    as uploader walferry --config "$configuration" drain >/dev/null
    mv "$work/pg/data" "$work/pg.etc" "$work/space" "$work/old/"
    run_block "The server is lost" 1
    run_block "The server is lost" 2
    wait_for 60 opened_again
    expect_equal 3 "$(pg_sql "$work/pg" 'select max(n) from steps')" "last step"
    expect_equal 1000 "$(pg_sql "$work/pg" 'select count(*) from precious')" "rows"
    expect_equal 7MB "$(pg_sql "$work/pg" 'show work_mem')" "a setting from conf.d"
    expect_equal "$work/pg/data" "$(pg_sql "$work/pg" 'show data_directory')" "data directory"
    grep -q 'archive recovery complete' "$work/pg/data.startup.log"
    run_block "The server is lost" 4
    pg_archive_all "$work/pg"
    pg_stop "$work/pg"
}
opened_again() { [ "$(pg_sql "$work/pg" 'select pg_is_in_recovery()')" = f ]; }
check "the server is lost: it comes back to its place with its configuration, and archives again" server_lost

by_hand() {
    mkdir "$work/fetched"
    fetch_objects swift wal-swift "$work/fetched" >/dev/null
    mv "$work/fetched/prod/main/"* "$work/hand/archive"
    (umask 077 && block "Without walferry" 1 >"$work/block" && block "Without walferry" 2 >>"$work/block" &&
        block "Without walferry" 3 >>"$work/block" && block "Without walferry" 4 >>"$work/block" && bash -euo pipefail "$work/block")
    as_it_says
    # No timeline of the server that was just brought back: its segments are not in this store yet.
    run_block "Without walferry" 5 || { tail -20 "$work/hand/startup.log"; return 1; }
    wait_for 60 opened_again
    expect_equal 3 "$(pg_sql "$work/pg" 'select max(n) from steps')" "last step"
    expect_equal 5000 "$(pg_sql "$work/pg" 'select count(*) from placed')" "rows in the tablespace"
    expect_equal 7MB "$(pg_sql "$work/pg" 'show work_mem')" "a setting from conf.d"
    as postgres "$postgres_bin/pg_ctl" -D "$work/hand/data" -m fast -w -s stop
}
# The one step that the runbook leaves to hands.
as_it_says() {
    local name
    for name in postgresql pg_hba pg_ident; do
        sed -E '/^(data_directory|hba_file|ident_file|external_pid_file)/d' "$work/hand/etc$work/pg.etc/$name.conf" \
            >"$work/hand/data/$name.conf"
        chown postgres "$work/hand/data/$name.conf"
    done
    # Included as before, by a name that now lies in the data directory.
    cp -r "$work/hand/etc$work/pg.etc/conf.d" "$work/hand/data/conf.d"
    chown -R postgres "$work/hand/data/conf.d"
}
check "without walferry: age, zstd and tar alone" by_hand

store_lost() {
    as uploader walferry --config "$configuration" drain >/dev/null
    mkdir "$work/older"
    mv "$work/pg/data" "$work/space" "$work/older/"
    control_s3 swift crash
    grep -q '`walferry backups --without b2`' "$tests/../docs/restoring.md"
    as postgres walferry backups --without swift | grep 'held by ceph$'
    run_block "A store is lost" 1
    run_block "The server is lost" 2
    wait_for 60 opened_again
    expect_equal 3 "$(pg_sql "$work/pg" 'select max(n) from steps')" "last step"
    expect_equal 5000 "$(pg_sql "$work/pg" 'select count(*) from placed')" "rows in the tablespace"
    pg_stop "$work/pg"
    control_s3 swift up
}
check "a store is lost: the other one brings everything back" store_lost

# Another host, where nothing is but the identity from the safe and new keys of the stores.
host=$work/new-host
install -d -o postgres -g postgres "$host"
mkdir "$host/walferry"
install -m 600 "$work/etc/identity.txt" "$host/walferry/"
export WALFERRY_CONFIG=$host/walferry/walferry.toml
key_host_lost() {
    run_block "The host with the key is lost" 1
    expect_exit 2 walferry config
    expect_in "walferry.toml:" walferry config
    filled_in
    keys_into "$host/walferry"
    walferry config >/dev/null
    run_block "What you need" 1
    run_block "What you need" 3 | tee "$work/listed"
    grep -q 'held by ceph, swift' "$work/listed"
    mv "$work/pg/data" "$work/older/once-more"
    mv "$work/space" "$work/older/space-once-more"
    run_block "The server is lost" 1
    run_block "The server is lost" 2
    wait_for 60 opened_again
    expect_equal 3 "$(pg_sql "$work/pg" 'select max(n) from steps')" "last step"
    pg_stop "$work/pg"
}
# What the section says in words: each key by hand, the stores as the provider's console has them.
filled_in() {
    local store
    sed -i "s,^recipients = .*,recipients = [\"$(sed -n 's/^# public key: //p' "$host/walferry/identity.txt")\"]," "$WALFERRY_CONFIG"
    sed -i "s,^# identity_file = .*,identity_file = \"$host/walferry/identity.txt\"," "$WALFERRY_CONFIG"
    sed -i '/^\[\[store\]\]/,$d' "$WALFERRY_CONFIG"
    for store in ceph swift; do
        (
            . "$work/$store/env"
            printf '[[store]]\nname = "%s"\ntype = "s3"\nendpoint = "%s"\nregion = "%s"\nbucket = "%s"\nprefix = "prod"\ncredentials_file = "%s"\n' \
                $store "$S3_ENDPOINT" "$S3_REGION" "wal-$store" "$store.credentials" >>"$WALFERRY_CONFIG"
        )
    done
}
check "the host with the key is lost: a new one, with the identity, a sample filled in and new keys, brings it back" key_host_lost
