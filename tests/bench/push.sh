#!/bin/sh
# push.sh BUILD [ROUNDS]: walferry-archive-push against a plain durable copy and, as root, cloning on XFS.
# The work is done under $WALFERRY_BENCH_DIR, else /var/tmp: a disk, not memory.
set -eu
build=$1
rounds=${2:-60}
work=$(mktemp -d "${WALFERRY_BENCH_DIR:-/var/tmp}/walferry-bench-XXXXXX")
mounted=
tidy() {
    [ -z "$mounted" ] || umount "$work/xfs"
    rm -rf "$work"
}
trap tidy EXIT
trap 'exit 1' INT TERM HUP

bench=$build/bin/push-bench
push=$build/bin/walferry-archive-push
yardstick=$build/bin/push-yardstick

echo "== push, 16 MiB segments, $rounds rounds on $(stat -f -c %T "$work")"
mkdir "$work/plain"
"$bench" plain "$push" "$yardstick" "$work/plain" "$rounds"

if [ "$(id -u)" != 0 ] || ! command -v mkfs.xfs > /dev/null; then
    echo "== SKIPPED: cloning on XFS needs root and mkfs.xfs"
    exit 0
fi
truncate -s 2G "$work/xfs.img"
mkfs.xfs -q -m reflink=1 "$work/xfs.img"
mkdir "$work/xfs"
if ! mount -o loop "$work/xfs.img" "$work/xfs" 2> "$work/why"; then
    echo "== SKIPPED: cannot mount an XFS image here: $(cat "$work/why")"
    exit 0
fi
mounted=yes
echo "== push, cloning on XFS"
mkdir "$work/xfs/clone"
"$bench" clone "$push" "$yardstick" "$work/xfs/clone" "$rounds"
