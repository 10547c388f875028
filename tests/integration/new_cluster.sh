#!/usr/bin/env bash
# A new system identifier under the same spool and configuration, as after initdb or pg_upgrade: nothing that is said of
# backups and positions is said of the cluster that was replaced, which stays restorable and is listed apart.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$spool"
sed -i "s,^work_dir.*,&\nrpo = \"2h\"\n\n[server]\nconninfo = \"host=$work/pg user=postgres\"," "$configuration"
add_directory_store "$configuration" nas
add_directory_store "$configuration" usb
export WALFERRY_CONFIG=$configuration
walferry init --owner postgres --group "$spool_gid" >/dev/null
restoring=$work/etc/restore.toml
sed "s,^recipients,identity_file = \"$work/etc/identity.txt\"\n&," "$configuration" >"$restoring"

new_cluster() { # sets $system_identifier
    rm -rf "$work/pg"
    pg_create "$work/pg"
    chmod 711 "$work/pg"
    pg_settings "$work/pg" 'archive_mode = on' "archive_command = '$work/bin/walferry-archive-push --spool $spool %p'" \
        'archive_timeout = 1h'
    pg_start "$work/pg"
    system_identifier=$("$postgres_bin/pg_controldata" "$work/pg/data" | sed -n 's/^Database system identifier: *//p')
}
found() { # VERDICT ID [TEXT]
    jq -e --arg verdict "$1" --arg id "$2" --arg text "${3:-}" \
        'any(.findings[]; .verdict == $verdict and .id == $id and (.found | contains($text)))' "$work/found.json" >/dev/null ||
        { jq -r '.findings[] | "\(.verdict) \(.id): \(.found)"' "$work/found.json" && echo "no $1 $2 ${3:-}" && return 1; }
}
look() {
    walferry check --uploader "$uploader_uid:$spool_gid" --json >"$work/found.json" && return 0 # by root
    local status=$?
    jq -r '.findings[] | select(.verdict != "passed") | "\(.verdict) \(.id): \(.found)"' "$work/found.json"
    return $status
}

new_cluster
first=$system_identifier
pg_archive_all "$work/pg"
as uploader walferry drain --quiet
as uploader walferry backup --checkpoint fast >"$work/backup.log" 2>&1 || cat "$work/backup.log"
before=$(as uploader walferry status --json | jq -r '.last_restorable_backups[0].id')

one_cluster() {
    expect_exit 0 look
    found passed backups
    expect_equal "2 0" "$(as uploader walferry status --json | jq -r '[(.last_restorable_backups, .earlier_clusters_backups) | length] | join(" ")')" backups
    no grep earlier <(as uploader walferry status)
    expect_equal "[]" "$(as uploader walferry status --json | jq -c .earlier_clusters)" "earlier clusters"
    expect_equal "[]" "$(walferry --config "$restoring" backups --json | jq -c .earlier_system_identifiers)" "earlier clusters"
}
check "a cluster that is the only one is vouched for, and nothing is said of earlier ones" one_cluster

# A segment that waits still, of the cluster that is about to go.
pg_sql "$work/pg" "select pg_logical_emit_message(true, '', '')" >/dev/null
pg_archive_all "$work/pg"
pg_stop "$work/pg"
# One, and another where the server that stops still archived its last.
waiting_still=$(find "$spool/ready/$first" -type f | wc -l)
new_cluster

not_archived_yet() {
    expect_exit 1 look
    found failed new-cluster "$system_identifier"
    found failed new-cluster "segments of $first"
    found failed backups "no base backup of this cluster"
    found failed backups "an earlier system identifier, $first"
    found passed backlog "of an earlier cluster"
    no found failed other-cluster >/dev/null
    grep -q 'docs/pg-upgrade.md' "$work/found.json"
}
check "check sees a new cluster that has archived nothing, and does not call it the wrong server" not_archived_yet

archived() {
    pg_archive_all "$work/pg"
    as uploader walferry status --json >"$work/status.json"
    expect_equal "$system_identifier 0 2 $before" \
        "$(jq -r '[.system_identifier, (.last_restorable_backups | length), (.earlier_clusters_backups | length), .earlier_clusters_backups[0].id] | join(" ")' "$work/status.json")" status
    expect_equal '[null,null]' "$(jq -c '[.stores[].last_verified_segment]' "$work/status.json")" "last verified segments"
    expect_equal '[[0,0],[0,0]]' "$(jq -c '[.stores[] | [.stored, .verified]]' "$work/status.json")" "stored and verified of the new cluster"
    expect_equal "[\"$first\",$waiting_still,$waiting_still]" \
        "$(jq -c '[.earlier_clusters[0].system_identifier, .earlier_clusters[0].stores[].pending]' "$work/status.json")" "of the earlier one"
    jq -e '[.earlier_clusters[0].stores[].verified > 1] | all' "$work/status.json"
    as uploader walferry status >"$work/status"
    no grep '^last restorable backup' "$work/status"
    grep -q 'no restorable backup of this cluster' "$work/status"
    grep -q "^earlier cluster $first (created $(date -u +%Y)-.*: last restorable backup in nas: $before" "$work/status"
    grep -q "$waiting_still of them of an earlier cluster" "$work/status"
    grep -Eq "^earlier cluster $first \(created .*\): nas: [0-9]+ verified, $waiting_still pending; usb: [0-9]+ verified, $waiting_still pending$" "$work/status"
    expect_exit 1 look
    found failed backups "no base backup of this cluster"
    no found failed new-cluster >/dev/null
    as uploader walferry drain --quiet
    as uploader walferry status --json >"$work/status.json"
    expect_equal "[true,true]" "$(jq -c '[.stores[].last_verified_segment != null]' "$work/status.json")" "verified now"
    local own
    own=$(sqlite3 "$spool/ledger/ledger.db" "select count(*) from segment where system_identifier = '$system_identifier'")
    expect_equal "[$own,$own]" "$(jq -c '[.stores[].verified]' "$work/status.json")" "verified of the new cluster"
    expect_equal "[0,0]" "$(jq -c '[.earlier_clusters[0].stores[].pending]' "$work/status.json")" "pending of the earlier one"
}
check "what status and check say of backups and positions is said of the present cluster" archived

listed() {
    walferry --config "$restoring" backups >"$work/backups"
    grep -q "no complete backup of cluster $system_identifier" "$work/backups"
    grep -q "created .*: \`walferry backups --system-identifier $first\`" "$work/backups"
    walferry --config "$restoring" backups --system-identifier "$first" | grep "^$before"
    # A host that only restores knows no ledger: the cluster that was created last.
    sed "s,^spool = .*,spool = \"$work/none\"," "$restoring" >"$work/etc/other_host.toml"
    expect_equal "$system_identifier" "$(walferry --config "$work/etc/other_host.toml" backups --json | jq -r .system_identifier)" "the cluster"
    expect_in "the newest first: $system_identifier (created" walferry --config "$work/etc/other_host.toml" cat 000000010000000000000001
}
check "backups shows the present cluster, and names the earlier ones with dates" listed

gap_of_the_earlier() {
    local ledger=$spool/ledger/ledger.db
    # Of the cluster that is gone, a segment is known behind a gap.
    sqlite3 "$ledger" "insert into segment (system_identifier, name, fingerprint, kind, timeline, size, spooled_at, removed_at)
        select system_identifier, '0000000100000000000000F0', printf('%032d', 0), 'wal', 1, size, spooled_at, spooled_at from segment
         where system_identifier = '$first' and kind = 'wal' limit 1"
    look >/dev/null || true
    found passed gaps "1 gap is in the archives of earlier clusters"
    sqlite3 "$ledger" "delete from segment where fingerprint = printf('%032d', 0)"
}
check "a gap in the archive of an earlier cluster is none of the present one" gap_of_the_earlier

protected() {
    as uploader walferry backup --checkpoint fast >"$work/backup.log" 2>&1
    expect_exit 0 look
    expect_equal "2 2" "$(as uploader walferry status --json | jq -r '[(.last_restorable_backups, .earlier_clusters_backups) | length] | join(" ")')" backups
    # pg_upgrade throws away WAL of the new cluster, of which some was archived.
    local ledger=$spool/ledger/ledger.db gap="insert into segment (system_identifier, name, fingerprint, kind, timeline, size, spooled_at, removed_at)
        select system_identifier, '%s', printf('%%032d', 0), 'wal', 1, size, spooled_at, spooled_at from segment
         where system_identifier = '$system_identifier' and kind = 'wal' limit 1"
    sqlite3 "$ledger" "$(printf "$gap" 000000010000000000000000)"
    sqlite3 "$ledger" "delete from segment where system_identifier = '$system_identifier' and name = '000000010000000000000001'"
    look || true
    found passed gaps "1 gap lies before that"
    sqlite3 "$ledger" "$(printf "$gap" 0000000100000000000000F0)"
    look || true
    found integrity gaps "and 0000000100000000000000F0"
    # Nothing says in which order the clusters of a ledger that was lost archived, but their identifiers.
    rm "$spool"/ledger/ledger.db*
    as uploader walferry rebuild >/dev/null
    expect_equal "$system_identifier" "$(as uploader walferry status --json | jq -r .system_identifier)" "after a rebuild"
}
check "the first backup of the new cluster ends it, and a rebuilt ledger knows which cluster is the present one" protected
