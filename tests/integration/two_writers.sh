#!/usr/bin/env bash
# Two hosts that believe to be the same cluster: harmless with the same content, raised with another one.
. "$(dirname "$0")/../lib/integration.sh" "$1"

for host in a b; do
    begin_configuration "$work/etc/$host.toml" "$work/spool-$host"
    add_directory_store "$work/etc/$host.toml" one
    add_directory_store "$work/etc/$host.toml" two
    walferry --config "$work/etc/$host.toml" init --owner postgres --group "$spool_gid" >/dev/null
done
at() { # HOST ARGUMENT...: walferry as its uploader
    as uploader walferry --config "$work/etc/$1.toml" "${@:2}"
}

pg_create "$work/pg" 1
pg_settings "$work/pg" 'archive_mode = on' "archive_command = 'mkdir -p $work/pg/wal && cp %p $work/pg/wal/%f'"
pg_start "$work/pg"
pg_sql "$work/pg" 'create table t (a int)'
for _ in 1 2 3; do
    pg_sql "$work/pg" 'insert into t select generate_series(1, 1000)'
    pg_archive_all "$work/pg"
done
pg_stop "$work/pg"
sysid=$("$postgres_bin/pg_controldata" "$work/pg/data" | sed -n 's/^Database system identifier: *//p')
mapfile -t names < <(find "$work/pg/wal" -type f -printf '%f\n' | sort)
same=${names[0]} differing=${names[1]}

push() { # HOST FOLDER NAME
    as postgres walferry-archive-push --spool "$work/spool-$1" --system-identifier "$sysid" "$2/$3"
}
objects() { find "$work/stores/$1" -name "$2-*.zst.age" | wc -l; } # STORE NAME

same_content() {
    push a "$work/pg/wal" "$same"
    push b "$work/pg/wal" "$same"
    at a drain
    at b drain
    expect_equal 0 "$(waiting "$work/spool-b")" "waiting segments"
    expect_equal '[]' "$(at b conflicts --json | jq -c 'if type == "array" then . else .conflicts end')" conflicts
    mkdir -p "$work/reference"
    cp "$work/pg/wal/$same" "$work/reference/"
    [ "$(open_objects "$work/stores/one" "$work/etc/identity.txt" "$work/reference")" -ge 1 ]
}
check "a second writer with the same content is no conflict" same_content

# The same name, the same valid header, other records.
install -d -o postgres -g postgres "$work/other"
cp -p "$work/pg/wal/$differing" "$work/other/"
printf 'another history' | dd of="$work/other/$differing" bs=1 seek=500000 conv=notrunc status=none

begin_configuration "$work/etc/c.toml" "$work/spool-c"
add_directory_store "$work/etc/c.toml" three
walferry --config "$work/etc/c.toml" init --owner postgres --group "$spool_gid" >/dev/null
second_content() {
    push c "$work/pg/wal" "$differing"
    push c "$work/other" "$differing"
    push c "$work/other" "$differing"
    expect_equal 2 "$(waiting "$work/spool-c")" "waiting segments"
    cmp "$work/spool-c/ready/$sysid/$differing" "$work/pg/wal/$differing"
    cmp "$work/spool-c/ready/$sysid/$differing"-* "$work/other/$differing"
    expect_exit 3 at c drain
    expect_equal 0 "$(waiting "$work/spool-c")" "waiting segments"
    expect_equal 2 "$(objects three "$differing")" "objects"
    expect_in "$differing" at c conflicts
}
check "a second content of one name is spooled beside the first, and the drain calls it a conflict" second_content

raised_once() {
    push a "$work/pg/wal" "$differing"
    push b "$work/other" "$differing"
    at a drain
    expect_exit 3 at b drain
    expect_equal 2 "$(objects one "$differing")" "objects in one"
    expect_equal 2 "$(objects two "$differing")" "objects in two"
    expect_in "$differing" at b conflicts
    expect_exit 0 at b drain
    expect_in "$differing" at b conflicts
    [ "$(at b status --json | jq '[.stores[].conflict] | add')" -ge 1 ]
}
check "a second writer with other content is raised once, loses nothing and stays visible" raised_once

unknown_to_one() {
    local theirs
    theirs=$(at b conflicts --json | jq -r '.[0].ours')
    expect_equal "no conflicts" "$(at a conflicts --ledger)" "conflicts that the first host's ledger knows"
    expect_in "content $theirs in one, two" at a conflicts
    expect_equal 2 "$(at a conflicts --json | jq '.[0].contents | length')" "contents that the stores show"
    expect_exit 2 at a settle "$differing"
    expect_in "give the FINGERPRINT" at a settle "$differing"
    expect_exit 2 at a settle "$differing" 00112233445566778899aabbccddeeff
    expect_equal 0 "$(find "$work/stores" -path "*/settled/*" -type f | wc -l)" "settled objects"
    at a settle "$differing" "$theirs"
    expect_equal 2 "$(find "$work/stores" -path "*/settled/$differing-$theirs-*.json" | wc -l)" "settled objects"
}
check "a conflict that this host's ledger does not know is settled by name and fingerprint, as recovery's message says" unknown_to_one

settled_elsewhere() {
    expect_in "$differing" at b conflicts --ledger
    at b drain
    expect_equal "no conflicts" "$(at b conflicts --ledger)" "conflicts that the second host's ledger knows"
    expect_in "which recovery takes" at b conflicts --all
}
check "what one host has settled is settled for the others" settled_elsewhere

settled() {
    at b settle "$differing" "$(at b conflicts --all --json | jq -r '.[0].ours')"
    expect_equal 1 "$(find "$work/stores/one" -path "*/settled/$differing-*" | wc -l)" "settled objects in one"
    expect_equal 1 "$(find "$work/stores/two" -path "*/settled/$differing-*" | wc -l)" "settled objects in two"
    at b conflicts >"$work/conflicts"
    no grep -q "$differing" "$work/conflicts"
    expect_equal 2 "$(objects one "$differing")" "objects in one"
}
check "settling names the right content and removes neither" settled
