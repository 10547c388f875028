#!/usr/bin/env bash
# `walferry verify` on two directory stores with real objects: damage of each kind, healing, a run that is killed and goes
# on, two at once, a store that is away, a keeper without spool and identity; and healing over S3.
. "$(dirname "$0")/../lib/integration.sh" "$1"

sysid=7000000000000000017
count=24
spool=$work/spool
configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$spool"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
verify() { as uploader walferry verify "$@"; }

data=$work/data
python3 "$tests/lib/make_segments.py" "$data" $sysid 1 $count >"$work/names"
chown -R postgres "$data"
push_all() {
    local name
    while read -r name; do
        (cd "$data" && as postgres walferry-archive-push --spool "$spool" "pg_wal/$name")
    done <"$work/names"
}
push_all
as uploader walferry drain >/dev/null

folder=main/$sysid/wal/00000001
object() { ls "$work/stores/$1/$folder" | sed -n "$2p"; } # STORE NUMBER
of() { jq -r --arg name "$1" ".stores[] | select(.name == \$name) | $2" "$work/json"; } # STORE QUESTION
verified() { # EXIT ARGUMENT...: what it says as JSON is in $work/json
    local code=$1
    shift
    expect_exit "$code" verify --json "$@" >"$work/json"
}
sound_hash() { # STORE NAME
    local hash=${2##*-}
    expect_equal "${hash%%.*}" "$(sha256sum "$work/stores/$1/$folder/$2" | cut -c1-32)" "hash of $2 in $1"
}

killed() {
    local run before
    start_as uploader "$work/verify.log" walferry verify --only one --rate 1MiB
    run=$started
    read_some() { [ "$(sqlite3 "$spool/ledger/ledger.db" 'select coalesce(sum(objects), 0) from verify_span where read_at is not null')" -ge 3 ]; }
    wait_for 60 read_some
    refused 5 "another verify is running" verify --only two
    stop_process "$run" KILL
    before=$(sqlite3 "$spool/ledger/ledger.db" 'select sum(objects) from verify_span where read_at is not null')
    verified 0 --only one
    expect_equal $((count - before)) "$(of one .objects_read)" "objects that the second run reads"
    verified 0 --only one
    expect_equal 0 "$(of one .objects_read)" "objects that a third run reads"
}
check "a run that is killed goes on where it was; a second one at the same time is told so" killed

whole() {
    verified 0 --all
    expect_equal "$count $count" "$(of one .objects_read) $(of two .objects_read)" "objects read"
    expect_equal "sound sound" "$(of one .state) $(of two .state)" "states"
    expect_equal "false 0" "$(jq -r .opening "$work/json") $(of one .objects_opened)" "opened without an identity"
}
check "everything is read, and sound, without a key" whole

flipped=$(object one 3) cut=$(object one 5) emptied=$(object one 7) both=$(object one 9) gone=$(object one 11)
damage() {
    local path=$work/stores/one/$folder
    printf X | dd of="$path/$flipped" bs=1 seek=4096 conv=notrunc status=none
    truncate -s 1000 "$path/$cut"
    truncate -s 0 "$path/$emptied"
    truncate -s -1 "$path/$both"
    printf X | dd of="$work/stores/two/$folder/$both" bs=1 seek=99 conv=notrunc status=none
    rm "$path/$gone"
}
found() {
    damage
    expect_exit 3 verify --all >"$work/said"
    expect_equal 6 "$(grep -c DAMAGED "$work/said")" "new damage"
    grep -q "$flipped: its .* bytes do not hash to its name" "$work/said"
    grep -q "$emptied: it is empty" "$work/said"
    grep -q "${gone%-*-*}-: it should be here, by this host's ledger, and is missing" "$work/said"
    grep -q 'walferry verify --heal' "$work/said"
    expect_exit 3 verify >"$work/said"
    no grep -q DAMAGED "$work/said"
    expect_equal 6 "$(grep -c 'damaged, known since' "$work/said")" "known damage"
}
check "bytes that changed, objects cut short, emptied or gone are told of once as new and then as known" found

bounded() {
    verified 3 --only two --max-bytes 3MiB
    expect_equal "max-bytes" "$(of two .ended)" "why it ended"
    [ "$(of two .objects_read)" -le 3 ]
}
check "a budget is kept" bounded

away() {
    mv "$work/stores/two" "$work/stores/two.away"
    verified 3 --all --heal
    mv "$work/stores/two.away" "$work/stores/two"
    expect_equal "unreachable damaged" "$(of two .state) $(of one .state)" "states"
    expect_equal "$((count - 1))" "$(of one .objects_read)" "objects read in the other store"
    of one '.damage[0].not_healed' | grep -q 'there is no directory'
    expect_equal 5 "$(of one '.damage | length')" "damage"
}
check "a store that is away is told of as that, and hides no damage of the other" away

healed() {
    local name modified
    modified=$(stat -c %Y.%i "$work/stores/one/$folder/$(object one 1)")
    verified 3 --heal
    expect_equal "4 1" "$(of one '.healed | length') $(of one '.damage | length')" "healed and damaged in one"
    expect_equal "0 1" "$(of two '.healed | length') $(of two '.damage | length')" "healed and damaged in two"
    of one '.damage[0]' | grep -q "no other store has a sound copy of it"
    for name in "$flipped" "$cut" "$emptied" "$gone"; do sound_hash one "$name"; done
    expect_equal "$modified" "$(stat -c %Y.%i "$work/stores/one/$folder/$(object one 1)")" "a sound object"
    expect_equal "$uploader_uid" "$(stat -c %u "$work/stores/one/$folder/$flipped")" "owner of what was healed"
    no test -s "$work/stores/one/.tmp"/*
}
check "what another store has sound is healed, what none has is not, and nothing else is touched" healed

sound_again() {
    rm "$work/stores/one/$folder/$both" # as an administrator who has read docs/verify.md
    expect_exit 3 verify --only one >"$work/said" 2>&1
    grep -q "$both, which was damaged, is gone" "$work/said"
    grep -q "${both%-*-*}-: it should be here, by this host's ledger, and is missing" "$work/said"
    # From the server, which still has it: the spool takes it once more.
    rm "$work/stores/two/$folder/$both"
    expect_exit 3 verify >/dev/null 2>&1
    (cd "$data" && as postgres walferry-archive-push --spool "$spool" "pg_wal/${both%%-*}")
    as uploader walferry drain >/dev/null
    verified 0
    expect_equal "sound sound" "$(of one .state) $(of two .state)" "states"
}
check "a segment that no store has sound comes back from the server" sound_again

with_identity() {
    local restoring=$work/restoring
    install -d -o "$uploader_uid" -m 700 "$restoring"
    install -o "$uploader_uid" -m 600 "$work/etc/identity.txt" "$restoring/identity.txt"
    sed "s,^spool = .*,spool = \"/nonexistent\",
        s,^recipients,identity_file = \"identity.txt\"\n&,
        s,^\[encryption\],[verify]\nstate = \"$restoring/verify.db\"\nevery = \"10d\"\n\n&," "$configuration" >"$restoring/walferry.toml"
    chown "$uploader_uid" "$restoring/walferry.toml"
    sed '/^state/d' "$restoring/walferry.toml" >"$restoring/without.toml"
    chown "$uploader_uid" "$restoring/without.toml"
    refused 2 "[verify] state" as uploader walferry --config "$restoring/without.toml" verify
    # Bytes that hash to their name, and are no object.
    local text=nonsense name
    name=000000010000000000000063-$(printf '%032d' 0)-00000000-$(printf %s $text | sha256sum | cut -c1-32).zst
    printf %s $text | as uploader tee "$work/stores/one/$folder/$name" >/dev/null
    as uploader walferry --config "$restoring/walferry.toml" verify --json >"$work/json" || [ $? = 3 ]
    expect_equal 3 "$(jq .exit_code "$work/json")" "exit code"
    expect_equal "true $count" "$(jq .opening "$work/json") $(of two .objects_opened)" "objects opened"
    of one '.damage[].what' | grep -q 'its bytes hash to its name, but it cannot be used'
    expect_equal 1 "$(of one '.damage | length')" "damage"
    expect_equal 600 "$(stat -c %a "$restoring/verify.db")" "mode of the state file"
    rm "$work/stores/one/$folder/$name"
    expect_exit 0 as uploader walferry --config "$restoring/walferry.toml" verify >/dev/null 2>&1
    echo junk >"$restoring/verify.db"
    rm -f "$restoring"/verify.db-*
    refused 1 "remove $restoring/verify.db" as uploader walferry --config "$restoring/walferry.toml" verify
}
check "a host without a spool remembers in a file of its own; with an identity objects are opened" with_identity

wrong_usage() {
    refused 2 "--rate 1" verify --rate 1
    refused 2 "--for soon" verify --for soon
    refused 2 "three" verify --only three
}
check "budgets that are none are refused" wrong_usage
