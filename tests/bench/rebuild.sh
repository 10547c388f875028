#!/usr/bin/env bash
# rebuild.sh BUILD [--quick] [SEGMENTS...]: what `walferry rebuild` costs when the ledger of years is gone: it is filled from
# the listings of a directory store with so many objects. They are names without content, because rebuild reads nothing else;
# a million take a million inodes and 4 GB under /var/tmp.
. "$(dirname "$0")/../lib/bench.sh"
sizes=(10000 100000 1000000)
[ -z "$quick" ] || sizes=(1000 10000)
[ "${#arguments[@]}" = 0 ] || sizes=("${arguments[@]}")
system_identifier=7345678901234567890
spool=$work/spool
export WALFERRY_CONFIG=$work/etc/walferry.toml
begin_configuration "$WALFERRY_CONFIG" "$spool"
add_directory_store "$WALFERRY_CONFIG" first

make_objects() { # COUNT
    /usr/bin/python3 - "$work/stores/first/main/$system_identifier/wal/00000001" "$1" <<'PYTHON'
import hashlib, os, sys
folder, count = sys.argv[1], int(sys.argv[2])
os.makedirs(folder)
os.chdir(folder)
for number in range(count):
    sum = hashlib.sha256(str(number).encode()).hexdigest()
    os.mknod("%08X%08X%08X-%s-0123abcd-%s.zst.age" % (1, number // 256, number % 256, sum[:32], sum[32:]))
PYTHON
    chmod -R a+rX "$work/stores/first"
}

tables=()
for size in "${sizes[@]}"; do
    results=$work/results-$size
    rm -rf "$spool" "$work/stores/first"
    install -d "$work/stores/first"
    make_objects "$size"
    walferry init --owner postgres --group "$spool_gid" >/dev/null 2>&1
    rm -f "$spool"/ledger/ledger.db*
    run_measured 'rebuild' walferry rebuild
    measure note "$results" "size of the ledger, MiB" "$(du -m "$spool/ledger/ledger.db" | awk '{ print $1 * 1000 }')"
    run_measured 'rebuild once more, nothing is new' walferry rebuild
    run_measured 'status afterwards' walferry status
    tables+=("$size=$results")
done
heading "a new ledger for ${sizes[*]} objects of one store; $(machine)"
measure growth "${tables[@]}"
