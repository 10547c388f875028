#!/usr/bin/env bash
# Names and messages come from the ledger, from object names, labels and servers. Whatever they hold, a terminal is given
# text: no escape sequence, no change of direction, no byte that is no UTF-8; and JSON stays JSON.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$spool"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
as uploader walferry drain >/dev/null

# ESC ] 52 writes to the clipboard, 0x9b is a CSI of one byte, U+202E turns the rest of the line around.
clipboard=$(printf '\033]52;c;cm0gLXJmIH4=\a')
hostile="$clipboard$(printf '\033[2J\302\2331m\342\200\256\377')"
short=$(printf '\033]52;c;eA==\a')
sysid=7301234567890123456
zeros=00000000000000000000000000000000

sqlite3 "$spool/ledger/ledger.db" <<SQL
insert into segment (system_identifier, name, fingerprint, kind, timeline, size, spooled_at, removed_at)
    values ('$sysid', '0000000100000000$short', '$zeros', 'wal', 1, 16777216, '2026-01-01T00:00:00.000Z$short', '$hostile'),
           ('$sysid', '000000010000000000000009', '$short' || substr('$zeros', 13), 'wal', 1, 16777216, '$hostile', null);
insert into upload (segment, store, state, object_key, object_sha256, last_error, verified_at, next_attempt_at)
    select id, 1, 'verified', '$hostile', '$hostile', null, '$hostile', null from segment;
insert into upload (segment, store, state, last_error) select id, 2, 'pending', '$hostile' from segment;
insert into conflict (segment, store, ours, theirs, seen_at) select id, 1, '$hostile', '$hostile', '$hostile' from segment;
update run set message = '$hostile', finished_at = '$hostile', exit_code = 4;
insert into store (name, type, endpoint, bucket, prefix, added_at, retired_at)
    values ('$hostile', 's3', '$hostile', '$hostile', '$hostile', '$hostile', '$hostile');
insert into backup (system_identifier, name, pid, began_at, finished_at, exit_code, stopped_at, segments, first_segment, last_segment)
    values ('$sysid', '20260131T0200$short', 1, '$hostile', '$hostile', 0, '$hostile', 0, 'x', 'x');
insert into backup_upload (backup, store, state, label_key, verified_at) values (1, 1, 'verified', '$hostile', '$hostile');
SQL

# Objects that a store shows, no matter who named them.
for folder in "wal/00000001" "settled" "backup/20260131T020000Z-1a2b3c4d"; do
    as uploader mkdir -p "$work/stores/one/main/$sysid/$folder"
    as uploader touch "$work/stores/one/main/$sysid/$folder/000000010000000000000003-$short" \
        "$work/stores/one/main/$sysid/$folder/label-$hostile"
done

only_text() { # COMMAND...: what it prints, on both outputs
    "$@" >"$work/out" 2>"$work/err" || true
    cat "$work/out" "$work/err" >"$work/printed"
    if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]' "$work/printed" ||
        LC_ALL=C grep -qP '\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$work/printed" ||
        ! iconv -f UTF-8 -t UTF-8 "$work/printed" >/dev/null 2>&1; then
        echo "$* printed:"
        cat -v "$work/printed"
        return 1
    fi
}

texts() {
    only_text as uploader walferry status
    grep -qF '\u001b]52;c;' "$work/out"
    only_text as uploader walferry list
    grep -qF '\u001b]52;c;' "$work/out"
    only_text as uploader walferry stores
    only_text as uploader walferry conflicts --all
    grep -qF '\u001b]52;c;' "$work/out"
    only_text walferry check --no-server --uploader "$uploader_uid:$spool_gid"
    only_text as uploader walferry backups
    only_text as uploader walferry settle 000000010000000000000009
    only_text as uploader walferry drain
    only_text as uploader walferry rebuild
    only_text as uploader walferry cat "0000000100000000$short"
    only_text as uploader walferry "$hostile"
    only_text as uploader walferry --config "$hostile" status
}
check "no command hands a terminal what others wrote" texts

json() {
    local command
    for command in status list stores "conflicts --all" rebuild; do
        only_text as uploader walferry $command --json
        jq -e . "$work/out" >/dev/null || { echo "$command --json is no JSON" && return 1; }
    done
    only_text walferry check --no-server --uploader "$uploader_uid:$spool_gid" --json
    jq -e . "$work/out" >/dev/null
}
check "and JSON stays JSON" json
