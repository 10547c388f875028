#!/usr/bin/env bash
# walferry backup of a server under load to Ceph and to Swift: restored by hand with age, zstd and tar alone; killed,
# run twice at once, with a store that is down from the start and one that dies on the way.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
start_s3 ceph wal-ceph
start_s3 swift wal-swift
begin_configuration "$configuration" "$spool"
sed -i "s,^work_dir.*,work_dir = \"/nonexistent\"\n\n[server]\nconninfo = \"host=$work/pg user=walferry\"," "$configuration"
add_s3_store "$configuration" ceph wal-ceph
add_s3_store "$configuration" swift wal-swift 'connect_timeout = "2s"' 'silence_timeout = "3s"' 'attempts = 2'
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
backup() { as uploader walferry backup --checkpoint fast "$@"; }
ledger() { as uploader sqlite3 -readonly "$spool/ledger/ledger.db" "$1"; }

# Part of the configuration lies elsewhere, as on Debian, one file where its user alone can read it.
install -d -o postgres -g postgres "$work/pg.etc" "$work/fast.space"
pg_create "$work/pg"
chmod 711 "$work/pg" # the way to its socket
mv "$work/pg/data/pg_hba.conf" "$work/pg.etc/pg_hba.conf"
echo 'work_mem = 7MB' >"$work/pg.etc/extra.conf"
pg_settings "$work/pg" "hba_file = '$work/pg.etc/pg_hba.conf'" "include '$work/pg.etc/extra.conf'"
pg_archive_to "$work/pg" "$spool"
pg_start "$work/pg"
system_identifier=$("$postgres_bin/pg_controldata" "$work/pg/data" | sed -n 's/^Database system identifier: *//p')
pg_sql "$work/pg" "create role walferry login replication; create role nothing login; create role nobody login replication"
pg_sql "$work/pg" "create tablespace fast location '$work/fast.space'"
pg_bench "$work/pg" -i -q -s $([ -n "$WALFERRY_TESTS_LONG" ] && echo 60 || echo 10) >"$work/pgbench.log" 2>&1
pg_sql "$work/pg" "create table placed tablespace fast as select g, md5(g::text) from generate_series(1, 100000) g;
    create table noise as select g, gen_random_uuid() a, gen_random_uuid() b from generate_series(1, 1200000) g"
start_as postgres "$work/load.log" "$postgres_bin/pgbench" -h "$work/pg" -U postgres -c 2 -T 900 --rate=100 postgres
later "stop_process $started"

# --- what the server must allow

needs_rights() {
    with() { sed "s,user=walferry,user=$1," "$configuration" >"$work/etc/$1.toml" && for_uploader "$work/etc/$1.toml"; }
    with nothing
    expect_exit 1 backup --config "$work/etc/nothing.toml"
    expect_in pg_read_all_settings backup --config "$work/etc/nothing.toml"
    pg_sql "$work/pg" 'grant pg_read_all_settings to nothing, nobody, walferry'
    expect_in 'ALTER ROLE' backup --config "$work/etc/nothing.toml"
    sed -i '1i local replication nobody reject' "$work/pg.etc/pg_hba.conf"
    pg_sql "$work/pg" 'select pg_reload_conf()'
    with nobody
    expect_exit 1 backup --config "$work/etc/nobody.toml"
    expect_in 'pg_hba.conf needs a line' backup --config "$work/etc/nobody.toml"
    with unknown
    expect_in 'docs/backup.md' backup --config "$work/etc/unknown.toml"
    expect_equal 0 "$(ledger 'select count(*) from backup')" "backups begun"
}
check "a role or a pg_hba.conf that does not let it is said with what to change" needs_rights

wrong_usage() {
    expect_exit 2 backup --max-rate 5
    expect_exit 2 backup --checkpoint now
    expect_exit 2 backup --label $'two\nlines'
    sed "s,^conninfo.*,conninfo = \"hots=/tmp password=geheim\"," "$configuration" >"$work/etc/typo.toml"
    for_uploader "$work/etc/typo.toml"
    expect_exit 2 backup --config "$work/etc/typo.toml"
    no expect_in geheim backup --config "$work/etc/typo.toml"
}
check "wrong usage is told from failure, and a password in it is not repeated" wrong_usage

# --- a backup, and back again by hand

made() {
    backup --json >"$work/first.json" 2>"$work/first.said"
    expect_equal 0 "$(jq .exit_code "$work/first.json")" "exit code"
    expect_equal 2 "$(jq '[.stores[] | select(.complete and .restorable)] | length' "$work/first.json")" "stores"
    expect_equal 2 "$(ledger "select count(*) from backup_copies where restorable")" "restorable copies in the ledger"
    expect_equal '[]' "$(jq -c .config_files "$work/first.json")" "without the right to read them"
    pg_sql "$work/pg" 'grant pg_read_server_files to walferry;
        grant execute on function pg_read_binary_file(text, bigint, bigint, boolean) to walferry'
}
check "a server under load is backed up to both stores, and its WAL comes after it" made
check "configuration that the role may not read is said and left out" \
    grep 'extra.conf is not part of this backup.*pg_read_server_files' "$work/first.said"

# opened STREAM ID FOLDER: a stream of a backup, by age and zstd alone.
opened() {
    local piece
    for piece in "$3/prod/main/$system_identifier/backup/$2/$1".*.age; do age -d -i "$work/etc/identity.txt" "$piece"; done | zstd -dq
}

# by_hand STORE ID: the data directory in $work/back-STORE/data, and a server on it that has replayed the WAL.
by_hand() {
    local back=$work/back-$1 objects=$work/objects-$1
    rm -rf "$back" "$objects"
    install -d -m 700 "$objects" "$back" "$back/data" "$back/space" "$back/etc"
    fetch_objects "$1" "wal-$1" "$objects" >/dev/null
    opened base "$2" "$objects" | tar x -C "$back/data"
    opened manifest "$2" "$objects" >"$back/data/backup_manifest"
    opened config "$2" "$objects" | tar x -C "$back/etc"
    local oid
    oid=$(cut -d' ' -f1 "$back/data/tablespace_map")
    opened "$oid" "$2" "$objects" | tar x -C "$back/space"
    # What the server's own tool says: every file, by its checksum.
    ln -s "$back/space" "$back/data/pg_tblspc/$oid"
    if pg_fits pg_verifybackup; then "$postgres_bin/pg_verifybackup" -n "$back/data"; fi
    rm "$back/data/pg_tblspc/$oid"
    echo "$oid $back/space" >"$back/data/tablespace_map"
    mkdir "$back/wal"
    find "$objects" -path '*/wal/*' -name '*.zst.age' | while read -r object; do
        age -d -i "$work/etc/identity.txt" "$object" | zstd -dq >"$back/wal/$(basename "$object" | cut -d- -f1)"
    done
    cmp "$back/etc$work/pg.etc/extra.conf" "$work/pg.etc/extra.conf"
    printf '%s\n' "hba_file = '$back/etc$work/pg.etc/pg_hba.conf'" "archive_mode = off" \
        "unix_socket_directories = '$back'" "restore_command = 'cp $back/wal/%f %p'" >>"$back/data/postgresql.conf"
    touch "$back/data/recovery.signal"
    chown -R postgres:postgres "$back"
    later "as postgres '$postgres_bin/pg_ctl' -D '$back/data' -m immediate stop"
    pg_start "$back"
    wait_for 60 recovered "$back"
}
recovered() { [ "$(pg_sql "$1" 'select pg_is_in_recovery()')" = f ]; }

restored() { # STORE
    by_hand "$1" "$(jq -r .id "$work/second.json")"
    expect_equal "$(pg_sql "$work/pg" "select count(*), sum(hashtext(md5)) from placed")" \
        "$(pg_sql "$work/back-$1" "select count(*), sum(hashtext(md5)) from placed")" "rows in the tablespace"
    expect_equal "$(pg_sql "$work/pg" "select count(*), sum(hashtext(a::text || b)) from noise")" \
        "$(pg_sql "$work/back-$1" "select count(*), sum(hashtext(a::text || b)) from noise")" "rows of noise"
    # pgbench keeps these four equal, whenever it is asked.
    expect_equal 1 "$(pg_sql "$work/back-$1" "select count(*) from (select sum(abalance) from pgbench_accounts union
        select sum(bbalance) from pgbench_branches union select sum(tbalance) from pgbench_tellers union
        select sum(delta) from pgbench_history) s")" "pgbench's sums"
    expect_at_least 1 "$(pg_sql "$work/back-$1" 'select count(*) from pgbench_history')" "transactions"
    pg_stop "$work/back-$1"
    rm -rf "$work/back-$1" "$work/objects-$1"
}
complete() {
    backup --label "before the migration" --json >"$work/second.json" 2>"$work/second.said"
    expect_equal 0 "$(jq .exit_code "$work/second.json")" "exit code"
    expect_equal "$work/pg.etc/extra.conf $work/pg.etc/pg_hba.conf" "$(jq -r '.config_files | join(" ")' "$work/second.json")" \
        "configuration files"
}
check "configuration outside the data directory is part of a backup, what it includes too" complete
check "age, zstd and tar alone bring it back from Ceph, and a server starts on it" restored ceph
if [ -n "$WALFERRY_TESTS_LONG" ]; then check "the same from Swift" restored swift; fi

described() {
    install -d -m 700 "$work/objects"
    fetch_objects ceph wal-ceph "$work/objects" >/dev/null
    local folder=$work/objects/prod/main/$system_identifier/backup object sha
    folder=$folder/$(jq -r .id "$work/second.json")
    age -d -i "$work/etc/identity.txt" "$folder"/label-* | zstd -dq >"$work/label.json"
    expect_equal "$(jq -r .stop_lsn "$work/second.json")" "$(jq -r .stop_lsn "$work/label.json")" "stop"
    expect_equal "$work/fast.space" "$(jq -r '.tablespaces[0].location' "$work/label.json")" "tablespace"
    expect_equal fast "$(jq -r '.tablespaces[0].name' "$work/label.json")" "tablespace's name"
    expect_equal "$(find "$folder" -name '*.zst.age' -not -name 'label-*' | wc -l)" \
        "$(jq '[.streams[].pieces[]] | length' "$work/label.json")" "pieces"
    find "$folder" -name '*.zst.age' -not -name 'label-*' -exec sha256sum {} + | cut -d' ' -f1 | sort >"$work/are"
    jq -r '.streams[].pieces[].sha256' "$work/label.json" | sort | diff - "$work/are"
    # What a host without an identity reads: all of that, and each object's size.
    zstd -dq <"$folder"/index-*.json.zst >"$work/index.json"
    (cd "$folder/../.." && find "backup/${folder##*/}" -name '*.zst.age' -printf '%p %s\n') | LC_ALL=C sort >"$work/are"
    jq -r '.objects[] | "\(.key) \(.size)"' "$work/index.json" | diff - "$work/are"
    expect_equal "$(jq -r .stopped_at "$work/label.json") true" "$(jq -r '"\(.stopped_at) \(.complete)"' "$work/index.json")" "index"
    expect_equal "$(jq -r .id "$work/label.json")" "$(jq -r .id "$folder"/begin-*.json)" "beginning"
    rm -rf "$work/objects"
}
check "the label says what there is, by the hashes of the objects" described

# --- ended early, twice at once

objects_of() { # STORE ID: how many, and the label among them
    (
        . "$work/$1/env"
        export S3_ENDPOINT S3_ACCESS_KEY S3_SECRET_KEY S3_REGION
        python3 "$tests/lib/s3_fetch.py" "wal-$1" - | grep -c "/backup/$2/${3:-}" || true
    )
}
slow_backup() { # LOG
    start_as uploader "$1" walferry backup --checkpoint fast --max-rate 8M
    slow=$started
    later "stop_process $slow KILL"
    wait_for 60 begun
}
begun() { [ -n "$(ledger 'select name from backup where finished_at is null')" ]; }
running_id() { ledger 'select name from backup where finished_at is null order by id desc limit 1'; }
some_pieces() { [ "$(objects_of "$1" "$(running_id)")" -ge 1 ]; }

killed() {
    slow_backup "$work/killed.log"
    wait_for 60 some_pieces ceph
    wait_for 60 some_pieces swift
    expect_exit 5 backup
    expect_in "$slow" backup
    local id
    id=$(running_id)
    kill -KILL "$slow"
    wait_for 10 gone "$slow"
    backup >"$work/after.log" 2>&1
    grep -q "backup $id, which was interrupted, from store ceph" "$work/after.log"
    grep -q "backup $id, which was interrupted, from store swift" "$work/after.log"
    expect_equal 0 "$(objects_of ceph "$id")" "left in ceph"
    expect_equal 0 "$(objects_of swift "$id")" "left in swift"
    expect_equal removed,removed "$(ledger "select group_concat(state) from backup_upload u join backup b on b.id = u.backup
        where b.name = '$id'")" "in the ledger"
}
check "a second backup exits 5 and names the first; one that is killed leaves no lock, and the next removes its pieces" killed

# As if it had been killed between the label and the record of it.
whole_after_all() {
    local id
    id=$(jq -r .id "$work/second.json")
    as uploader sqlite3 "$spool/ledger/ledger.db" "update backup_upload set state = 'pending', verified_at = null
        where backup = (select id from backup where name = '$id')"
    local before
    before=$(objects_of ceph "$id")
    backup >"$work/whole.log" 2>&1
    grep -q "backup $id is whole in store ceph" "$work/whole.log"
    expect_equal "$before" "$(objects_of ceph "$id")" "objects in ceph"
    expect_equal 2 "$(ledger "select count(*) from backup_copies where backup = '$id' and restorable")" "restorable copies"
}
check "one that was killed with all of its work done is kept" whole_after_all

stopped() {
    slow_backup "$work/stopped.log"
    wait_for 60 some_pieces ceph
    kill -TERM "$slow"
    wait_for 30 gone "$slow"
    local status=0
    wait "$slow" || status=$?
    expect_equal 4 $status "exit code"
    expect_equal 0 "$(pg_sql "$work/pg" "select count(*) from pg_stat_progress_basebackup")" "backups that the server still makes"
}
check "SIGTERM ends it soon, on the server too" stopped

dead_server() {
    slow_backup "$work/dead.log"
    wait_for 60 some_pieces ceph
    local id
    id=$(running_id)
    pg_sql "$work/pg" "select pg_terminate_backend(pid) from pg_stat_replication where application_name = 'walferry backup'" >/dev/null
    wait_for 60 gone "$slow"
    local status=0
    wait "$slow" || status=$?
    expect_equal 1 $status "exit code"
    grep -q 'the PostgreSQL server' "$work/dead.log"
    expect_equal 0 "$(objects_of ceph "$id")" "left in ceph"
}
check "a server that ends the backup half-way leaves none, and nothing in the stores" dead_server

# --- stores

one_down() {
    control_s3 swift crash
    local id
    expect_exit 4 backup --json >"$work/down.json" 2>"$work/down.log"
    grep -q 'store swift is given up for this backup' "$work/down.log"
    id=$(jq -r .id "$work/down.json")
    expect_equal 'true false' "$(jq -r '[.stores[].complete] | join(" ")' "$work/down.json")" "complete"
    expect_equal true "$(jq -r '.stores[0].restorable' "$work/down.json")" "restorable from ceph"
    expect_equal 1 "$(objects_of ceph "$id" label-)" "labels in ceph"
    control_s3 swift up
    as uploader walferry drain --wait 60
}
check "with a store down from the beginning the other one has the backup, and the exit code says so" one_down

one_dies() {
    slow_backup "$work/dies.log"
    wait_for 60 some_pieces swift
    local id status=0
    id=$(running_id)
    control_s3 swift crash
    wait "$slow" || status=$?
    expect_equal 4 $status "exit code"
    control_s3 swift up
    wait_for 30 some_or_none swift "$id"
    expect_equal 1 "$(objects_of ceph "$id" label-)" "labels in ceph"
    expect_equal 0 "$(objects_of swift "$id" label-)" "labels in swift"
    as uploader walferry drain --wait 60
    backup 2>"$work/tidy.log"
    expect_equal 0 "$(objects_of swift "$id")" "left in swift"
    expect_at_least 4 "$(objects_of ceph "$id")" "objects in ceph"
}
some_or_none() { objects_of "$1" "$2" >/dev/null; }
if [ -n "$WALFERRY_TESTS_LONG" ]; then
    check "a store that dies on the way is given up; its pieces go with the next run, the other's stay" one_dies
fi

all_down() {
    control_s3 swift crash
    control_s3 ceph crash
    expect_exit 1 backup
    control_s3 ceph up
    control_s3 swift up
}
if [ -n "$WALFERRY_TESTS_LONG" ]; then check "with every store down there is no backup, and the server is let go" all_down; fi

# --- a standby

# Two configurations beside the main one: a host that has no spool, and a standby that WAL is streamed to.
standby() {
    pg_copy "$work/pg" "$work/standby/data" -R --tablespace-mapping="$work/fast.space=$work/standby/space"
    chmod 711 "$work/standby"
    pg_settings "$work/standby" "unix_socket_directories = '$work/standby'" 'archive_mode = on' "archive_command = 'false'"
    pg_start "$work/standby"
    sed "s,host=$work/pg user=walferry,host=$work/standby user=walferry,; s,^spool = .*,spool = \"$work/none\"," "$configuration" >"$work/etc/standby.toml"
    for_uploader "$work/etc/standby.toml"
    # What its end needs is archived by the primary, which has no reason to end its segment by itself.
    start_as uploader "$work/standby.log" walferry --config "$work/etc/standby.toml" backup --checkpoint fast --json
    local pid=$started status=0
    while ! gone "$pid"; do
        pg_sql "$work/pg" 'select pg_switch_wal()' >/dev/null
        as uploader walferry drain || true
        sleep 1
    done
    wait "$pid" || status=$?
    cat "$work/standby.log"
    expect_equal 0 $status "exit code"
    grep -q 'the server is a standby' "$work/standby.log"
    grep -q 'no ledger here can be used' "$work/standby.log"
}
promoted() {
    start_as uploader "$work/promoted.log" walferry --config "$work/etc/standby.toml" backup --checkpoint fast --max-rate 8M
    local pid=$started status=0
    wait_for 60 streaming
    pg_sql "$work/standby" 'select pg_promote()' >/dev/null
    wait "$pid" || status=$?
    cat "$work/promoted.log"
    expect_equal 1 $status "exit code"
    grep -q 'promoted' "$work/promoted.log"
}
streaming() { [ "$(pg_sql "$work/standby" "select phase from pg_stat_progress_basebackup")" = 'streaming database files' ]; }
if [ -n "$WALFERRY_TESTS_LONG" ]; then
    pg_folder "$work/standby"
    install -d -o postgres -g postgres -m 700 "$work/standby/space"
    check "a standby is backed up from a host without a spool, once the primary has archived what it needs" standby
    check "a standby that is promoted meanwhile leaves no backup" promoted
fi

# --- the archiver, another cluster

broken_archiver() {
    pg_sql "$work/pg" "alter system set archive_command = 'false'"
    pg_sql "$work/pg" 'select pg_reload_conf()'
    local began=$SECONDS
    expect_exit 4 backup --json >"$work/broken.json" 2>"$work/broken.log"
    grep -q 'archive_command fails' "$work/broken.log"
    expect_equal 'true true' "$(jq -r '[.stores[].complete] | join(" ")' "$work/broken.json")" "complete"
    expect_equal 'false false' "$(jq -r '[.stores[].restorable] | join(" ")' "$work/broken.json")" "restorable"
    expect_at_least $((SECONDS - began)) 180 "seconds that it took"
    pg_sql "$work/pg" 'alter system reset archive_command'
    pg_sql "$work/pg" 'select pg_reload_conf()'
    wait_for 90 archived_again
    as uploader walferry drain
    expect_equal 2 "$(ledger "select sum(restorable) from backup_copies where backup = '$(jq -r .id "$work/broken.json")'")" \
        "restorable once it is mended"
}
archived_again() { [ "$(pg_sql "$work/pg" "select last_archived_wal >= '$(jq -r .last_segment "$work/broken.json")' from pg_stat_archiver")" = t ]; }
if [ -n "$WALFERRY_TESTS_LONG" ]; then
    check "a broken archive_command does not hold a backup for ever: it is there, and not restorable until the WAL is" broken_archiver
fi

other_cluster() {
    pg_create "$work/other"
    chmod 711 "$work/other"
    pg_start "$work/other"
    sed "s,host=$work/pg user=walferry,host=$work/other user=postgres," "$configuration" >"$work/etc/other.toml"
    for_uploader "$work/etc/other.toml"
    expect_exit 2 backup --config "$work/etc/other.toml"
    expect_in 'but the WAL in the spool' backup --config "$work/etc/other.toml"
}
check "a server of another cluster than the spool's is refused" other_cluster

# The same server tells who has come as far as it.
by_peer() {
    printf 'local %s all peer\n' all replication >"$work/other/data/pg_hba.conf"
    pg_sql "$work/other" 'select pg_reload_conf()'
    expect_in 'Peer authentication failed' backup --config "$work/etc/other.toml"
    expect_in 'but the WAL in the spool' walferry --config "$work/etc/other.toml" backup --checkpoint fast
    sed 's,user=postgres,user=no_such_user,' "$work/etc/other.toml" >"$work/etc/peer.toml"
    expect_in 'Peer authentication failed' walferry --config "$work/etc/peer.toml" backup
}
check "root logs in as the Unix user with the role's name, where the server asks who is there" by_peer

bounded() {
    install -o "$uploader_uid" -g "$spool_gid" /dev/null "$work/measured"
    install -m 644 "$tests/bench/measure.py" "$work/"
    # 64 MiB for each of the workers and for two pieces more, and what the program needs itself.
    setpriv --reuid="$uploader_uid" --regid="$spool_gid" --clear-groups env HOME=/nonexistent \
        python3 "$work/measure.py" run "$work/measured" backup \
        "$work/bin/walferry" backup --checkpoint fast --jobs 2 >/dev/null
    expect_at_least "$(cut -f4 "$work/measured")" $((320 * 1024)) "KiB of memory at most"
}
if [ -n "${WALFERRY_SANITIZED:-}" ]; then
    skip "memory stays within what the workers are given" "a sanitizer takes several times as much"
else
    check "memory stays within what the workers are given, however large the cluster" bounded
fi
