#!/usr/bin/env bash
# walferry check: a sound set-up passes, and everything that it knows to be wrong is made so and found by name.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
pg=$work/pg
start_s3 ceph wal-ceph
start_s3 swift wal-swift
begin_configuration "$configuration" "$spool"
mv "$work/etc/identity.txt" "$work/identity.txt"
add_s3_store "$configuration" ceph wal-ceph
add_s3_store "$configuration" swift wal-swift
printf '\n[server]\nconninfo = "host=%s user=postgres"\n' "$pg" >>"$configuration"
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null

pg_create "$pg"
push="$work/bin/walferry-archive-push --spool $spool %p"
pg_settings "$pg" 'archive_mode = on' "archive_command = '$push'" 'archive_timeout = 60'

pg_start "$pg"
pg_archive_all "$pg"
as uploader walferry drain

checked() { walferry check --uploader "$uploader_uid:$spool_gid" --json "$@" >"$work/found.json"; }

# finds VERDICT ID [TEXT]: the last check came to it, with that text in what was found.
finds() {
    jq -e --arg verdict "$1" --arg id "$2" --arg text "${3:-}" \
        'any(.findings[]; .verdict == $verdict and .id == $id and (.found | contains($text)))' "$work/found.json" \
        >/dev/null && return 0
    echo "no $1 $2 \"${3:-}\" in:"
    jq -r '.findings[] | "\(.verdict) \(.id): \(.subject): \(.found)"' "$work/found.json"
    return 1
}

sound() {
    expect_exit 0 checked
    expect_equal 0 "$(jq .failed "$work/found.json")" failed
}
check "a sound set-up passes" sound

# alter SETTING VALUE: as the server runs.
alter() {
    pg_sql "$pg" "alter system set $1 = '$2'"
    pg_sql "$pg" 'select pg_reload_conf()' >/dev/null
    wait_for 10 shows "$1" "$2"
}
shows() { [ "$(pg_sql "$pg" "show $1")" = "$2" ]; }
back() {
    pg_sql "$pg" "alter system reset $1"
    pg_sql "$pg" 'select pg_reload_conf()' >/dev/null
    wait_for 10 differs "$1" "$2"
}
differs() { [ "$(pg_sql "$pg" "show $1")" != "$2" ]; }

switched_off() {
    local command
    for command in '' true /bin/true; do
        alter archive_command "$command"
        expect_exit 1 checked
        finds failed archive-command "archiving is switched off"
    done
    back archive_command /bin/true
}
check "an archive_command that archives nothing is archiving switched off" switched_off
