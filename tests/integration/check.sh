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

# Nothing else looks at this configuration meanwhile: what it takes to give up on a part is waited for at the end.
hang_on_a_dead_file_server() {
    sed "s|^spool = .*|spool = \"$work/dead\"|" "$configuration" >"$work/etc/dead.toml"
    for_uploader "$work/etc/dead.toml"
    install -d "$work/dead"
    python3 "$tests/lib/network_filesystem.py" "$work/dead" hang &
    dead_server=$!
    later "kill $dead_server; umount -l '$work/dead'"
    wait_for 10 grep -q " $work/dead " /proc/mounts
    (
        exec 9>&-
        began=$SECONDS
        walferry --config "$work/etc/dead.toml" check --uploader "$uploader_uid:$spool_gid" --no-server --json || true
        echo $((SECONDS - began)) >"$work/dead-seconds"
    ) >"$work/dead.json" 2>/dev/null &
    dead_check=$!
}
if [ -c /dev/fuse ]; then hang_on_a_dead_file_server; fi

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
    restart_server
    alter archive_command "$push"
    nothing_missing # on a slow machine archive_timeout may have ended a segment meanwhile
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
    alter archive_command "AWS_SECRET_ACCESS_KEY=hunter2 /usr/bin/wal-g wal-push %p"
    checked || true
    finds failed archive-command "does not run walferry-archive-push"
    no grep hunter2 "$work/found.json"
    alter archive_command "timeout 300 $push"
    expect_exit 0 checked
    finds passed archive-command
}
try "an archive_command that is not quite ours is found" other_commands

by_script() {
    printf '#!/bin/sh\n# archives\nexec %s\n' "${push/\%p/\"\$1\"}" >"$work/bin/archive-it"
    chmod 755 "$work/bin/archive-it"
    alter archive_command "$work/bin/archive-it %p"
    expect_exit 0 checked --switch --drain
    finds warning archive-command "a script that calls walferry-archive-push"
    finds passed switch-verified
    printf '#!/bin/sh\n# no walferry-archive-push here\nexit 1\n' >"$work/bin/archive-it"
    expect_exit 1 checked
    finds failed archive-command "does not run walferry-archive-push"
    rm "$work/bin/archive-it"
    expect_exit 1 checked
    finds failed archive-program "No such file"
    alter archive_command "archive-it-elsewhere %p"
    expect_exit 1 checked
    finds failed archive-program "there is no archive-it-elsewhere"
}
try "a script round push is read, and check --switch tells whether it works" by_script

legacy() {
    install -d -o postgres -g postgres -m 700 "$work/legacy"
    (umask 077 && as postgres cp "$pg/data/PG_VERSION" "$work/legacy/000000010000000000000001")
    chmod 755 "$work/legacy"
    alter archive_command "test ! -f $work/legacy/%f && cp %p $work/legacy/%f"
    expect_exit 1 checked
    finds failed archive-command "copies without syncing"
    finds failed legacy-directory "cannot read 1 of them"
    finds failed legacy-directory "nor remove any"
    mends legacy-directory "walferry --config $configuration import $work/legacy"
}
try "files of mode 600 in an earlier archive directory are found, and the way to take them in is named" legacy

other_spool() {
    alter archive_command "$work/bin/walferry-archive-push --spool $work/elsewhere %p"
    expect_exit 1 checked
    finds failed archive-spool "$work/elsewhere"
    mends archive-spool "--spool $spool %p"
    ln -s "$spool" "$work/link"
    alter archive_command "$work/bin/walferry-archive-push --spool $work/link/ %p"
    expect_exit 0 checked
    finds passed archive-spool
    rm "$work/link"
    # Where the server's files are not to be seen, one directory may have two names.
    pg_settings "$pg" "listen_addresses = '127.0.0.1'" "port = $tcp_port"
    restart_server
    variant "s|host=$socket|host=127.0.0.1 port=$tcp_port|"
    as postgres "$postgres_bin/psql" -h 127.0.0.1 -p "$tcp_port" -U postgres -Xqc "alter system set archive_command = '$work/bin/walferry-archive-push --spool /elsewhere %p'" \
        -c 'select pg_reload_conf()' >/dev/null
    checked_with "$other" || true
    finds warning archive-spool "not to be seen"
    finds skipped running-server-group
    sed -i '/^port = /d; /^listen_addresses = .127/d' "$pg/data/postgresql.conf"
    restart_server
}
tcp_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
try "a server that fills another spool is found, and a link to the right one is none" other_spool

remedies() {
    variant "s|^spool = .*|spool = \"$work/it's a 100%spool\"|"
    walferry --config "$other" init --owner postgres --group "$spool_gid" >/dev/null
    alter archive_command ''
    walferry --config "$other" check --uploader "$uploader_uid:$spool_gid" >"$work/text" || true
    # What stands in backquotes on one line.
    sed -n '/\[archive-command\]/,/^[A-Za-z]/s/.*`\(ALTER SYSTEM.*\)`.*/\1/p' "$work/text" >"$work/remedy.sql"
    expect_equal 1 "$(wc -l <"$work/remedy.sql")" remedies
    as postgres "$postgres_bin/psql" -h "$socket" -U postgres -Xq -v ON_ERROR_STOP=1 -f "$work/remedy.sql" >/dev/null
    wait_for 10 push_is_named
    pg_archive_all "$socket"
    expect_at_least 1 "$(waiting "$work/it's a 100%spool")" "segments in the other spool"
    checked_with "$other" || true
    finds passed archive-spool
    nothing_missing
}
push_is_named() { [ -n "$(pg_sql "$socket" 'show archive_command')" ]; }
try "a remedy can be pasted, whatever the spool is called" remedies

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
    restart_server
    alter archive_command "$push"
    pg_archive_all "$socket"
    as uploader walferry drain
    expect_exit 0 checked
    # One that neither fails nor ends.
    alter archive_command "sleep 600.25 && false"
    pg_sql "$socket" "select pg_logical_emit_message(true, '', ''), pg_switch_wal()" >/dev/null
    wait_for 10 archiver_sleeps
    touch -d '-20 minutes' "$pg"/data/pg_wal/archive_status/*.ready
    expect_exit 1 checked
    finds failed archiver "the archiver is stuck"
    alter archive_command "$push"
    kill "$(pgrep -u postgres -xf 'sleep 600.25')"
    restart_server
    pg_archive_all "$socket"
    as uploader walferry drain
    # One that has done nothing yet.
    pg_sql "$socket" "select pg_stat_reset_shared('archiver')" >/dev/null
    wait_for 10 archiver_has_done_nothing
    expect_exit 0 checked
    finds warning archiver "nothing has been archived yet"
    end_segments 1
    as uploader walferry drain
}
archiver_sleeps() { pgrep -u postgres -xf 'sleep 600.25' >/dev/null; }
archiver_has_done_nothing() { [ -z "$(pg_sql "$socket" 'select last_archived_wal from pg_stat_archiver')" ]; }
archiver_fails() {
    pg_sql "$socket" "select pg_logical_emit_message(true, '', ''), pg_switch_wal()" >/dev/null
    [ "$(pg_sql "$socket" "select coalesce(last_failed_time > last_archived_time, false) from pg_stat_archiver")" = t ]
}
try "a program that is missing, may not be run or is another one is found, and so is an archiver that fails, is stuck or new" programs_missing

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
    expect_exit 0 checked_with "$other"
    finds passed server
    finds warning server-role 'role "nobody_here" does not exist'
}
try "a role without rights is told which to grant" poor_role

no_server() {
    variant "s|host=$socket|host=$work/nowhere|"
    expect_exit 1 checked_with "$other" --switch
    finds skipped switch-archived "does not answer"
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
    local later=18000000000000000000 # than any identifier that initdb makes today
    install -d -o postgres -g "$spool_gid" -m 2770 "$spool/ready/$later"
    as postgres sh -c "umask 027; echo x >'$spool/ready/$later/000000010000000000000001'"
    chown "postgres:$spool_gid" "$spool/ready/$later/000000010000000000000001"
    expect_exit 1 checked
    finds failed other-cluster "$later"
    rm -r "$spool/ready/$later"
    # To the stores these are other segments, which they do not have.
    cp -a "$spool/ledger" "$work/ledger-before"
    ledger_sql "update segment set system_identifier = '$later'"
    expect_exit 3 checked
    finds integrity lost-objects
    finds failed other-cluster "the ledger knows segments of $later"
    # One that was created earlier, and archives elsewhere now: this server's is the new one.
    ledger_sql "update segment set system_identifier = '42'"
    expect_exit 3 checked
    finds failed new-cluster "the ledger knows segments of 42 (created 1970-01-01) only"
    alter archive_command "${push/"$spool"//elsewhere}"
    expect_exit 3 checked
    finds failed other-cluster "of 42"
    alter archive_command "$push"
    rm -r "$spool/ledger"
    mv "$work/ledger-before" "$spool/ledger"
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

switch_lost() {
    alter archive_command /bin/true
    expect_exit 1 checked --switch --timeout 5
    finds failed switch-archived "nothing of it is in the spool"
    nothing_missing
    alter archive_command "sleep 3 && $push"
    expect_exit 1 checked --switch --timeout 1
    finds failed switch-archived "does not end"
    wait_for 20 something_waits
    alter archive_command "$push"
    variant "s|^\[\[store\]\]|&\nconnect_timeout = \"1s\"\nattempts = 1|; s|endpoint = .*|endpoint = \"http://127.0.0.1:1\"|"
    expect_exit 1 checked_with "$other" --switch --drain --timeout 20
    finds failed switch-verified "waits in the spool; walferry:"
    as uploader walferry drain
    mv "$spool/ledger" "$work/ledger-away"
    expect_exit 1 checked --switch --timeout 2
    mv "$work/ledger-away" "$spool/ledger"
    finds failed switch-verified "cannot be followed"
    as uploader walferry drain
}
something_waits() { [ "$(waiting "$spool")" != 0 ]; }
try "check --switch is not taken in by a command that keeps nothing, and says why it cannot follow" switch_lost

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
    mends unreadable-files "init --owner postgres --group $spool_gid"
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
    walferry init --owner postgres --group "$spool_gid" >/dev/null
    expect_exit 0 checked
    mv "$spool/tmp" "$work/tmp-away"
    ln -s /tmp "$spool/tmp"
    expect_exit 1 checked
    finds failed spool-modes "$spool/tmp is no directory"
    rm "$spool/tmp"
    mv "$work/tmp-away" "$spool/tmp"
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
    restart_server
    pg_sql "$socket" "alter system set archive_mode = 'off'"
    pg_sql "$socket" 'select pg_reload_conf()' >/dev/null
    wait_for 10 restart_pending
    expect_exit 0 checked
    finds warning archive-mode "the next restart brings another value"
    pg_sql "$socket" "alter system set archive_mode = 'on'"
    pg_sql "$socket" 'select pg_reload_conf()' >/dev/null
    # Without the server nobody can tell whose users these are.
    expect_exit 0 checked --no-server
    finds warning server-group "is not in the spool's group"
    chown -R 4711 "$spool"
    checked || true
    finds failed server-group "the server runs as the one with number"
    mends server-group "--owner $postgres_uid"
    walferry init --owner postgres --group "$spool_gid" >/dev/null
    expect_exit 0 checked
}
checked_in_group() {
    unshare -m sh -c 'mount --bind "$1" /etc/group && shift && exec "$@"' sh "$work/group" \
        walferry check --uploader "$uploader_uid:$spool_gid" --json >"$work/found.json"
}
restart_pending() { [ "$(pg_sql "$socket" "select pending_restart from pg_settings where name = 'archive_mode'")" = t ]; }
try "a server without the spool's group, one that gets it with its next restart, and archive_mode = off are found" without_group

unknown_users() {
    without_uploader
    variant ""
    printf '\n[[store]]\nname = "here"\ntype = "directory"\npath = "%s"\n' "$work/stores" >>"$other"
    expect_exit 0 checked_among_users "$other"
    finds skipped uploader-user "has 0 members beside the server's user"
    finds_in here skipped uploader-user "root leaves nothing in a directory store"
    variant "s|^spool = .*|spool = \"$work/no-spool\"|"
    sed -i '/^postgres:/d' "$work/passwd"
    checked_among_users "$other" --no-server || true
    finds skipped server-group "no user postgres"
}
try "users that cannot be found out are asked for" unknown_users

in_a_container() {
    pg_stop "$pg"
    in_other_root setpriv --reuid="$postgres_uid" --regid="$postgres_gid" --groups="$postgres_gid,$spool_gid" \
        "$postgres_bin/pg_ctl" -D "$pg/data" -l "$pg/log" -w -s start
    expect_exit 0 checked
    finds skipped archive-program "container"
    restart_server
}
# A root of its own, as a container has, with this script's folder in it.
make_other_root() {
    install -d "$work/root" "$work/layer"
    mount -t tmpfs tmpfs "$work/layer" && later "umount '$work/layer'"
    install -d "$work/layer/up" "$work/layer/work"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$work/layer/up,workdir=$work/layer/work" "$work/root" || return 1
    later "umount -l '$work/root'"
    local folder
    for folder in /dev /proc "$work"; do mount --rbind "$folder" "$work/root$folder"; done
}
in_other_root() { chroot "$work/root" "$@"; }
if make_other_root 2>/dev/null; then
    try "a server in a container is known, whose programs are not this host's" in_a_container
else
    skip "a server in a container" "no overlay filesystem can be mounted here"
fi

truncate -s 64M "$work/disk.img"
mkfs.ext4 -q "$work/disk.img"
install -d "$work/disk"
mount -o loop "$work/disk.img" "$work/disk"
later "umount '$work/disk'"
attributes() {
    variant "s|^spool = .*|spool = \"$work/disk/spool\"|"
    walferry --config "$other" init --owner postgres --group "$spool_gid" >/dev/null
    local attribute
    for attribute in a i; do
        chattr +$attribute "$work/disk/spool/ready"
        checked_with "$other" --no-server || true
        chattr -$attribute "$work/disk/spool/ready"
        finds failed undeletable-files "$work/disk/spool/ready: "
        mends undeletable-files "chattr -ai"
    done
}
try "a directory with an attribute that keeps files in it is found" attributes

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
    mount -o remount,size=4g,nr_inodes=$(($(df --output=iused "$work/small" | tail -n 1) + 100)) "$work/small"
    checked_with "$other" --no-server || true
    finds warning spool-space "inodes"
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
    wait_for 60 test -s "$work/dead-seconds"
    stop_process "$dead_server"
    cp "$work/dead.json" "$work/found.json"
    show_found
    expect_at_most 60 "$(cat "$work/dead-seconds")" seconds
    finds failed no-answer
    finds_in ceph passed store-rights
    finds passed recipients
}
killed_part() {
    variant "s|endpoint = .*|endpoint = \"http://127.0.0.1:$(set_plan hanging 'any hang')\"|"
    walferry --config "$other" check --uploader "$uploader_uid:$spool_gid" --no-server --json >"$work/found.json" &
    local check=$!
    wait_for 5 stores_alone "$check"
    pkill -KILL -P "$check"
    wait "$check" || true
    show_found
    finds_in ceph failed not-checked "early end by signal 9"
    finds passed spool
}
# The other parts have ended.
stores_alone() { [ "$(ps -o stat= --ppid "$1" | grep -vc Z)" = 2 ]; }
try "a part that is killed is said to be unknown, and hides nothing else" killed_part

if [ ! -c /dev/fuse ]; then
    skip "a spool on a network filesystem" "this host has no /dev/fuse"
else
    try "a spool on a network filesystem is found" network_filesystem
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
    finds_in ceph skipped second-uploader "standby"
    pg_stop "$pg"
    sed -i '/^archive_mode/d' "$pg/data/postgresql.auto.conf"
    pg_settings "$pg" "archive_mode = always"
    pg_start "$pg"
    expect_exit 0 checked
    finds passed archive-mode always
    finds passed archive-command
    pg_stop "$pg"
    sed -i 's/^archive_mode = always/archive_mode = on/' "$pg/data/postgresql.conf"
    rm "$pg/data/standby.signal"
    pg_start "$pg"
}
try "a standby is not asked to archive, unless it is meant to" standby

# --- the configuration

configuration_found() {
    variant "s/^cluster = .*/clutser = \"main\"/"
    expect_exit 2 checked_with "$other"
    finds failed configuration clutser
    expect_equal 2 "$(jq .exit_code "$work/found.json")" "exit code in JSON"
    variant ""
    chmod 600 "$other"
    checked_with "$other" --no-server || true
    finds failed configuration-access "Permission denied"
    mends configuration-access "chmod 640 $other"
    chmod 666 "$other"
    expect_exit 2 checked_with "$other" --no-server
    finds failed configuration-access "everybody may write it"
    chmod 640 "$other"
    expect_exit 2 checked_as stranger "$other"
    finds failed configuration-access "Permission denied"
    chmod 660 "$other"
    expect_exit 1 checked_with "$other" --no-server
    finds failed configuration-access "its group"
    chmod 640 "$other"
    chown "$uploader_uid" "$other"
    expect_exit 0 checked_with "$other" --no-server
    finds warning configuration-access "belongs to the user with number $uploader_uid"
    chown root "$other"
    chmod 777 "$work/etc"
    expect_exit 1 checked_with "$other" --no-server
    finds failed configuration-access "can change $work/etc"
    chmod 755 "$work/etc"
}
try "what is wrong with the configuration itself is found" configuration_found

everything() {
    all_provoked "The configuration, and who runs what" "The PostgreSQL server" "The server's user and the spool" \
        "The spool" "check --switch"
}
check "whatever check can say about servers, users, spools and switches was provoked here" everything
