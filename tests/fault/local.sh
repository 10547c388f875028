#!/usr/bin/env bash
# Disks that are full, out of inodes or read-only, below the spool and below work_dir.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/trouble.sh"

# small_disk FOLDER MIB [OPTION OF MKFS]...: an ext4 of its own, none of it kept for root.
small_disk() {
    local folder=$1 mib=$2
    shift 2
    mkdir -p "$folder"
    truncate -s "${mib}M" "$folder.image"
    mkfs.ext4 -q -F -m 0 "$@" "$folder.image"
    mount -o loop "$folder.image" "$folder"
    later "umount -l '$folder'"
}

fill() { # FOLDER [KIB]: to the last byte, then KIB are given back
    rm -f "$1/filler"
    # What the filesystem holds back for blocks still to be written comes free with them.
    for _ in 1 2 3 4 5; do
        cat /dev/zero >>"$1/filler" 2>/dev/null || true
        sync -f "$1"
    done
    truncate -s "-${2:-0}K" "$1/filler"
    sync -f "$1"
}

disk=$work/disk small=$work/small
if ! small_disk "$disk" 32 -N 256 || ! small_disk "$small" 16; then
    skip "trouble with disks" "no filesystem can be mounted here"
    exit 0
fi
begin_trouble "$disk/spool"
mapfile -t names < <(make_segments 1 13)

# As sqlite3's shell leaves a ledger: without a log, and so without the room that is kept for it.
forget_log() { as uploader sqlite3 "$spool/ledger/ledger.db" 'SELECT count(*) FROM segment' >/dev/null; }

full_before() {
    push "${names[0]}"
    fill "$disk"
    expect_exit 1 push "${names[1]}" 2>"$work/said"
    expect_in "No space left on device" cat "$work/said"
    expect_equal 1 "$(wc -l <"$work/said")" "lines of the message"
    nothing_lost "${names[0]}"
    [ ! -e "$ready/${names[1]}" ]
    rm "$disk/filler"
    push "${names[1]}"
}
check "a full disk before the copy is an error that PostgreSQL retries" full_before

full_within() {
    fill "$disk" 600
    expect_exit 1 as postgres strace -qq -o /dev/null -e inject=fallocate:error=EOPNOTSUPP \
        walferry-archive-push --spool "$spool" "$data/pg_wal/${names[2]}" 2>"$work/said"
    expect_in "No space left on device" cat "$work/said"
    expect_equal '' "$(find "$spool/tmp" -type f)" "left over"
    [ ! -e "$ready/${names[2]}" ]
    rm "$disk/filler"
    push "${names[2]}"
}
check "a disk that fills up within the copy leaves nothing half behind" full_within

drained_when_full() {
    rm -f "$disk/filler"
    drain --limit 1
    push_all "${names[@]:3:5}"
    fill "$disk"
    refused 1 "No space left" as uploader dd if=/dev/zero of="$spool/tmp/more" bs=64k count=8 conv=fsync status=none
    rm -f "$spool/tmp/more"
    converges "${names[@]:0:8}"
    rm "$disk/filler"
}
check "a drain empties a spool that has filled its disk, ledger and all" drained_when_full

deadlocked() {
    rm -f "$disk/filler"
    push_all "${names[@]:8:2}"
    forget_log
    fill "$disk"
    expect_exit 1 drain 2>"$work/said"
    expect_in "free a few MB" cat "$work/said"
    expect_equal 2 "$(waiting "$spool")" "waiting segments"
    rm "$disk/filler"
    converges "${names[@]:8:2}"
}
check "where not even the ledger's log has room, nothing is deleted and the message says how it goes on" deadlocked

out_of_inodes() {
    local i=0
    rm -f "$disk/filler"
    push "${names[10]}"
    mkdir "$disk/many"
    while : >"$disk/many/$((i += 1))"; do [ $i -lt 1000 ]; done 2>/dev/null
    expect_exit 1 push "${names[11]}" 2>"$work/said"
    expect_in "No space left on device" cat "$work/said"
    converges "${names[10]}"
    rm -r "$disk/many"
    push "${names[11]}"
}
check "without a free inode push fails and the drain goes on" out_of_inodes

read_only() {
    mount -o remount,ro "$disk"
    expect_exit 1 push "${names[12]}" 2>"$work/said"
    expect_in "Read-only file system" cat "$work/said"
    expect_exit 1 drain 2>"$work/said"
    expect_in "mounted read-only" cat "$work/said"
    nothing_lost "${names[11]}"
    mount -o remount,rw "$disk"
    push "${names[12]}"
    converges "${names[@]:11:2}"
}
check "a disk that became read-only stops both, and they go on when it is writable again" read_only

work_dir_full() {
    chmod 777 "$small"
    sed -i "s,^work_dir = .*,work_dir = \"$small\"," "$configuration"
    walferry init --owner postgres --group "$spool_gid" --spool "$work/spool" >/dev/null
    sed -i "s,^spool = .*,spool = \"$work/spool\"," "$configuration"
    spool=$work/spool ready=$work/spool/ready/$sysid
    big=$(make_segments 1000 1 64)
    push_all "$big" "${names[12]}"
    expect_exit 1 drain 2>"$work/said"
    expect_in "an encoding in $small: No space left on device" cat "$work/said"
    [ -e "$ready/$big" ]
    [ ! -e "$ready/${names[12]}" ]
    chmod 700 "$small"
    expect_exit 1 drain 2>"$work/said"
    expect_in "set work_dir to a directory this user can write to" cat "$work/said"
    nothing_lost "$big"
    sed -i 's,^work_dir = .*,work_dir = "/var/tmp",' "$configuration"
    converges "$big"
}
check "a work_dir that is full or closed holds up what needs it and nothing else" work_dir_full
