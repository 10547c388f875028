#!/usr/bin/env bash
# From the set-up that walferry replaces: a server copied to a directory as files of mode 600. They are imported, the
# archive_command is switched, and no segment is missing between the two.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
legacy=$work/legacy
configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$spool"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
drain() { as uploader walferry drain "$@"; }

install -d -o postgres -g postgres -m 777 "$legacy" # as the old set-up was left
pg_create "$work/pg" 1
install -d -o postgres -g postgres -m 755 "$work/reference"
pg_settings "$work/pg" 'archive_mode = on' "archive_command = 'cp %p $legacy/%f && cp %p $work/reference/%f'"
pg_start "$work/pg"
pg_bench "$work/pg" -i -q -s 2 >"$work/pgbench.log" 2>&1
pg_archive_all "$work/pg"
old=$(find "$legacy" -type f | wc -l)

as_it_failed() {
    expect_at_least 10 "$old" "segments in the old directory"
    expect_equal 600 "$(find "$legacy" -type f -printf '%m\n' | sort -u)" "their mode"
    refused 1 "Permission denied" as uploader cat "$(find "$legacy" -type f | head -n 1)"
}
check "the old directory is what the uploader cannot read" as_it_failed

not_the_uploader() {
    expect_exit 1 as uploader walferry import "$legacy"
    expect_in "sudo" as uploader walferry import "$legacy"
    expect_exit 2 walferry import "$work/pg/data/pg_wal"
    expect_equal "$old" "$(find "$legacy" -type f | wc -l)" "files in the old directory"
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
}
check "only root or the server's user may import, and never from a server's pg_wal" not_the_uploader

of_others() {
    printf '1\t0/3000000\tpromoted by a stranger\n' >"$legacy/00000002.history"
    chown "$uploader_uid" "$legacy/00000002.history"
    expect_exit 3 walferry import "$legacy"
    expect_in "has mode 0777, so that others can write it" walferry import "$legacy"
    expect_equal "$((old + 1))" "$(find "$legacy" -type f | wc -l)" "files in the old directory"
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    chmod 755 "$legacy"
    local open=$legacy/$(ls "$legacy" | head -n 1)
    chmod 666 "$open"
    expect_exit 3 walferry import --keep "$legacy"
    expect_equal "$((old - 1))" "$(waiting "$spool")" "waiting segments"
    expect_in "belongs to the user with the id $uploader_uid" walferry import --keep "$legacy"
    expect_in "has mode 0666" walferry import --keep "$legacy"
    rm "$spool"/ready/*/*
    rm "$legacy/00000002.history"
    chmod 600 "$open"
}
check "what another user wrote, or could have written, is not taken for the server's own" of_others

path_of_others() {
    local outer=$work/outer
    # The directory is the server's own, but others can put another one in its place.
    mkdir "$outer" && chmod 777 "$outer"
    cp -a "$legacy" "$outer/legacy"
    expect_exit 3 walferry import --keep "$outer/legacy"
    expect_in "$outer has mode 0777" walferry import --keep "$outer/legacy"
    chmod 755 "$outer" && chown "$uploader_uid" "$outer"
    expect_in "$outer belongs to the user with the id $uploader_uid" walferry import --keep "$outer/legacy"
    chown root "$outer"
    ln -s "$outer/legacy" "$outer/link"
    chmod 1777 "$outer"
    chown -h "$uploader_uid" "$outer/link"
    expect_in "$outer/link belongs to the user with the id $uploader_uid" walferry import --keep "$outer/link"
    # An access control list that lets one more user write shows in the group's bits.
    chmod 755 "$outer"
    /usr/bin/python3 - "$outer/legacy" "$uploader_uid" <<'PYTHON'
import os, struct, sys
entries = [(1, 7, 0xFFFFFFFF), (2, 7, int(sys.argv[2])), (4, 5, 0xFFFFFFFF), (16, 7, 0xFFFFFFFF), (32, 5, 0xFFFFFFFF)]
os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries))
PYTHON
    expect_in "$outer/legacy has mode 0775, so that others can write it" walferry import --keep "$outer/legacy"
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    # Below a directory with the sticky bit the server's own cannot be replaced.
    /usr/bin/python3 -c 'import os, sys; os.removexattr(sys.argv[1], "system.posix_acl_access")' "$outer/legacy"
    chmod 755 "$outer/legacy"
    chmod 1777 "$outer"
    walferry import --keep "$outer/legacy" >/dev/null
    expect_equal "$old" "$(waiting "$spool")" "waiting segments"
    rm -r "$outer" "$spool"/ready/*/*
}
check "a directory that others can replace, by a parent, a link or an access control list, is not trusted" path_of_others

imported() {
    walferry import "$legacy" --json >"$work/import.json"
    expect_equal "$old" "$(jq .imported "$work/import.json")" imported
    expect_equal 0 "$(find "$legacy" -type f | wc -l)" "files left in the old directory"
    expect_equal "640 $postgres_uid:$spool_gid" "$(find "$spool/ready" -type f -printf '%m %U:%G\n' | sort -u)" segments
    expect_equal "2770 $postgres_uid:$spool_gid" "$(stat -c '%a %u:%g' "$spool"/ready/*)" "the cluster's folder"
}
check "root imports them: readable for the uploader, and the server's own" imported

switched() {
    pg_settings "$work/pg" "archive_command = 'walferry-archive-push --spool $spool %p && cp %p $work/reference/%f'"
    as postgres "$postgres_bin/pg_ctl" -D "$work/pg/data" -s reload
    pg_sql "$work/pg" 'create table after_the_switch as select generate_series(1, 100000)'
    pg_archive_all "$work/pg"
    # What the old command copied between the import and the switch.
    walferry import "$legacy" >/dev/null
    drain
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    expect_equal '' "$(as uploader sqlite3 -readonly "$spool/ledger/ledger.db" 'select * from gap')" gaps
    expect_equal "$(find "$work/reference" -type f -printf '%f\n' | sort | md5sum)" \
        "$(find "$work/stores/one" -name '*.age' -printf '%f\n' | cut -d- -f1 | sort -u | md5sum)" "names in the store"
    open_objects "$work/stores/two" "$work/etc/identity.txt" "$work/reference"
}
check "after the switch no segment is missing between the old archive and the new one" switched
