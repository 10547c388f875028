#!/usr/bin/env bash
# `walferry gaps`: segments missing in one store, in both, and only on their way; where each still is, and the printed command
# that brings it; a gap that is acknowledged, and silent from then on.
. "$(dirname "$0")/../lib/integration.sh" "$1"

sysid=7000000000000000018
spool=$work/spool
configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$spool"
sed -i 's,^work_dir.*,&\nrpo = "1s",' "$configuration"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
gaps() { as uploader walferry gaps "$@"; }

data=$work/data
python3 "$tests/lib/make_segments.py" "$data" $sysid 1 20 >"$work/names"
chown -R postgres "$data"
mapfile -t names <"$work/names" # ${names[0]} is number 1
push() { (cd "$data" && as postgres walferry-archive-push --spool "$spool" "pg_wal/$1"); } # NAME
drain() { as uploader walferry drain >/dev/null; }
for number in 0 1 2 3 4 5 6 7 8 9 12 13 14; do push "${names[number]}"; done
drain
folder=main/$sysid/wal/00000001
of() { jq -r --arg name "$1" ".stores[] | select(.name == \$name) | $2" "$work/json"; } # STORE QUESTION
older() { sleep 1.1; } # than the recovery point may trail
missing_everywhere() {
    gaps >/dev/null || true
    older
    expect_exit 3 gaps --json >"$work/json"
    expect_equal "${names[10]} ${names[11]} 2" "$(of one '.gaps[0] | "\(.first) \(.last) \(.missing)"')" "the gap"
    expect_equal "[]" "$(of one '.gaps[0].still_in | tostring')" "where it is"
    expect_exit 3 gaps >"$work/said"
    grep -q "2 segments are missing, ${names[10]}-${names[11]}; the next one is ${names[12]}; first seen 2" "$work/said"
    grep -q "walferry gaps --acknowledge ${names[10]}-${names[11]} --reason" "$work/said"
}
check "segments that nothing has any more are missing from every store, and a new backup is advised" missing_everywhere

in_spool() {
    push "${names[10]}"
    expect_exit 3 gaps >"$work/said"
    grep -q "this host's spool has 1 of them, such as ${names[10]}: .walferry drain. brings it" "$work/said"
    drain
    push "${names[11]}"
    drain
    expect_exit 0 gaps >"$work/said"
    expect_equal "2" "$(grep -c 'no gap' "$work/said")" "stores without a gap"
}
check "what waits in the spool is said to be there, and a drain closes the gap" in_spool

in_the_other() {
    rm "$work/stores/one/$folder/${names[3]}"-* "$work/stores/one/$folder/${names[4]}"-*
    gaps >/dev/null || true
    older
    expect_exit 3 gaps --json >"$work/json"
    expect_equal "two 2" "$(of one '.gaps[0].still_in[0] | "\(.store) \(.segments)"')" "where they are"
    expect_equal 0 "$(of two '.gaps | length')" "gaps of the other store"
    expect_exit 3 gaps --only one >"$work/said"
    grep -q 'store two has all of them: .walferry sync --to one --from two. brings' "$work/said"
    as uploader walferry sync --to one --from two >/dev/null 2>&1
    expect_exit 0 gaps >/dev/null
}
check "what another store has is said to be there, and the printed command closes the gap" in_the_other

acknowledged() {
    rm "$work"/stores/*/"$folder/${names[6]}"-*
    gaps >/dev/null || true
    older
    expect_exit 3 gaps >/dev/null
    refused 2 "belong together" gaps --acknowledge "${names[6]}"
    refused 2 "no gap of any store" gaps --acknowledge "${names[8]}" --reason no
    refused 2 "is no range" gaps --acknowledge "${names[6]}-${names[5]}" --reason no
    gaps --only one --acknowledge "${names[6]}" --reason "disk lost in March; backup of April is behind it"
    expect_exit 3 gaps --json >"$work/json"
    of one '.gaps[0].acknowledged.reason' | grep -q 'disk lost in March'
    expect_equal null "$(of two '.gaps[0].acknowledged')" "acknowledged for the other store"
    gaps --acknowledge "${names[6]}" --reason "the same there"
    expect_exit 0 gaps >"$work/said"
    grep -q 'acknowledged 2.*: the same there' "$work/said"
    rm "$work"/stores/one/"$folder/${names[8]}"-*
    gaps >/dev/null || true
    older
    expect_exit 3 gaps >/dev/null
}
check "a gap that is acknowledged, store by store, is no failure, and another one still is" acknowledged

check_finds() { # VERDICT: of a finding about gaps
    as uploader walferry check --no-server --json >"$work/check.json" 2>/dev/null || true
    jq -e --arg verdict "$1" 'any(.findings[]; .id == "gaps" and .verdict == $verdict)' "$work/check.json" >/dev/null
}
silent() {
    check_finds integrity
    gaps --acknowledge "${names[8]}" --reason "lost as well"
    no check_finds integrity
}
check "walferry check says no more of a gap that is acknowledged" silent

keeper() {
    sed "s,^spool = .*,spool = \"/nonexistent\"," "$configuration" >"$work/etc/keeper.toml"
    for_uploader "$work/etc/keeper.toml"
    expect_exit 3 as uploader walferry --config "$work/etc/keeper.toml" gaps --json >"$work/json"
    expect_equal "2 1" "$(of one '.gaps | length') $(of two '.gaps | length')" "gaps"
    mv "$work/stores/two" "$work/stores/away"
    expect_exit 3 as uploader walferry --config "$work/etc/keeper.toml" gaps --json >"$work/json"
    of two .error | grep -q 'there is no directory'
    expect_exit 4 as uploader walferry --config "$work/etc/keeper.toml" gaps --only two >/dev/null
    mv "$work/stores/away" "$work/stores/two"
    refused 2 "no ledger" as uploader walferry --config "$work/etc/keeper.toml" gaps --acknowledge "${names[8]}" --reason x
}
check "a host without a ledger finds them too; a store that is away is told of as that" keeper
