#!/usr/bin/env bash
# What lies beside a backup in plain text: its beginning and its index, on a host that cannot decrypt, with writers that are
# trusted and not, with an object that is gone.
. "$(dirname "$0")/../lib/integration.sh" "$1"

# host NAME SPOOL: a configuration with a writer key of its own, whose public half is printed.
host() {
    begin_configuration "$work/etc/$1.toml" "$2"
    printf '\n[server]\nconninfo = "host=%s user=postgres"\n\n[signing]\nkey_file = "%s.key"\n' "$work/pg" "$1" >>"$work/etc/$1.toml"
    add_directory_store "$work/etc/$1.toml" one
    add_directory_store "$work/etc/$1.toml" two
    walferry --config "$work/etc/$1.toml" init --owner postgres --group "$spool_gid" |
        sed -n 's/.*hosts that restore: \(.*\))$/\1/p'
    for_uploader "$work/etc/$1.key"
}
writer=$(host walferry "$work/spool")
other=$(host other "$work/other")
configuration=$work/etc/walferry.toml
export WALFERRY_CONFIG=$configuration
pg_create "$work/pg" 1
chmod 711 "$work/pg"
pg_archive_to "$work/pg" "$work/spool"
pg_start "$work/pg"
system_identifier=$("$postgres_bin/pg_controldata" "$work/pg/data" | sed -n 's/^Database system identifier: *//p')
pg_sql "$work/pg" 'create table t as select g, gen_random_uuid() a, gen_random_uuid() b from generate_series(1, 1200000) g'
backup() { as uploader walferry backup --checkpoint fast "$@"; }
backups() { as uploader walferry backups "$@"; }
folder() { echo "$work/stores/$1/main/$system_identifier/backup/$2"; } # STORE ID
backup --json >"$work/first.json"
pg_archive_all "$work/pg"
as uploader walferry drain >/dev/null
first=$(jq -r .id "$work/first.json")

known() {
    backups --json >"$work/known.json"
    expect_equal "$first" "$(jq -r '.backups[].id' "$work/known.json")" "backups"
    expect_equal "$writer" "$(jq -r '.backups[0].writer' "$work/known.json")" "writer"
    for field in started_at stopped_at timeline first_segment last_segment size; do
        expect_equal "$(jq -r ".$field" "$work/first.json")" "$(jq -r ".backups[0].$field" "$work/known.json")" "$field"
    done
    expect_equal "true true" "$(jq -r '[.backups[0].stores[].whole] | join(" ")' "$work/known.json")" "whole"
    expect_in "in two: whole, with the WAL that it needs" backups
    expect_in "There is no identity here" backups
}
check "a host without an identity knows what a backup consists of, who made it, and that its WAL is there" known

trusted() {
    with() { sed "s,^key_file.*,&\ntrusted_writers = [\"$1\"]," "$configuration" >"$work/etc/trusting.toml" && for_uploader "$work/etc/trusting.toml"; }
    with "$writer"
    backups --config "$work/etc/trusting.toml" >/dev/null
    with "$other"
    expect_exit 3 backups --config "$work/etc/trusting.toml" >/dev/null
    expect_in "PROBLEM: its index cannot be used: the index of backup $first was signed by $writer, who is not trusted" \
        backups --config "$work/etc/trusting.toml"
}
check "an index that no trusted writer signed is a problem that is named" trusted

altered() {
    local index name
    index=$(echo "$(folder two "$first")"/index-*)
    cp -p "$index" "$work/index"
    zstd -dq <"$work/index" | sed 's/"complete":true/"complete":false/' >"$work/altered.json"
    zstd -qf "$work/altered.json" -o "$work/altered"
    name=$(dirname "$index")/index-$(sha256sum "$work/altered" | cut -c1-32).json.zst
    mv "$index" "$work/away"
    cp "$work/altered" "$name"
    expect_exit 3 backups >"$work/said"
    expect_in "in two: PROBLEM: its index cannot be used: the index of backup $first carries a signature that does not fit" cat "$work/said"
    expect_in "in one: whole, with the WAL that it needs" cat "$work/said"
    rm "$name"
    expect_exit 0 backups >"$work/said"
    expect_in "in two: it has no index there" cat "$work/said"
    mv "$work/away" "$index"
}
check "one that was altered does not count, and another store's does" altered

gone() {
    local piece
    piece=$(echo "$(folder one "$first")"/base.00000000-*)
    mv "$piece" "$work/piece"
    expect_exit 3 backups >"$work/said"
    expect_in "in one: DAMAGED: 1 object is missing" cat "$work/said"
    mv "$work/piece" "$piece"
    mkdir "$work/wal"
    mv "$work/stores/one/main/$system_identifier"/wal/*/"$(jq -r .first_segment "$work/first.json")"-* "$work/wal"
    backups >"$work/said"
    expect_in "in one: whole, but 1 segment of the WAL that it needs is not there" cat "$work/said"
    mv "$work/wal"/* "$work/stores/one/main/$system_identifier/wal/00000001/"
}
check "an object or a segment that a store has lost is told, for that store" gone

healed() {
    local lost damaged
    lost=$(echo "$(folder one "$first")"/base.00000000-*)
    damaged=$(echo "$(folder one "$first")"/manifest.00000000-*)
    rm "$lost"
    truncate -s -1 "$damaged"
    expect_exit 3 as uploader walferry verify --all >"$work/said"
    expect_in "DAMAGED: ${lost#"$work/stores/one/"}: it should be here, by this host's ledger, and is missing" cat "$work/said"
    expect_in "DAMAGED: ${damaged#"$work/stores/one/"}: its " cat "$work/said"
    expect_exit 3 as uploader walferry verify >/dev/null
    as uploader walferry verify --heal >"$work/said"
    expect_equal 2 "$(grep -c 'healed from store two' "$work/said")" "healed objects"
    cmp "$lost" "$(folder two "$first")/$(basename "$lost")"
    cmp "$damaged" "$(folder two "$first")/$(basename "$damaged")"
    as uploader walferry verify --all >/dev/null
}
check "an object of a backup that a store has lost, or that is damaged there, is healed from the other store" healed

rebuilt() {
    as uploader walferry rebuild --anew >"$work/said"
    expect_in "of 2 copies of base backups, by their indexes" cat "$work/said"
    expect_equal "$first|1|1" "$(as uploader sqlite3 -readonly "$work/spool/ledger/ledger.db" \
        "select backup, min(restorable), count(distinct backup) from backup_copies group by backup")" "backups that can be restored"
    as uploader walferry rebuild --json >"$work/rebuilt.json"
    expect_equal 0 "$(jq .listed_backups "$work/rebuilt.json")" "learned a second time"
    # Not those of a writer whom this host does not trust.
    as uploader walferry --config "$work/etc/other.toml" rebuild --json >"$work/rebuilt.json" 2>"$work/said"
    expect_equal 0 "$(jq .listed_backups "$work/rebuilt.json")" "learned by another host"
    expect_in "has 1 backup that the ledger does not take up" cat "$work/said"
    sed -i "s,^key_file.*,&\ntrusted_writers = [\"$writer\"]," "$work/etc/other.toml"
    as uploader walferry --config "$work/etc/other.toml" rebuild --json >"$work/rebuilt.json"
    expect_equal 2 "$(jq .listed_backups "$work/rebuilt.json")" "learned from a trusted writer"
}
check "a ledger that was lost learns of backups whose index a trusted writer has signed, and of no others" rebuilt

# At each step: what is left is whole, or goes with the next backup.
killed() {
    local part running id
    for part in begin base.00000000 index label; do
        touch "$work/before"
        sleep 0.1
        start_as uploader "$work/killed.log" walferry backup --checkpoint fast --no-drain
        running=$started
        later "stop_process $running KILL"
        appeared() { [ -n "$(find "$work/stores/one/main/$system_identifier/backup" -name "$part-*" -newer "$work/before")" ]; }
        wait_for 60 appeared
        stop_process "$running" KILL
        id=$(basename "$(dirname "$(find "$work/stores/one/main/$system_identifier/backup" -name 'begin-*' -newer "$work/before" | sed -n 1p)")")
        backup >"$work/said" 2>&1
        for store in one two; do
            [ -e "$(folder $store "$id")" ] || continue
            zstd -dq <"$(echo "$(folder $store "$id")"/index-*)" | jq -r '.objects[].key' | while read -r key; do
                [ -e "$work/stores/$store/main/$system_identifier/$key" ] || echo "$key is missing in $store"
            done >"$work/absent"
            no grep . "$work/absent"
            expect_equal verified "$(as uploader sqlite3 -readonly "$work/spool/ledger/ledger.db" \
                "select state from backup_copies where backup = '$id' and store = '$store'")" "the copy in $store"
        done
    done
}
check "of a backup that is killed at any step nothing is left after the next one, or all of it" killed

# Verified, and then removed by another program while the backup goes on.
taken_back() {
    local id
    touch "$work/before"
    sleep 0.1
    start_as uploader "$work/taken.log" walferry backup --checkpoint fast --max-rate 16M --json
    local running=$started
    later "stop_process $running KILL"
    id_of() { id=$(basename "$(find "$work/stores/one/main/$system_identifier/backup" -mindepth 1 -maxdepth 1 -newer "$work/before" | sort | tail -n 1)") && [ -n "$id" ] && [ "$id" != "$first" ]; }
    wait_for 60 id_of
    begins_first() { [ -e "$(echo "$(folder one "$id")"/begin-*)" ]; }
    wait_for 10 begins_first
    a_piece() { [ -e "$(echo "$(folder one "$id")"/base.00000000-*)" ]; }
    wait_for 120 a_piece
    sleep 0.5 # read back; what is left of the server's data takes two seconds more
    rm "$(folder one "$id")"/base.00000000-*
    local code=0
    wait "$running" || code=$?
    expect_equal 3 "$code" "exit code"
    expect_in "store one is given up for this backup: 1 object of this backup, backup/$id/base.00000000-" cat "$work/taken.log"
    expect_in "its label was removed again" cat "$work/taken.log"
    expect_equal 0 "$(find "$(folder one "$id")" -name 'label-*' | wc -l)" "labels in one"
    expect_equal 1 "$(find "$(folder two "$id")" -name 'label-*' | wc -l)" "labels in two"
    # The next backup removes what is left of it, its beginning and its index too.
    backup >/dev/null
    no test -e "$(folder one "$id")"
    expect_equal 1 "$(find "$(folder two "$id")" -name 'label-*' | wc -l)" "labels in two"
}
check "a backup of which an object is gone when its label is there is taken back, in that store" taken_back
