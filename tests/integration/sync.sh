#!/usr/bin/env bash
# walferry sync: a third store is filled from two, one of which has a damaged object, while the run is killed; a server is
# restored from the third store alone.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/restoring.sh"

configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$work/spool"
printf '\n[server]\nconninfo = "host=%s user=postgres"\n' "$work/pg" >>"$configuration"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
walferry --config "$configuration" init --owner postgres --group "$spool_gid" >/dev/null
export WALFERRY_CONFIG=$configuration
pg_create "$work/pg" 1
chmod 711 "$work/pg"
pg_archive_to "$work/pg" "$work/spool"
pg_start "$work/pg"
system_identifier=$("$postgres_bin/pg_controldata" "$work/pg/data" | sed -n 's/^Database system identifier: *//p')
pg_sql "$work/pg" 'create table t as select g, gen_random_uuid() a from generate_series(1, 400000) g'
as uploader walferry backup --checkpoint fast --json >"$work/backup.json"
pg_sql "$work/pg" 'insert into t select g, gen_random_uuid() from generate_series(1, 200000) g'
pg_archive_all "$work/pg"
as uploader walferry drain >/dev/null
backup=$(jq -r .id "$work/backup.json")
sync() { as uploader walferry sync "$@"; }
root() { echo "$work/stores/$1/main/$system_identifier"; } # STORE
objects() { (cd "$(root "$1")" && find . -type f -not -name 'begin-*' | sort); }

# Left by a backup that is under way elsewhere, a mark, and something that is none of walferry's.
mkdir -p "$(root one)/backup/20260101T000000Z-00000000" "$(root one)/mark"
echo x >"$(root one)/backup/20260101T000000Z-00000000/base.00000000-$(printf 'f%.0s' {1..32})-00000000-$(printf '0%.0s' {1..32}).zst"
echo x >"$(root one)/mark/mark-$(printf '0%.0s' {1..32}).json"
echo x >"$(root one)/wal/00000001/notes"
chown -R "$uploader_uid" "$work/stores"
complete=$(objects two | wc -l)

nothing_to_do() {
    sync --json >"$work/said"
    expect_equal "0 0" "$(jq -r '[.stores[].missing.objects] | join(" ")' "$work/said")" "missing"
    expect_equal "2" "$(jq -r '.stores[1].unfinished.objects + .stores[1].unknown.objects' "$work/said")" "left out in two"
    expect_equal "$complete" "$(objects two | wc -l)" "objects in two"
}
check "where stores have the same, nothing is copied; what no store has whole, marks and strange files stay where they are" nothing_to_do

add_directory_store "$configuration" three
chown "$uploader_uid" "$work/stores/three"
foreseen() {
    sync --to three --dry-run --json >"$work/said"
    expect_equal "$complete" "$(jq -r '.stores[0].missing.objects' "$work/said")" "missing in three"
    expect_equal "$(du -cb $(find "$(root two)" -type f -not -name 'begin-*') | tail -n 1 | cut -f1)" \
        "$(jq -r '.stores[0].missing.bytes' "$work/said")" "bytes"
    no test -e "$work/stores/three/main"
    expect_in "would be copied" sync --to three --dry-run
}
check "what would be copied is said to the byte, and nothing is" foreseen

filled() {
    local damaged piece
    damaged=$(find "$(root one)/wal" -name '*.age' | sort | sed -n 1p)
    cp -p "$damaged" "$work/sound"
    printf 'X' | dd of="$damaged" bs=1 seek=500 conv=notrunc status=none
    piece=$(echo "$(root two)/backup/$backup"/base.00000000-*)
    truncate -s -1 "$piece"
    # Killed when the first objects are there.
    start_as uploader "$work/killed.log" walferry sync --to three
    local running=$started
    later "stop_process $running KILL"
    some() { [ "$(find "$work/stores/three" -name '*.age' 2>/dev/null | wc -l)" -ge 1 ]; }
    wait_for 60 some
    stop_process "$running" KILL
    # A label is there only with everything else.
    [ -z "$(find "$work/stores/three" -name 'label-*')" ] || expect_equal "$complete" "$(objects three | wc -l)" "objects beside a label"
    sync --to three --json >"$work/said"
    expect_equal "$complete" "$(objects three | wc -l)" "objects in three"
    expect_equal '' "$(jq -r '.stores[].damaged[], .stores[].failed[]' "$work/said")" "trouble"
    (cd "$(root three)" && find . -type f | while read -r object; do
        name=${object##*-} && name=${name%%.*}
        case $(sha256sum <"$object") in "$name"*) ;; *) echo "$object is not what its name says" ;; esac
    done) >"$work/wrong"
    no grep . "$work/wrong"
    expect_equal "0" "$(sync --to three --json | jq '.stores[0].missing.objects')" "missing after it"
    expect_equal "$(objects three)" "$(objects two)" "keys"
    cp -p "$work/sound" "$damaged"
}
check "a third store is filled from two that are damaged in different places, after a run that was killed" filled

recorded() {
    expect_equal "$(as uploader sqlite3 -readonly "$work/spool/ledger/ledger.db" \
        "select count(distinct segment) from upload u join store t on t.id = u.store where t.name = 'one'")" \
        "$(as uploader sqlite3 -readonly "$work/spool/ledger/ledger.db" \
            "select count(distinct segment) from upload u join store t on t.id = u.store where t.name = 'three' and state in ('stored', 'verified')")" \
        "segments that the ledger knows in three"
    as uploader walferry status >"$work/said" || true
    no grep -i 'three.*missing' "$work/said"
}
check "the ledger of a host that archives knows what is there now" recorded

alone() {
    local to=$work/restored
    mv "$work/stores/one" "$work/stores/one.away"
    mv "$work/stores/two" "$work/stores/two.away"
    sed "s,^recipients,identity_file = \"$work/etc/identity.txt\"\n&,; s,^spool = .*,spool = \"/nonexistent\"," "$configuration" >"$work/etc/restoring.toml"
    chmod 644 "$work/etc/restoring.toml"
    chown postgres "$work/etc/identity.txt"
    chmod -R a+rX "$work/stores/three"
    pg_folder "$to"
    walferry --config "$work/etc/restoring.toml" restore --to "$to/data" "${server_programs[@]}" --json \
        --only three --without one --without two >"$to.json"
    start_restored restored "-c archive_mode=off"
    later "pg_stop '$to'"
    wait_for 120 is_open restored
    expect_equal 600000 "$(pg_sql "$to" 'select count(*) from t')" "rows"
    pg_stop "$to"
    mv "$work/stores/one.away" "$work/stores/one"
    mv "$work/stores/two.away" "$work/stores/two"
}
check "a server is restored from the third store alone" alone

unsound() {
    local piece store
    rm -r "$work/stores/three/main"
    for store in one two; do
        piece=$(echo "$(root $store)/backup/$backup"/base.00000000-*)
        cp -p "$piece" "$work/piece.$store"
        printf 'X' | dd of="$piece" bs=1 seek=700 conv=notrunc status=none
    done
    expect_exit 3 sync --to three >"$work/said"
    expect_in "DAMAGED: backup/$backup/base.00000000-" cat "$work/said"
    expect_in "no backup there yet, a part is missing: $backup" cat "$work/said"
    expect_equal 0 "$(find "$work/stores/three" -name 'label-*' -o -name 'index-*' | wc -l)" "labels and indexes in three"
    expect_equal "$(find "$(root one)/wal" -name '*.age' | wc -l)" "$(find "$(root three)/wal" -name '*.age' | wc -l)" "WAL in three"
    for store in one two; do cp -p "$work/piece.one" "$(echo "$(root $store)/backup/$backup"/base.00000000-*)"; done
}
check "of a backup with a part that is sound nowhere no label is put; the rest is brought" unsound

silent() {
    mv "$work/stores/one" "$work/stores/one.away"
    rm -r "$work/stores/three/main"
    expect_exit 4 sync --to three >"$work/said"
    expect_in "did not answer: store one" cat "$work/said"
    expect_equal "$(find "$(root two)/wal" -name '*.age' | wc -l)" "$(find "$(root three)/wal" -name '*.age' | wc -l)" "WAL in three"
    expect_exit 4 sync --to one >"$work/said"
    expect_in "ended early" cat "$work/said"
    mv "$work/stores/one.away" "$work/stores/one"
    rm -r "$work/stores/three/main"
    expect_exit 2 sync --to nowhere
    expect_exit 2 sync --since yesterday
    sync --to three --since 2100-01-01 >"$work/said"
    expect_in "are older than --since" cat "$work/said"
}
check "a store that is away is said and the others are used; a name or a time that is none is refused" silent

# With a window of seconds, of which only the last backup leads into it.
own_retention() {
    local later
    sleep 5
    later=$(as uploader walferry backup --checkpoint fast --json 2>/dev/null | jq -r .id)
    sleep 5
    pg_sql "$work/pg" 'insert into t select g, gen_random_uuid() from generate_series(1, 1000) g'
    pg_archive_all "$work/pg"
    as uploader walferry drain >/dev/null
    mkdir -p "$work/stores/four" && chown "$uploader_uid" "$work/stores/four"
    add_directory_store "$configuration" four
    { cat "$configuration" && printf 'recovery_window = "4s"\nkeep_backups = 1\n'; } >"$work/etc/short.toml" && for_uploader "$work/etc/short.toml"
    as uploader walferry --config "$work/etc/short.toml" sync --to four --from one --json >"$work/said"
    expect_equal "$later" "$(ls "$(root four)/backup")" "backups in four"
    expect_at_least 1 "$(jq -r '.stores[0].expiring.objects' "$work/said")" "objects that its retention would not keep"
    no test -e "$(root four)/mark"
    as uploader walferry --config "$work/etc/short.toml" sync --to four --from one --dry-run --json >"$work/said"
    expect_equal 0 "$(jq -r '.stores[0].missing.objects' "$work/said")" "missing after it"
    # As in any other store, the ledger knows of it.
    expect_equal 1 "$(as uploader sqlite3 -readonly "$work/spool/ledger/ledger.db" \
        "select restorable from backup_copies where backup = '$later' and store = 'four'")" "it can be restored from there"
}
check "a store is brought only what its own retention keeps, and its backups count like those in any other" own_retention
