#!/usr/bin/env bash
# A ledger that is locked, damaged at random bytes, cut short in use, replaced, newer, or somebody else's: push always
# archives, and the drain deletes nothing that is not in every store.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/trouble.sh"

begin_trouble "$work/spool"
ledger=$spool/ledger/ledger.db
start_over() {
    rm -rf "$spool/ledger" "$ready"
    walferry init >/dev/null
}

held() { # PRAGMA: until its input ends
    as uploader sqlite3 "$ledger" <"$work/open" >"$work/held" 2>&1 &
    holder=$!
    exec 9>"$work/open"
    printf '%s\nBEGIN EXCLUSIVE;\nSELECT 1;\n' "$1" >&9
    wait_for 20 grep -q 1 "$work/held"
}
locked() {
    local began
    mkfifo "$work/open"
    fresh_segments 2
    push "${names[0]}"
    held "$1"
    began=$SECONDS
    push "${names[1]}" 2>"$work/said"
    expect_at_least $((SECONDS - began)) 30 "seconds that push may wait"
    expect_in "another process keeps it locked" cat "$work/said"
    expect_exit 1 drain >/dev/null 2>"$work/said"
    expect_in "database is locked" cat "$work/said"
    expect_in "fuser" cat "$work/said"
    expect_equal 2 "$(waiting "$spool")" "waiting segments"
    exec 9>&-
    wait "$holder"
    rm "$work/open"
    converges "${names[@]}"
}
check "push archives beside a ledger that is locked for writing, and the drain says who to look for" locked ""
check "push archives beside a ledger that is locked for reading too" locked "PRAGMA locking_mode = EXCLUSIVE;"

# Any bytes of any of the ledger's files, by a seed.
damage() { # SEED
    python3 - "$1" "$ledger" <<'PY'
import os, random, sys
chance = random.Random(int(sys.argv[1]))
for suffix in chance.sample(["", "-wal", "-shm"], chance.randint(1, 3)):
    path = sys.argv[2] + suffix
    size = os.path.getsize(path) if os.path.exists(path) else 0
    if size == 0:
        continue
    with open(path, "r+b") as file:
        for _ in range(chance.choice([1, 3, 30, 300])):
            file.seek(chance.randrange(size))
            file.write(bytes([chance.randrange(256)]))
PY
}
damaged() { # SEED
    local status=0
    start_over
    fresh_segments 3
    push_all "${names[@]:0:2}"
    drain --store one >/dev/null
    damage "$1"
    push "${names[2]}" 2>/dev/null
    drain >/dev/null 2>&1 || status=$?
    [ $status -le 5 ] || { echo "the drain ended with $status" && return 1; }
    nothing_lost "${names[@]}"
    mkdir "$work/away.$1"
    find "$spool/ledger" -type f -exec mv -t "$work/away.$1" {} +
    converges "${names[@]}"
    rm -r "$work/away.$1"
}
seeds=4
if [ -n "$WALFERRY_TESTS_LONG" ]; then seeds=300; fi
for ((seed = 1; seed <= seeds; ++seed)); do
    check "random bytes in the ledger lose nothing (seed $seed)" damaged $seed
done

# It may be done before anybody looks.
at_work_or_done() { no flock -n "$spool" true || gone "$started"; }
cut_short() { # SUFFIX
    local status=0
    start_over
    fresh_segments 24
    push_all "${names[@]}"
    start_as uploader "$work/said" walferry drain --jobs 1
    wait_for 20 at_work_or_done
    truncate -s 0 "$ledger$1"
    wait "$started" || status=$?
    [ $status -le 5 ] || { cat "$work/said" && echo "the drain ended with $status" && return 1; }
    nothing_lost "${names[@]}"
    rm -f "$ledger"*
    converges "${names[@]}"
}
for suffix in "" -wal -shm; do
    check "ledger.db$suffix cut short under a running drain ends it without a signal and loses nothing" cut_short "$suffix"
done

replaced() { # WHAT COMMANDS: in the ledger's folder
    start_over
    fresh_segments 2
    push "${names[0]}"
    (cd "$spool/ledger" && eval "$1")
    push "${names[1]}" 2>"$work/said"
    expect_in "is archived in the spool, but the ledger" cat "$work/said"
    expect_exit 1 drain >/dev/null 2>"$work/said"
    expect_in hint "cat" "$work/said"
    expect_equal 2 "$(waiting "$spool")" "waiting segments"
    rm -rf "$spool"/ledger/ledger.db*
    converges "${names[@]}"
}
check "a text file in the ledger's place stops the drain alone" replaced 'rm ledger.db*; seq 2000 >ledger.db; chmod 666 ledger.db'
check "a folder in the ledger's place stops the drain alone" replaced 'rm ledger.db*; mkdir ledger.db'
check "a symbolic link in the ledger's place stops the drain alone" replaced 'mv ledger.db else; ln -s else ledger.db'
check "a ledger of root's alone stops the drain alone" replaced 'chown root:root ledger.db*; chmod 600 ledger.db*'
check "a ledger that nobody may open stops the drain alone" replaced 'chmod 000 ledger.db*'
check "a newer ledger stops the drain alone" replaced \
    'sqlite3 ledger.db "UPDATE push_interface SET version = 2; PRAGMA user_version = 1000" && chown "$postgres_uid:$spool_gid" *; chmod 660 *'
other_journal() {
    start_over
    fresh_segments 2
    push "${names[0]}"
    as uploader sqlite3 "$ledger" 'PRAGMA journal_mode = DELETE' >/dev/null
    drain >/dev/null
    expect_equal wal "$(as uploader sqlite3 "$ledger" 'PRAGMA journal_mode')" "journal mode"
    push "${names[1]}"
    converges "${names[@]}"
}
check "a ledger that was restored in another journal mode is put back into its own" other_journal
