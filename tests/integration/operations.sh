#!/usr/bin/env bash
# docs/full-pg-wal.md, docs/adding-a-store.md, docs/lost-ledger.md and docs/rotating-keys.md, word for word: their commands
# are run as they stand there, but for the paths and what systemd would do.
. "$(dirname "$0")/../lib/integration.sh" "$1"
if [ -z "$WALFERRY_TESTS_LONG" ]; then
    skip "a full pg_wal, a store more, a lost ledger, new keys: the pages, word for word" "it is part of ./dev test --long"
    exit 0
fi

etc=$work/etc
export WALFERRY_CONFIG=$etc/walferry.toml PGHOST=$work/pg PGUSER=postgres PGDATABASE=postgres
spool=$work/spool
begin_configuration "$WALFERRY_CONFIG" "$spool"
sed -i "s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/pg user=postgres\"\n," "$WALFERRY_CONFIG"
sed -i 's,^\[encryption\],[signing]\nkey_file = "credentials/writer.key"\n\n&,' "$WALFERRY_CONFIG"
install -d "$etc/credentials"
add_directory_store "$WALFERRY_CONFIG" first
walferry init --owner postgres --group "$spool_gid" >"$work/init"
writer=$(grep -o 'walferry-writer1[a-z0-9]*' "$work/init" | head -n 1)
sed -i "s,^key_file.*,&\ntrusted_writers = [\"$writer\"]," "$WALFERRY_CONFIG"
pg_create "$work/pg" 1
pg_archive_to "$work/pg" "$spool"
pg_start "$work/pg"
pg_sql "$work/pg" 'create table steps (n int)'

# The host that restores: another configuration with the identity, the same stores.
restoring=$work/restoring
install -d "$restoring"
cp "$etc/identity.txt" "$restoring/identity.txt"
mv "$etc/identity.txt" "$work/safe.txt"
configure_restoring() {
    sed -e '/^key_file/d' -e 's,^spool = .*,spool = "/nonexistent",' -e '/^\[server\]/,/^$/d' \
        -e "s,^recipients,identity_file = \"${1:-identity.txt}\"\n&," "$WALFERRY_CONFIG" >"$restoring/walferry.toml"
}
on_restoring() { WALFERRY_CONFIG=$restoring/walferry.toml "$@"; }

# block PAGE SECTION NUMBER: the commands of a block, with this test's places.
block() {
    awk -v section="## $2" -v wanted="$3" '
        /^## / { inside = $0 == section }
        inside && /^ *```/ { open = !open; if (open) number++; next }
        inside && open && number == wanted' "$tests/../docs/$1.md" |
        sed "s,-o walferry -g walferry,-o $uploader_uid -g $spool_gid,; s,--group walferry,--group $spool_gid,
             s,/usr/lib/postgresql/15/bin,$postgres_bin,g
             s,/var/lib/postgresql/15/main,$work/pg/data,g; s,/var/lib/postgresql/15/pg_wal.full,$work/pg_wal.full,g
             s,/var/spool/walferry/main,$spool,g; s,/mnt/roomy,$work/roomy,g; s,/mnt/nas/walferry,$work/nas,g
             s,/mnt/first/walferry,$work/stores/first,g; s,/root/new.keys,$work/new.keys,g
             s,^systemctl.*,true,; s,^walferry backup\$,walferry backup --checkpoint fast,"
}
run_block() { # PAGE SECTION NUMBER [ETC]
    block "$1" "$2" "$3" | sed "s,/etc/walferry,${4:-$etc},g" >"$work/block"
    [ -s "$work/block" ] || { echo "there is no block $3 in $2 of $1" && return 1; }
    bash -euo pipefail "$work/block"
}
some_wal() {
    pg_sql "$work/pg" "insert into steps values ($1)"
    pg_archive_all "$work/pg"
}

store_more() {
    some_wal 1
    walferry drain >/dev/null
    walferry backup --checkpoint fast >/dev/null
    { echo && block adding-a-store 'Adding a store' 1; } >>"$WALFERRY_CONFIG"
    run_block adding-a-store 'Adding a store' 2
    block adding-a-store 'Adding a store' 3 | sed 's,^walferry check,& --no-server || true,' >"$work/block"
    bash -euo pipefail "$work/block" | tee "$work/said"
    grep -A 1 '^nas ' "$work/said" | grep -q 'added'
    run_block adding-a-store 'Adding a store' 4 | tee "$work/said"
    grep -q 'nas  *can be restored from it alone' "$work/said"
    grep -q 'last restorable backup in nas' "$work/said"
    configure_restoring
    on_restoring walferry backups | tee "$work/said"
    grep -q 'held by first$' "$work/said"
    grep -q 'held by first, nas' "$work/said"
}
check "a store more: it gets what comes from now on, and restores from the next base backup on" store_more

the_past() {
    run_block adding-a-store 'Bringing the past there as well' 1
    run_block adding-a-store 'Bringing the past there as well' 2
    on_restoring walferry backups >"$work/said"
    cat "$work/said"
    no grep -q 'held by first$' "$work/said"
    expect_equal 2 "$(grep -c 'held by first, nas' "$work/said")" "backups in both"
    some_wal 2
    walferry drain
}
check "the past is copied by an ordinary tool, and the ledger learns it from the listings" the_past

store_less() {
    awk -v RS= -v ORS='\n\n' '!/name = "nas"/' "$WALFERRY_CONFIG" >"$work/without"
    cp "$WALFERRY_CONFIG" "$work/with"
    cat "$work/without" >"$WALFERRY_CONFIG"
    some_wal 3
    expect_exit 2 walferry drain
    run_block adding-a-store 'Taking a store out' 1
    expect_equal 0 "$(find "$spool/ready" -type f | wc -l)" "files in the spool"
    walferry stores | grep -A 1 '^nas ' | grep -q retired
    # And back again, as a new one.
    cat "$work/with" >"$WALFERRY_CONFIG"
    some_wal 4
    walferry drain
}
check "a store less: the drain stops until that is said to be meant, and it may come back" store_less

ledger_lost() {
    rm "$spool"/ledger/ledger.db*
    some_wal 41
    run_block lost-ledger 'It is gone' 1 | tee "$work/said"
    grep -q 'nothing waits in the spool' "$work/said"
    pg_sql "$work/pg" 'insert into steps values (42)'
    sqlite3 "$spool/ledger/ledger.db" 'pragma wal_checkpoint(truncate)'
    dd if=/dev/urandom of="$spool/ledger/ledger.db" bs=4096 seek=1 count=20 conv=notrunc status=none
    some_wal 43
    refused 1 "walferry rebuild" walferry drain
    run_block lost-ledger 'It is damaged' 1 | tee "$work/said"
    grep -q 'ledger.db.2' "$work/said"
    expect_equal 0 "$(find "$spool/ready" -type f | wc -l)" "files in the spool"
    walferry check --no-server | grep 'no segment is missing'
    on_restoring walferry backups | grep 'held by first, nas'
}
check "a ledger that is deleted, and one that is damaged: archiving goes on, and rebuild fills a new one" ledger_lost

store_keys() {
    local owner
    echo new >"$work/new.keys"
    for owner in root:root "root:$postgres_gid"; do
        echo old >"$etc/credentials/main-r2"
        chown "$owner" "$etc/credentials/main-r2"
        chmod "$([ "$owner" = root:root ] && echo 600 || echo 640)" "$etc/credentials/main-r2"
        stat -c '%a %u:%g' "$etc/credentials/main-r2" >"$work/before"
        run_block rotating-keys 'Keys of a store' 1
        expect_equal "new $(cat "$work/before")" "$(cat "$etc/credentials/main-r2") $(stat -c '%a %u:%g' "$etc/credentials/main-r2")" "the file"
    done
    rm "$etc/credentials/main-r2"
}
check "new keys of a store: the file stays readable for those who could read it, on a host of either kind" store_keys

identity() {
    configure_restoring
    run_block rotating-keys 'Identity and recipient' 1 "$restoring"
    local new
    new=$(sed -n 's/^# public key: //p' "$restoring/identity.new")
    sed -i "s,^recipients.*,recipients = [\"$new\"]," "$WALFERRY_CONFIG"
    some_wal 5
    run_block rotating-keys 'Identity and recipient' 2
    configure_restoring
    on_restoring run_block rotating-keys 'Identity and recipient' 3 "$restoring" >"$work/both"
    expect_equal 3 "$(grep -c 'held by' "$work/both")" "backups that both identities open"
    configure_restoring identity.new
    on_restoring walferry backups >"$work/alone" || true
    cat "$work/alone"
    expect_equal 1 "$(grep -c 'held by' "$work/alone")" "backups that the new one opens"
    configure_restoring
}
check "a new identity: it opens what comes from now on, and both together open everything" identity

writer_key() {
    run_block rotating-keys 'Writer key' 1 >"$work/said"
    cat "$work/said"
    local new
    new=$(grep -o 'walferry-writer1[a-z0-9]*' "$work/said")
    [ "$new" != "$writer" ]
    some_wal 6
    sed -i "s,^trusted_writers.*,trusted_writers = [\"$writer\"\, \"$new\"]," "$WALFERRY_CONFIG"
    block rotating-keys 'Writer key' 2 | sed "s,/etc/walferry,$etc,g; s,^walferry check,& --no-server || true," >"$work/block"
    bash -euo pipefail "$work/block"
    configure_restoring
    on_restoring walferry backups
    local newest
    newest=$(walferry list --last 1 | cut -d' ' -f1)
    on_restoring walferry cat "${newest:0:24}" | cmp - "$work/reference/${newest:0:24}"
    sed -i "s,^trusted_writers.*,trusted_writers = [\"$writer\"]," "$restoring/walferry.toml"
    on_restoring refused 3 "not trusted" walferry cat "${newest:0:24}"
}
check "a new writer key: nothing is signed with it before it is trusted" writer_key

later "umount '$work/wal'"
full() {
    # A filesystem of its own for pg_wal, which archiving does not empty.
    pg_stop "$work/pg"
    truncate -s 160M "$work/wal.image"
    mkfs.ext4 -q "$work/wal.image"
    mkdir "$work/wal" "$work/roomy"
    mount -o loop "$work/wal.image" "$work/wal"
    rmdir "$work/wal/lost+found"
    cp -a "$work/pg/data/pg_wal/." "$work/wal/"
    chown postgres: "$work/wal"
    chmod 700 "$work/wal"
    rm -r "$work/pg/data/pg_wal"
    as postgres ln -s "$work/wal" "$work/pg/data/pg_wal"
    chmod 000 "$spool/ready"
    chmod 000 "$spool/tmp"
    pg_start "$work/pg"
    pg_sql "$work/pg" "set max_parallel_workers_per_gather = 0; create table filler (n int, t text)"
    local i
    for ((i = 0; i < 200; i++)); do
        pg_sql "$work/pg" "insert into filler select $i, repeat('x', 1000) from generate_series(1, 1000)" || break
    done
    [ "$i" -gt 20 ] && [ "$i" -lt 200 ]
    wait_for 60 server_is_down
    rows=$i
}
server_is_down() { refused 3 "no server running" as postgres "$postgres_bin/pg_ctl" -D "$work/pg/data" status; }
# One command after the other, as a person would: what check finds is no reason to stop.
looked() {
    block full-pg-wal 'Find the cause' 1 >"$work/block"
    bash -u "$work/block" || true
}
server_down() {
    full
    looked 2>&1 | tee "$work/said"
    grep -q '^[1-9][0-9]*$' "$work/said" # files that wait
    grep -q '100%' "$work/said"
    # What fills it is the link's target; the page moves a folder.
    rm "$work/pg/data/pg_wal"
    install -d -o postgres -g postgres -m 700 "$work/pg/data/pg_wal"
    cp -a "$work/wal/." "$work/pg/data/pg_wal/"
    run_block full-pg-wal 'The server is down' 1
    pg_start "$work/pg"
    expect_in "$((rows - 1))" pg_sql "$work/pg" 'select max(n) from filler'
    looked 2>&1 | tee "$work/said"
    grep -q 'archiving fails' "$work/said"
    grep -q failed_count "$work/said"
    chmod 2770 "$spool/ready" "$spool/tmp"
    walferry init --owner postgres --group "$spool_gid"
    run_block full-pg-wal 'Archive again' 1
    wait_for 120 nothing_ready
    run_block full-pg-wal 'Archive again' 2
    expect_equal 0 "$(run_block full-pg-wal 'The server is down' 2)" "segments that wait"
    block full-pg-wal 'The server is down' 3 | sed 's,^walferry check --switch,& || true,' >"$work/block"
    bash -euo pipefail "$work/block"
    walferry drain
    walferry check --no-server >"$work/said" || true
    grep 'no segment is missing' "$work/said"
}
nothing_ready() { [ "$(find "$work/roomy/pg_wal/archive_status" -name '*.ready' | wc -l)" = 0 ]; }
check "a full pg_wal: the server starts again, archives everything, and nothing is missing" server_down
