#!/usr/bin/env bash
# walferry check: a sound set-up passes, and whatever it knows to be wrong is made so for real and found by name.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/fault/lib/faulty_stores.sh"
. "$tests/lib/checking.sh"

start_s3 ceph wal-ceph
start_s3 swift wal-swift
start_fault_server
make_sound_setup
as uploader walferry drain

sound() {
    expect_exit 0 checked
    expect_equal '' "$(jq -r '.findings[] | select(.verdict == "skipped") | .id' "$work/found.json")" skipped
    expect_equal 'backups backups' "$(jq -r '[.findings[] | select(.verdict == "warning") | .id] | join(" ")' "$work/found.json")" warnings
    expect_in '0 failed, 0 skipped' walferry check --uploader "$uploader_uid:$spool_gid"
}
try "a sound set-up passes, looked at by root" sound

sound_for_uploader() {
    expect_exit 0 checked_as uploader "$configuration"
    finds skipped server-spool-access "root only"
    finds passed running-server-group
    finds passed archive-command
}
try "it passes for the uploader's user, who is told what only root can see" sound_for_uploader

stranger() {
    expect_exit 2 as stranger walferry check
    expect_in "cannot read" as stranger walferry check
    chmod 644 "$configuration"
    expect_exit 1 checked_as stranger "$configuration"
    chmod 640 "$configuration"
    finds failed unreadable-files "Permission denied"
    finds failed store-credentials ceph.credentials
}
try "a user who may do nothing is told so, and nothing hangs or passes" stranger

leaves_nothing() {
    expect_equal '' "$(fetch_objects ceph wal-ceph - | grep /check/ || true)" "objects of a check"
    expect_equal '' "$(find "$spool" -name '.*' -type f)" "files of a check"
}
try "a check leaves nothing behind, neither in a store nor in the spool" leaves_nothing

ledger_sql() { as uploader sqlite3 "$spool/ledger/ledger.db" "$1"; }

# --- the server

switched_off() {
    local command
    for command in '' true /bin/true; do
        alter archive_command "$command"
        expect_exit 1 checked
        finds failed archive-command "archiving is switched off"
    done
    alter archive_library basic_archive
    checked || true
    finds failed archive-library basic_archive
    back archive_library
}
try "archiving that is switched off is found: an empty archive_command, true, a library" switched_off

other_commands() {
    alter archive_command "$push || true"
    checked || true
    finds failed archive-command "hides its failures"
    alter archive_command "$push && cp %p /nowhere/%f"
    checked || true
    finds warning archive-command "other commands"
    alter archive_command "${push% %p}"
    checked || true
    finds failed archive-command "%p"
    alter archive_command "/usr/bin/wal-g wal-push %p"
    checked || true
    finds failed archive-command "does not run walferry-archive-push"
}
try "an archive_command that is not quite ours is found" other_commands

legacy() {
    install -d -o postgres -g postgres -m 700 "$work/legacy"
    (umask 077 && as postgres cp "$pg/data/PG_VERSION" "$work/legacy/000000010000000000000001")
    chmod 755 "$work/legacy"
    alter archive_command "test ! -f $work/legacy/%f && cp %p $work/legacy/%f"
    expect_exit 1 checked
    finds failed archive-command "copies without syncing"
    finds failed legacy-directory "cannot read 1 of them"
    finds failed legacy-directory "nor remove any"
    mends legacy-directory "walferry import $work/legacy"
}
try "files of mode 600 in an earlier archive directory are found, and the way to take them in is named" legacy

other_spool() {
    alter archive_command "$work/bin/walferry-archive-push --spool $work/elsewhere %p"
    expect_exit 1 checked
    finds failed archive-spool "$work/elsewhere"
    mends archive-spool "--spool $spool %p"
}
try "a server that fills another spool is found" other_spool

programs_missing() {
    alter archive_command "walferry-archive-push-of-old --spool $spool %p"
    checked || true
    finds failed archive-program "PATH"
    install -d -m 700 "$work/private"
    cp "$work/bin/walferry-archive-push" "$work/private/"
    alter archive_command "$work/private/walferry-archive-push --spool $spool %p"
    checked || true
    finds failed archive-program "Permission denied"
    printf '#!/bin/sh\nexit 0\n' >"$work/private/walferry-archive-push"
    chmod 755 "$work/private"
    checked || true
    finds failed archive-program "is not walferry-archive-push"
    mv "$work/private/walferry-archive-push" "$work/private/away"
    checked || true
    finds failed archive-program "No such file"
    # A command that cannot be run is not counted by the server; one that fails is.
    alter archive_command /bin/false
    wait_for 30 archiver_fails
    expect_exit 1 checked
    finds failed archiver "archiving fails"
    alter archive_command "$push"
    pg_archive_all "$socket"
    as uploader walferry drain
    expect_exit 0 checked
}
archiver_fails() {
    pg_sql "$socket" "select pg_logical_emit_message(true, '', ''), pg_switch_wal()" >/dev/null
    [ "$(pg_sql "$socket" "select coalesce(last_failed_time > last_archived_time, false) from pg_stat_archiver")" = t ]
}
try "a program that is missing, may not be run or is another one is found, and so is an archiver that fails" programs_missing

timeouts_found() {
    alter archive_timeout 0
    expect_exit 1 checked
    finds failed archive-timeout "archive_timeout is 0"
    alter archive_timeout 1h
    expect_exit 1 checked
    finds failed archive-timeout "3600 s"
    mends archive-timeout "ALTER SYSTEM SET archive_timeout = '60s'"
    alter archive_timeout 1min
}
try "an archive_timeout beyond the recovery point is found" timeouts_found

poor_role() {
    pg_sql "$socket" "create role poor login"
    variant "s/user=postgres/user=poor/"
    expect_exit 0 checked_as uploader "$other"
    finds warning server-rights "permission denied"
    mends server-rights "GRANT pg_monitor"
    expect_exit 1 checked_as uploader "$other" --switch
    finds failed switch-rights "permission denied"
    mends switch-rights "GRANT EXECUTE ON FUNCTION pg_switch_wal()"
    variant "s/user=postgres/user=nobody_here/"
    expect_exit 0 checked_as uploader "$other"
    finds warning server-role 'role "nobody_here" does not exist'
    finds skipped server
}
try "a role without rights is told which to grant" poor_role

no_server() {
    variant "s|host=$socket|host=$work/nowhere|"
    expect_exit 1 checked_with "$other"
    finds failed server "cannot connect"
    finds passed store-rights
    kill -STOP "$(head -n 1 "$pg/data/postmaster.pid")"
    local began=$SECONDS
    expect_exit 1 checked || true
    kill -CONT "$(head -n 1 "$pg/data/postmaster.pid")"
    finds failed server "gives no answer"
    expect_at_most 40 $((SECONDS - began)) seconds
}
try "a server that is down, and one that hangs, are found within seconds and hide nothing else" no_server

other_server() {
    install -d -o postgres -g "$spool_gid" -m 2770 "$spool/ready/123"
    as postgres sh -c "umask 027; echo x >'$spool/ready/123/000000010000000000000001'"
    chown "postgres:$spool_gid" "$spool/ready/123/000000010000000000000001"
    expect_exit 1 checked
    finds failed other-cluster "123"
    rm -r "$spool/ready/123"
    ledger_sql "update segment set system_identifier = '42'"
    expect_exit 1 checked
    finds failed other-cluster "the ledger knows segments of 42 only"
    ledger_sql "update segment set system_identifier = '$(ls "$spool/ready")'"
    expect_exit 0 checked
}
try "a server whose segments are not those in the spool is found" other_server

# --- the switch

drain_at_work() { [ "$(as uploader walferry status --json | jq .last_run.at_work)" = true ]; }
switch_passes() {
    expect_exit 0 checked --switch --drain
    finds passed switch-archived
    finds passed switch-verified "is verified in ceph, swift"
    start_as uploader "$work/follow.log" walferry drain --follow
    wait_for 20 drain_at_work
    expect_exit 0 checked --switch --timeout 60 || { cat "$work/follow.log" && return 1; }
    finds passed switch-verified "is verified in ceph, swift"
    finds passed drain "is at work"
    stop_process "$started"
}
try "check --switch follows a segment into every store" switch_passes

switch_stuck() {
    expect_exit 1 checked --switch --timeout 2
    finds failed switch-verified "no drain has run"
    mends switch-verified "drain"
    alter archive_command /bin/false
    expect_exit 1 checked --switch --timeout 6
    finds failed switch-archived "archive_command fails"
    alter archive_command "$push"
    variant "s|bucket = \"wal-swift\"|&\nconnect_timeout = \"1s\"\nsilence_timeout = \"1s\"\nattempts = 1|"
    control_s3 swift pause
    start_as uploader "$work/follow.log" walferry --config "$other" drain --follow
    wait_for 20 drain_at_work
    expect_exit 1 checked_with "$other" --switch --timeout 6 || true
    stop_process "$started"
    control_s3 swift resume
    finds failed switch-verified "verified in ceph, not in swift"
    finds failed store-unreachable "no answer"
    as uploader walferry drain
}
try "check --switch says where a segment got stuck: at the server, in the spool, before a store" switch_stuck

# --- the spool and its users

damaged_spool() {
    local sysid segment
    sysid=$(ls "$spool/ready")
    segment=$spool/ready/$sysid/0000000100000000000000F0
    (umask 077 && as postgres cp "$pg/data/PG_VERSION" "$segment")
    expect_exit 1 checked
    finds failed unreadable-files "$segment: Permission denied"
    mends unreadable-files "walferry init"
    rm "$segment"
    echo junk >"$spool/ready/$sysid/junk"
    checked || true
    finds warning spool-strangers "junk is not a WAL file's name"
    rm "$spool/ready/$sysid/junk"
    chmod 2750 "$spool/ready/$sysid"
    expect_exit 1 checked
    finds failed undeletable-files "$spool/ready/$sysid"
    finds failed spool-modes "2750"
    expect_exit 1 checked_as uploader "$configuration"
    finds failed undeletable-files "$spool/ready/$sysid"
    chmod 3770 "$spool/ready/$sysid"
    expect_exit 1 checked
    finds failed undeletable-files "sticky"
    walferry init >/dev/null
    expect_exit 0 checked
}
try "files that the uploader cannot read, and a directory it cannot delete from, are found by name" damaged_spool

open_to_all() {
    chmod 777 "$spool/ready" "$spool/ledger/ledger.db"
    expect_exit 1 checked
    finds failed world-writable "$spool/ready"
    finds failed world-writable "ledger.db"
    mends world-writable "chmod o-w"
    chown root "$spool/tmp"
    checked || true
    finds failed spool-modes "$spool/tmp belongs to user 0"
    walferry init >/dev/null
    expect_exit 0 checked
}
try "what a chmod 777 left is found, and walferry init mends it" open_to_all

no_spool() {
    variant "s|^spool = .*|spool = \"$work/no-spool\"|"
    expect_exit 1 checked_with "$other"
    finds failed spool "$work/no-spool"
    finds failed archive-spool
    chown root:root "$spool"
    chmod 700 "$spool"
    expect_exit 1 checked
    finds failed server-spool-access "Permission denied"
    finds failed unreadable-files "Permission denied"
    walferry init --owner postgres --group "$spool_gid" >/dev/null
    expect_exit 0 checked
}
try "a missing spool and one that nobody can enter are found" no_spool

without_group() {
    pg_stop "$pg"
    as postgres-without-the-group "$postgres_bin/pg_ctl" -D "$pg/data" -l "$pg/log" -w -s start
    expect_exit 1 checked
    finds failed server-group "is not in the spool's group"
    # As after usermod, for this check alone.
    { cat /etc/group && echo "spoolers:x:$spool_gid:postgres"; } >"$work/group"
    expect_exit 0 checked_in_group
    finds passed server-group spoolers
    finds warning running-server-group "does not have the group spoolers yet"
    pg_stop "$pg"
    pg_settings "$pg" 'archive_mode = off'
    pg_start "$pg"
    expect_exit 1 checked
    finds failed archive-mode "archive_mode is off"
    pg_sql "$socket" "alter system set archive_mode = 'on'"
    pg_sql "$socket" 'select pg_reload_conf()' >/dev/null
    wait_for 10 restart_pending
    expect_exit 1 checked
    finds failed archive-mode "until the server is restarted"
    pg_stop "$pg"
    pg_start "$pg"
}
checked_in_group() {
    unshare -m sh -c 'mount --bind "$1" /etc/group && shift && exec "$@"' sh "$work/group" \
        walferry check --uploader "$uploader_uid:$spool_gid" --json >"$work/found.json"
}
restart_pending() { [ "$(pg_sql "$socket" "select pending_restart from pg_settings where name = 'archive_mode'")" = t ]; }
try "a server without the spool's group, one that gets it with its next restart, and archive_mode = off are found" without_group

install -d "$work/small"
mount -t tmpfs -o size=64m tmpfs "$work/small"
later "umount '$work/small'"
little_room() {
    variant "s|^spool = .*|spool = \"$work/small/spool\"|"
    walferry --config "$other" init --owner postgres --group "$spool_gid" >/dev/null
    checked_with "$other" --no-server || true
    finds failed spool-space "room for"
    mount -o remount,size=400m "$work/small"
    checked_with "$other" --no-server || true
    finds warning spool-space "room for"
    mount -o remount,size=4g,nr_inodes=$(($(df --output=iused "$work/small" | tail -n 1) + 8)) "$work/small"
    checked_with "$other" --no-server || true
    finds failed spool-space "inodes"
}
try "a spool that is nearly full is found, and one without inodes" little_room

install -d "$work/remote"
later "umount -l '$work/remote'"
# remote_spool [hang]: $other's spool is on a filesystem of network_filesystem.py; $remote is its server.
remote_spool() {
    variant "s|^spool = .*|spool = \"$work/remote\"|"
    python3 "$tests/lib/network_filesystem.py" "$work/remote" "$@" &
    remote=$!
    wait_for 10 grep -q " $work/remote " /proc/mounts
}
no_remote_spool() {
    stop_process "$remote"
    umount -l "$work/remote"
}
network_filesystem() {
    remote_spool
    checked_with "$other" --no-server || true
    no_remote_spool
    finds failed spool-filesystem "FUSE"
}
hung_filesystem() {
    remote_spool hang
    local began=$SECONDS
    checked_with "$other" --no-server || true
    no_remote_spool
    expect_at_most 60 $((SECONDS - began)) seconds
    finds failed no-answer
    finds_in ceph passed store-rights
    finds passed recipients
}
if [ ! -c /dev/fuse ]; then
    skip "a spool on a network filesystem" "this host has no /dev/fuse"
else
    try "a spool on a network filesystem is found" network_filesystem
    [ -z "$WALFERRY_TESTS_LONG" ] ||
        try "a spool whose file server is gone holds up nothing, and what was found before stays known" hung_filesystem
fi

# --- a standby

standby() {
    pg_stop "$pg"
    as postgres touch "$pg/data/standby.signal"
    pg_settings "$pg" "restore_command = '/bin/false'"
    pg_start "$pg"
    expect_exit 0 checked --switch
    finds skipped archive-command "standby"
    finds skipped switch-archived "standby"
    pg_stop "$pg"
    rm "$pg/data/standby.signal"
    pg_start "$pg"
}
try "a standby is not asked to archive" standby

# --- keys and configuration

configuration_found() {
    variant "s/^cluster = .*/clutser = \"main\"/"
    expect_exit 2 checked_with "$other"
    finds failed configuration clutser
    variant "s/age1[a-z0-9]*/age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq/"
    checked_with "$other" --no-server || true
    finds failed recipients || finds failed configuration recipient
    variant ""
    chmod 600 "$other"
    checked_with "$other" --no-server || true
    finds failed configuration-access "Permission denied"
    variant "s/^recipients.*/none = true/"
    expect_exit 0 checked_with "$other" --no-server
    finds warning unencrypted
}
try "what is wrong with the configuration itself is found" configuration_found

identities() {
    cp "$work/identity.txt" "$work/etc/identity.txt"
    expect_exit 0 checked
    finds warning identity-here "$work/etc/identity.txt"
    mends identity-here "shred"
    rm "$work/etc/identity.txt"
    walferry keygen -o "$work/etc/identity.txt" 2>/dev/null
    expect_exit 1 checked
    finds failed identity-match "no recipient"
    rm "$work/etc/identity.txt"
}
try "an identity on a host that archives is found, and one that opens nothing" identities

writers() {
    variant "s|^\[encryption\]|[signing]\nkey_file = \"$work/etc/writer.key\"\n\n&|"
    checked_with "$other" --no-server || true
    finds failed writer-key "$work/etc/writer.key"
    walferry --config "$other" init >/dev/null
    chown "$uploader_uid:$spool_gid" "$work/etc/writer.key"
    expect_exit 0 checked_with "$other" --no-server
    finds passed writer-key
    local stranger
    walferry --config "$other" config --json >/dev/null
    variant "s|^\[encryption\]|[signing]\nkey_file = \"$work/etc/other.key\"\n\n&|"
    stranger=$(walferry --config "$other" init | grep -o 'walferry-writer1[a-z0-9]*' | head -n 1)
    variant "s|^\[encryption\]|[signing]\nkey_file = \"$work/etc/writer.key\"\ntrusted_writers = [\"$stranger\"]\n\n&|"
    expect_exit 1 checked_with "$other" --no-server
    finds failed trusted-writers "does not hold this host's own public key"
}
try "a writer key that is missing, and one that restoring would refuse, are found" writers

# --- stores

refusals() {
    begin_other_stores
    faulty denied 'any status 403 AccessDenied'
    faulty strangers 'any status 403 InvalidAccessKeyId'
    faulty regions 'any region eu-north-1'
    faulty nobucket 'any status 404 NoSuchBucket'
    faulty readonly 'put status 403 AccessDenied'
    faulty keeper 'delete status 403 AccessDenied'
    faulty full 'put status 507'
    faulty flips 'get flip'
    faulty website 'any web-page'
    faulty skewed 'any skew'
    faulty broken 'any status 500 InternalError'
    faulty hangs 'any hang'
    faulty_tls untrusted 'tls server'
    printf '[[store]]\nname = "dead"\ntype = "s3"\nendpoint = "http://127.0.0.1:1"\nbucket = "wal"\ncredentials_file = "%s"\n' \
        "$work/keys" >>"$other"
    local began=$SECONDS
    expect_exit 3 checked_with "$other" --no-server
    expect_at_most 40 $((SECONDS - began)) seconds
    finds_in denied failed store-rights AccessDenied
    finds_in strangers failed store-key InvalidAccessKeyId
    finds_in regions failed store-region eu-north-1
    finds_in nobucket failed store-bucket NoSuchBucket
    finds_in readonly failed store-rights "put prod"
    finds_in keeper warning store-delete AccessDenied
    finds_in full failed store-full 507
    finds_in flips integrity store-damage "came back as something else"
    finds_in website failed store-trouble || finds_in website failed store-endpoint
    finds_in skewed failed store-clock RequestTimeTooSkewed
    finds_in broken failed store-trouble InternalError
    finds_in hangs failed store-unreachable "no answer" || finds_in hangs failed no-answer
    finds_in untrusted failed store-certificate certificate
    finds_in dead failed store-unreachable "Failed to connect"
}
try "each way in which a store refuses, lies or hangs has its own name, side by side within seconds" refusals

real_refusals() {
    begin_other_stores
    real unknown ceph wal-ceph 's/^aws_access_key_id.*/aws_access_key_id = nobody/'
    real secret ceph wal-ceph 's/^aws_secret.*/aws_secret_access_key = wrong/'
    real missing swift wal-missing ''
    real elsewhere swift wal-swift '' eu-nowhere-1
    real hidden ceph wal-ceph ''
    chown root:root "$work/keys-hidden"
    chmod 600 "$work/keys-hidden"
    real restored ceph wal-ceph ''
    sed 's/^aws_secret.*/aws_secret_access_key = wrong/' "$work/keys-restored" >"$work/keys-of-restore"
    chmod 640 "$work/keys-of-restore"
    echo "restore_credentials_file = \"$work/keys-of-restore\"" >>"$other"
    checked_with "$other" --no-server || true
    finds_in unknown failed store-key InvalidAccessKeyId
    finds_in secret failed store-key SignatureDoesNotMatch
    finds_in missing failed store-bucket NoSuchBucket
    finds_in elsewhere failed store-region AuthorizationHeaderMalformed
    finds_in hidden failed store-credentials "Permission denied"
    finds_in restored failed store-restore-keys SignatureDoesNotMatch
    finds_in restored passed store-rights
}
try "wrong keys, a missing bucket and a wrong region are told apart at Ceph and Swift" real_refusals

directories() {
    begin_other_stores
    printf '[[store]]\nname = "gone"\ntype = "directory"\npath = "%s"\n' "$work/not-mounted" >>"$other"
    printf '[[store]]\nname = "locked"\ntype = "directory"\npath = "%s"\n' "$work/private" >>"$other"
    printf '[[store]]\nname = "plain"\ntype = "s3"\nendpoint = "http://192.0.2.1"\nallow_http = true\nbucket = "wal"\ncredentials_file = "%s"\n' \
        "$work/keys" >>"$other"
    checked_with "$other" --no-server || true
    finds_in gone failed store-bucket "$work/not-mounted"
    finds_in locked failed store-rights "Permission denied"
    finds_in plain warning store-plain-http "plain http"
}
try "directory stores that are missing or locked, and plain http to another host, are found" directories

clocks() {
    expect_exit 1 checked_at +8m
    finds_in ceph failed store-clock "8 min"
    checked_at +25m || true
    finds_in ceph failed store-clock "clock"
}
checked_at() { # FROM_NOW
    faketime -f "$1" walferry check --uploader "$uploader_uid:$spool_gid" --json --no-server >"$work/found.json"
}
if command -v faketime >/dev/null && [ -z "${WALFERRY_SANITIZED:-}" ]; then
    try "a clock that is wrong is found, also before a store refuses its signatures" clocks
else
    skip "a clock that is wrong" "faketime is not installed, or cannot be loaded before a sanitizer"
fi

second_uploader() {
    local key later_key
    key=$(fetch_objects ceph wal-ceph - | grep '/wal/' | sort | tail -n 1)
    later_key=$(dirname "$key")/0000000100000000000000EE-00112233445566778899aabbccddeeff-00000000-00112233445566778899aabbccddeeff.zst
    echo x >"$work/foreign"
    fetch_objects ceph wal-ceph --put "$later_key" "$work/foreign"
    expect_exit 1 checked --no-server
    finds_in ceph failed second-uploader "which this host has never had"
    fetch_objects ceph wal-ceph --delete "$later_key"
    later_key=$(dirname "$key")/$(basename "$key" | cut -d- -f1)-00112233445566778899aabbccddeeff-00000000-00112233445566778899aabbccddeeff.zst
    fetch_objects ceph wal-ceph --put "$later_key" "$work/foreign"
    expect_exit 3 checked --no-server
    finds_in ceph integrity second-uploader "another content"
    fetch_objects ceph wal-ceph --delete "$later_key"
    expect_exit 0 checked --no-server
}
try "a second uploader is found by what it left in a store" second_uploader

# --- the ledger

ledger_contents() {
    local sysid last
    sysid=$(ls "$spool/ready")
    cp -a "$spool/ledger" "$work/ledger-before"
    ledger_sql "insert into conflict (segment, ours, theirs, seen_at) select max(id), 'a', 'b', '2026-01-01T00:00:00.000Z' from segment"
    expect_exit 3 checked --no-server
    finds integrity conflicts "1 unsettled conflict"
    ledger_sql "delete from conflict"
    ledger_sql "delete from segment where id = (select min(id) + 1 from segment)" ||
        ledger_sql "pragma foreign_keys = off; delete from segment where id = (select min(id) + 1 from segment)"
    expect_exit 3 checked --no-server
    finds integrity gaps "1 segment is missing between"
    last=$(ledger_sql "select max(id) from segment where removed_at is not null")
    ledger_sql "update segment set removed_at = null where id = $last; update upload set state = 'pending' where segment = $last"
    expect_exit 3 checked --no-server
    finds integrity lost-segments "has left the spool"
    rm -r "$spool/ledger"
    cp -a "$work/ledger-before" "$spool/ledger"
    expect_exit 0 checked --no-server
}
try "conflicts, gaps and lost segments exit with 3" ledger_contents

ledger_itself() {
    ledger_sql 'pragma wal_checkpoint(truncate)' >/dev/null
    mv "$spool/ledger/ledger.db" "$work/ledger.db"
    rm -f "$spool"/ledger/ledger.db-*
    expect_exit 1 checked --no-server
    finds failed ledger
    head -c 8192 /dev/urandom >"$spool/ledger/ledger.db"
    expect_exit 1 checked --no-server
    finds failed ledger
    finds skipped second-uploader
    cp "$work/ledger.db" "$spool/ledger/ledger.db"
    walferry init >/dev/null
    ledger_sql "insert into store (name, type, endpoint, bucket, prefix, added_at) values ('old', 's3', '', '', '', '2026-01-01T00:00:00.000Z')"
    expect_exit 1 checked --no-server
    finds failed stores-changed "store old is in the ledger"
    mends stores-changed "walferry stores retire old"
    as uploader walferry stores retire old >/dev/null
    expect_exit 0 checked --no-server
}
try "a ledger that is missing or damaged is found, and a store that vanished from the configuration" ledger_itself

backlog_found() {
    pg_archive_all "$socket"
    expect_exit 0 checked --no-server
    touch -d '-20 minutes' "$spool"/ready/*/0*
    ledger_sql "update run set finished_at = '2026-01-01T00:00:00.000Z', exit_code = 4, message = 'store swift was down' where id = (select max(id) from run)"
    expect_exit 1 checked --no-server
    finds failed backlog "the oldest for 20 min"
    finds failed drain "is the timer running?"
    ledger_sql "update run set finished_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    checked --no-server || true
    finds warning drain "store swift was down"
    flock --no-fork "$spool" sleep 60 &
    local holder=$!
    wait_for 10 lock_found
    kill "$holder"
    as uploader walferry drain --wait 10
    expect_exit 0 checked --no-server
}
lock_found() { checked --no-server || true && finds failed spool-lock "holds the spool's lock"; }
try "segments that wait for too long, a timer that does not run and a lock that somebody else holds are found" backlog_found
