#!/usr/bin/env bash
# Whoever knows a recipient, which is public, can make a base backup that decrypts, and put it, or a label of its own, where
# the true ones are. Where the restoring side names the writers that it trusts, only theirs are restored.
. "$(dirname "$0")/../lib/integration.sh" "$1"

# host NAME SPOOL: a configuration with a writer key of its own; its public half is in $work/etc/NAME.pub.
host() {
    begin_configuration "$work/etc/$1.toml" "$2"
    printf '\n[server]\nconninfo = "host=%s user=postgres"\n\n[signing]\nkey_file = "%s.key"\n' "$work/pg" "$1" >>"$work/etc/$1.toml"
    add_directory_store "$work/etc/$1.toml" one
    add_directory_store "$work/etc/$1.toml" two
    walferry --config "$work/etc/$1.toml" init --owner postgres --group "$spool_gid" |
        sed -n 's/.*hosts that restore: \(.*\))$/\1/p' >"$work/etc/$1.pub"
    for_uploader "$work/etc/$1.key"
}
on() { as uploader walferry --config "$work/etc/$1.toml" "${@:2}"; } # HOST COMMAND...
backups() { as postgres walferry --config "$restoring" backups "$@"; }
ids() { jq -r '.backups[].id' "$1"; } # FILE
restore() { # NAME ARGUMENT...
    pg_folder "$work/$1"
    walferry --config "$restoring" restore --to "$work/$1/data" --json "${@:2}" >"$work/$1.json" 2>"$work/$1.said"
}
store_root() { echo "$work/stores/$1/main/$system_identifier"; } # STORE

host honest "$work/spool"
host forger "$work/spool-forger"
restoring=$work/restoring/walferry.toml
install -d -o postgres -g postgres -m 700 "$work/restoring"
sed "s,^recipients,identity_file = \"identity.txt\"\n&,; s,^spool = .*,spool = \"/nonexistent\",
     s,^key_file.*,trusted_writers = [\"$(cat "$work/etc/honest.pub")\"]," "$work/etc/honest.toml" >"$restoring"
cp "$work/etc/identity.txt" "$work/restoring/"
chown -R postgres "$work/restoring"
chmod 600 "$work"/restoring/*

pg_create "$work/pg" 1
chmod 711 "$work/pg"
pg_archive_to "$work/pg" "$work/spool"
pg_start "$work/pg"
system_identifier=$("$postgres_bin/pg_controldata" "$work/pg/data" | sed -n 's/^Database system identifier: *//p')
pg_sql "$work/pg" 'create table t as select generate_series(1, 1000) n'
on honest backup --checkpoint fast --json >"$work/honest.json"
on forger backup --checkpoint fast --no-drain --json >"$work/forger.json" 2>"$work/forger.said" || true
pg_archive_all "$work/pg"
on honest drain >/dev/null
chmod -R a+rX "$work/stores"
honest=$(jq -r .id "$work/honest.json") forged=$(jq -r .id "$work/forger.json")

listed() {
    no test "$honest" = "$forged"
    expect_equal 2 "$(find "$(store_root one)/backup/$forged" "$(store_root two)/backup/$forged" -name 'label-*' | wc -l)" "forged labels"
    expect_exit 3 backups --json >"$work/listed.json"
    expect_equal "$honest" "$(ids "$work/listed.json")" "backups"
    for store in one two; do
        jq -r '.problems[]' "$work/listed.json" |
            grep "backup $forged in store $store: .* was signed by $(cat "$work/etc/forger.pub"), who is not trusted"
    done
    expect_in "PROBLEM: backup $forged in store one" backups
}
check "a backup that somebody else signed is a problem that is named, not a backup" listed

is_open() { [ "$(pg_sql "$work/$1" 'select pg_is_in_recovery()')" = f ]; }
older_one() {
    expect_exit 2 restore refused --backup "$forged"
    grep -q "backup $forged in store one: .*who is not trusted" "$work/refused.said"
    grep -q "no complete backup $forged" "$work/refused.said"
    no test -e "$work/refused/data"
    restore honest --no-archiving
    expect_equal "$honest" "$(jq -r .backup "$work/honest.json")" "backup restored"
    grep -q "backup $forged in store one: .*who is not trusted" "$work/honest.said"
    eval "$(jq -r .start_command "$work/honest.json") -s -w -t 60 -o '-c unix_socket_directories=$work/honest'"
    wait_for 60 is_open honest
    expect_equal 1000 "$(pg_sql "$work/honest" 'select count(*) from t')" "rows"
    pg_stop "$work/honest"
}
check "a restore uses the older, honest one, and refuses the forged one by name" older_one

second_label() {
    local store
    for store in one two; do
        cp "$(store_root $store)/backup/$forged"/label-* "$(store_root $store)/backup/$honest/"
    done
    chmod -R a+rX "$work/stores"
    expect_exit 3 backups --json >"$work/listed.json"
    expect_equal "$honest" "$(ids "$work/listed.json")" "backups"
    jq -r '.problems[]' "$work/listed.json" | grep "backup $honest in store two: .*who is not trusted"
    restore again --immediate --no-archiving
    expect_equal "$honest" "$(jq -r .backup "$work/again.json")" "backup restored"
}
check "a second label beside the honest one does not take the backup away" second_label

# Whose content is the true one can be told, so nobody has to settle it.
forged_wal() {
    local name
    pg_sql "$work/pg" 'insert into t values (1001)'
    pg_archive_all "$work/pg"
    on honest drain >/dev/null
    name=$(pg_sql "$work/pg" 'select last_archived_wal from pg_stat_archiver')
    mkdir -p "$work/forgery/pg_wal"
    install -m 644 "$work/reference/$name" "$work/forgery/pg_wal/$name"
    printf 'forged' | dd of="$work/forgery/pg_wal/$name" bs=1 seek=1048570 conv=notrunc status=none
    as postgres walferry-archive-push --spool "$work/spool-forger" --system-identifier "$system_identifier" "$work/forgery/pg_wal/$name"
    expect_exit 3 on forger drain >/dev/null
    chmod -R a+rX "$work/stores"
    expect_equal 2 "$(find "$(store_root one)/wal" -name "$name-*" | wc -l)" "contents"
    expect_exit 3 backups --json >"$work/listed.json"
    expect_equal '[]' "$(jq -c .conflicts "$work/listed.json")" "conflicts"
    expect_equal "$name" "$(jq -r '.backups[0].reach[0].last_segment' "$work/listed.json")" "last segment"
    restore beside --no-archiving
    eval "$(jq -r .start_command "$work/beside.json") -s -w -t 60 -o '-c unix_socket_directories=$work/beside'"
    wait_for 60 is_open beside
    expect_equal 1001 "$(pg_sql "$work/beside" 'select count(*) from t')" "rows"
    pg_stop "$work/beside"
    grep -q "$name with content .* was signed by no trusted writer" "$work/beside/data.startup.log"
}
check "a forged content beside a true segment is left alone by backups and restore, as recovery does" forged_wal
