#!/usr/bin/env bash
# Three Unix users around one spool: postgres fills it, the uploader empties it, a stranger can do nothing.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$spool"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
export WALFERRY_CONFIG=$configuration
drain() { as uploader walferry drain; }

pg_create "$work/pg"
first=000000010000000000000001
sysid=$("$postgres_bin/pg_controldata" "$work/pg/data" | sed -n 's/^Database system identifier: *//p')
segment=$spool/ready/$sysid/$first

push() { # WHO: the first segment, from the data directory, as PostgreSQL would
    (cd "$work/pg/data" && umask 077 && as "$1" walferry-archive-push --spool "$spool" "pg_wal/$first")
}

made_as_designed() {
    walferry init --owner postgres --group "$spool_gid"
    expect_equal "2750 $postgres_uid:$spool_gid" "$(stat -c '%a %u:%g' "$spool")" spool
    for folder in ready tmp ledger; do
        expect_equal "2770 $postgres_uid:$spool_gid" "$(stat -c '%a %u:%g' "$spool/$folder")" "$folder"
    done
}
check "init makes a spool that postgres owns and the uploader's group may use" made_as_designed

init_corrects() {
    chmod 777 "$spool" "$spool/ready"
    chown root:root "$spool/tmp"
    made_as_designed
}
check "init run again fixes owners and modes" init_corrects

pushed() {
    push postgres
    expect_equal "640 $postgres_uid:$spool_gid" "$(stat -c '%a %u:%g' "$segment")" segment
    cmp "$segment" "$work/pg/data/pg_wal/$first"
}
check "a segment pushed by postgres under umask 077 is readable by the group and by nobody else" pushed

stranger_fails() {
    local folder
    for folder in "$spool" "$spool/ready" "$spool/ready/$sysid" "$spool/tmp" "$spool/ledger"; do
        refused 2 "Permission denied" as stranger ls "$folder"
        refused 1 "Permission denied" as stranger touch "$folder/x"
        refused 66 "Permission denied" as stranger flock -n "$folder" true
    done
    refused 1 "Permission denied" as stranger cat "$segment"
    refused 1 "Permission denied" as stranger rm -f "$segment"
    refused 1 "Permission denied" as stranger cat "$spool/ledger/ledger.db"
    refused 2 "Permission denied" as stranger walferry status
    refused 1 "Permission denied" as stranger cat "$configuration"
    expect_exit 2 as stranger walferry drain
    [ -e "$segment" ]
}
check "a stranger can neither list, read, write, lock nor remove anything" stranger_fails

uploader_limits() {
    refused 2 "Permission denied" as uploader sh -c 'echo x >>"$1"' sh "$segment"
    refused 1 "Permission denied" as uploader mv "$spool/ready" "$spool/gone"
    refused 1 "Permission denied" as uploader touch "$spool/x"
    refused 1 "not permitted" as uploader chmod 777 "$spool/ready"
}
check "the uploader can neither change a segment nor rename the spool's folders" uploader_limits

pushed_without_group() {
    rm "$segment"
    push postgres-without-the-group
    expect_equal "640 $postgres_uid:$spool_gid" "$(stat -c '%a %u:%g' "$segment")" segment
}
check "a server that has not got the group yet archives all the same" pushed_without_group

drained() {
    drain
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    for store in one two; do
        expect_equal 1 "$(find "$work/stores/$store" -name "$first-*.zst.age" | wc -l)" "objects in $store"
    done
}
check "what postgres pushed is drained by the uploader into both stores and leaves the spool" drained

again() {
    push postgres
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
}
check "the same segment sent again is known to be archived and does not come back" again

no_world_writable() {
    expect_equal '' "$(find "$spool" -perm /007)" "open to everybody"
    expect_equal '' "$(find "$work/stores" -perm /002)" "writable by everybody"
}
check "nothing in the spool or the stores is open to everybody" no_world_writable
