#!/usr/bin/env bash
# A member of the spool's group who plants files, links and FIFOs wherever the modes let it: nothing hangs, no link is
# followed, and nothing that is not walferry's is changed or removed.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/trouble.sh"

begin_trouble "$work/spool"
mapfile -t names < <(make_segments 1 12)
push "${names[0]}"

precious=$work/precious
mkdir "$precious"
install -o postgres -g postgres -m 644 /dev/stdin "$precious/postgres.conf" <<<'of the server'
install -o root -g root -m 600 /dev/stdin "$precious/root.key" <<<'of root'
chown postgres:postgres "$precious"
precious_state() { stat -c '%n %a %u:%g %s %h' "$precious"/*; md5sum "$precious"/*; }
precious_state >"$work/precious-before"
unhurt() { precious_state | diff "$work/precious-before" -; }

plant() { as uploader sh -c "$1"; } # COMMANDS, as a member of the group

# A rollback journal that names a "super-journal" makes SQLite delete that file.
journal_naming() { # VICTIM
    python3 - "$1" "$spool/ledger/ledger.db" <<'PY'
import os, struct, sys
victim, ledger = sys.argv[1].encode(), sys.argv[2]
magic = bytes.fromhex("d9d505f920a163d7")
head = struct.pack(">8sIIIII", magic, 0, 0, os.path.getsize(ledger) // 4096, 512, 4096).ljust(512, b"\0")
tail = struct.pack(">I", 0x40000000 // 4096 + 1) + victim + struct.pack(">II", len(victim), sum(victim)) + magic
sys.stdout.buffer.write(head + tail)
PY
}

journal() {
    local each
    journal_naming "$precious/postgres.conf" | as uploader tee "$spool/ledger/ledger.db-journal" >/dev/null
    push "${names[1]}"
    unhurt
    for each in "$precious/postgres.conf" "$precious/root.key"; do
        journal_naming "$each" | as uploader tee "$spool/ledger/ledger.db-journal" >/dev/null
        walferry init >/dev/null
        walferry status >/dev/null
        unhurt
    done
    plant "rm -f '$spool/ledger/ledger.db-journal'"
}
check "a rollback journal planted beside the ledger deletes nothing, not even when root runs init" journal

fifos() {
    local name
    plant "mkfifo '$spool/ledger/ledger.db-journal'"
    push "${names[2]}"
    drain --limit 1
    for name in -wal -shm; do
        plant "cd '$spool/ledger'; mv ledger.db$name kept; mkfifo ledger.db$name"
        push "${names[3]}" 2>"$work/said"
        expect_in "is a FIFO" cat "$work/said"
        expect_exit 1 drain 2>"$work/said"
        expect_in "walferry rebuild" cat "$work/said"
        plant "cd '$spool/ledger'; mv kept ledger.db$name"
    done
    plant "rm '$spool/ledger/ledger.db-journal'"
    nothing_lost "${names[@]:0:4}"
}
check "a FIFO in place of any of the ledger's files holds nobody up" fifos

linked() {
    local name protected
    protected=$(cat /proc/sys/fs/protected_hardlinks)
    # As a kernel without this protection would let the member do it.
    for name in ledger.db ledger.db-wal ledger.db-shm; do
        mv "$spool/ledger/$name" "$spool/ledger/kept"
        ln "$precious/postgres.conf" "$spool/ledger/$name"
        push "${names[4]}" 2>"$work/said"
        expect_in "2 links" cat "$work/said"
        expect_exit 1 drain 2>/dev/null
        refused 1 "not a regular file with one link" walferry init
        rm "$spool/ledger/$name"
        unhurt
        mv "$spool/ledger/kept" "$spool/ledger/$name"
    done
    ln "$precious/root.key" "$ready/${names[5]}"
    # It cannot even be read.
    expect_exit 1 push "${names[5]}" 2>/dev/null
    walferry init >/dev/null
    expect_exit 1 drain >/dev/null 2>"$work/said"
    expect_in "2 links" cat "$work/said"
    rm "$ready/${names[5]}"
    unhurt
    push "${names[5]}"
    [ "$protected" != 1 ] || refused 1 "not permitted" plant "ln '$precious/root.key' '$spool/tmp/x'"
}
check "a hard link to somebody's file is neither written to, nor given away, nor uploaded" linked

names_as_weapons() {
    local folder=$ready
    plant "cd '$folder'; printf x >\"\$(printf 'a\nwalferry: all is well')\"; printf x >\"\$(printf 'b\033]0;c\007')\"
           printf x >\"\$(printf 'c\302\233d\233e')\""
    plant "cd '$spool/ready'; mkdir \"\$(printf '\033[2Jx')\""
    drain >"$work/said" 2>&1 || true
    walferry status >>"$work/said" 2>&1
    walferry init >>"$work/said" 2>&1
    no grep -q '^walferry: all is well' "$work/said"
    no env LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f\x9b]' "$work/said"
    expect_in "left alone" cat "$work/said"
    plant "cd '$folder'; rm -f a* b* c*; rmdir '$spool/ready/'*x"
}
check "names with newlines and escape sequences are shown without them" names_as_weapons

cluster_replaced() {
    plant "mkdir '$spool/elsewhere'" 2>/dev/null && return 1
    plant "mv '$ready' '$spool/tmp/away' && ln -s '$precious' '$ready'"
    expect_exit 1 push "${names[6]}" 2>/dev/null
    walferry init >/dev/null
    drain >/dev/null 2>"$work/said" || true
    unhurt
    plant "rm '$ready'; mkfifo '$ready'"
    expect_exit 1 push "${names[6]}" 2>/dev/null
    walferry init >/dev/null
    drain >/dev/null 2>&1 || true
    plant "rm '$ready'; mv '$spool/tmp/away' '$ready'"
    push "${names[6]}"
}
check "a cluster's folder replaced by a link or a FIFO is not entered" cluster_replaced

in_the_way() {
    local name
    plant "cd '$ready'; ln -s '$precious/postgres.conf' ${names[7]}; mkfifo ${names[8]}; mkdir ${names[9]}
           /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"${names[10]}\")'
           truncate -s 4T ${names[11]} 0000000A.history"
    for name in "${names[@]:7:4}"; do expect_exit 3 push "$name" 2>"$work/said"; done
    push "${names[11]}" # beside the file, whose content is another one
    expect_exit 3 drain >/dev/null 2>"$work/said"
    for name in "${names[@]:7:5}" 0000000A.history; do expect_in "$name" cat "$work/said"; done
    unhurt
    plant "cd '$ready'; rm -rf ${names[*]:7:5} 0000000A.history"
    push_all "${names[@]:7:5}"
}
check "links, FIFOs, folders, sockets and a file of 4 TiB under segments' names are named and left alone" in_the_way

junk() {
    local i
    plant "cd '$ready' && seq -f 'junk-%g' 10000 | xargs touch; cd '$spool/tmp' && seq -f '.junk-%g' 10000 | xargs touch"
    push "${names[0]}"
    expect_exit 1 drain >/dev/null 2>"$work/said"
    expect_equal 21 "$(grep -c "a WAL file's name" "$work/said")" "lines about junk"
    expect_in "9980 more files" cat "$work/said"
    expect_equal 10000 "$(find "$ready" -type f | wc -l)" "files left"
    plant "cd '$ready' && find . -name 'junk-*' -delete; find '$spool/tmp' -name '.junk-*' -delete"
    nothing_lost "${names[@]}"
}
check "ten thousand files that are nobody's slow nothing down to a halt and stay" junk
check "at the end every segment is in both stores, and nothing else was touched" converges "${names[@]}"
check "what belongs to others is as it was" unhurt
