#!/usr/bin/env bash
# walferry-archive-get as a server calls it: what it brings, what it says with its exit code, and its helper. With
# directory stores; recoveries of a server are in recovery.sh.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/trouble.sh"

begin_trouble "$work/spool"
mapfile -t names < <(make_segments 1 24 1)
push_all "${names[@]:0:20}"
drain

# A data directory that recovers, with the configuration of a host that restores.
restoring=$work/restoring/walferry.toml
install -d -o postgres -g postgres -m 700 "$work/pgdata" "$work/pgdata/global" "$work/pgdata/pg_wal" "$work/restoring"
install -o postgres -g postgres -m 600 "$data/global/pg_control" "$work/pgdata/global/pg_control"
install -o postgres -g postgres -m 600 "$work/etc/identity.txt" "$work/restoring/identity.txt"
sed 's,^recipients,identity_file = "identity.txt"\n&,' "$configuration" >"$restoring"
chmod 644 "$restoring"
chmod -R a+rX "$work/stores"

# get NAME [OPTION...]: as the startup process calls it.
get() {
    (cd "$work/pgdata" && as postgres timeout -k 5 100 walferry-archive-get --config "$restoring" "${@:2}" "$1" pg_wal/RECOVERYXLOG)
}
is_restored() { # NAME
    cmp "$data/pg_wal/$1" "$work/pgdata/pg_wal/RECOVERYXLOG"
    expect_equal "postgres 600" "$(stat -c '%U %a' "$work/pgdata/pg_wal/RECOVERYXLOG")" "owner and mode"
    rm "$work/pgdata/pg_wal/RECOVERYXLOG"
    nothing_left
}
nothing_left() { expect_equal '' "$(find "$work/pgdata/pg_wal" -mindepth 1)" "left in pg_wal"; }
helpers() { pgrep -f "walferry fetch --config $restoring.*--serve" || true; }
# A process that has ended for those who look at its first thread may have others that still hold its socket open.
altogether_gone() { [ ! -e "/proc/$1" ] || { gone "$1" && [ "$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l)" -le 1 ]; }; }
end_helpers() {
    local pid
    for pid in $(helpers); do
        kill "$pid" 2>/dev/null || true
        wait_for 10 altogether_gone "$pid"
    done
}
later end_helpers

sequence() {
    local name
    for name in "${names[@]:0:20}"; do
        get "$name"
        is_restored "$name"
    done
    expect_equal 1 "$(helpers | wc -l)" "helpers"
}
check "every segment comes back, one after the other, and one helper has fetched ahead" sequence

helper_alone() {
    local pid
    pid=$(helpers)
    expect_equal "$pid" "$(ps -o sid= -p "$pid" | tr -d ' ')" "its session" ||
        [ "$(ps -o sid= -p "$pid" | tr -d ' ')" != "$(ps -o sid= -p $$ | tr -d ' ')" ]
    expect_equal / "$(readlink "/proc/$pid/cwd")" "its working directory"
    no sh -c "ls -l /proc/$pid/fd | grep -E '/dev/pts|pipe:'"
}
check "the helper has a session of its own and nothing of the server's open" helper_alone

helper_killed() {
    get "${names[0]}"
    rm "$work/pgdata/pg_wal/RECOVERYXLOG"
    kill -KILL "$(helpers)"
    nothing_left
    get "${names[1]}"
    is_restored "${names[1]}"
}
check "a helper that is killed leaves nothing behind and is replaced" helper_killed

two_at_once() {
    local first second
    end_helpers
    mkdir -p "$work/pgdata/one"
    get "${names[2]}" &
    first=$!
    (cd "$work/pgdata" && as postgres walferry-archive-get --config "$restoring" "${names[2]}" one/RECOVERYXLOG) &
    second=$!
    wait $first
    wait $second
    cmp "$data/pg_wal/${names[2]}" "$work/pgdata/one/RECOVERYXLOG"
    is_restored "${names[2]}"
    end_helpers
    (get "${names[3]}") &
    first=$!
    (get "${names[3]}") &
    second=$!
    wait $first
    wait $second
    is_restored "${names[3]}"
}
chown postgres "$work/pgdata"
install -d -o postgres -g postgres "$work/pgdata/one"
check "two calls at once are both served, for one directory or for two" two_at_once

under_its_own_name() {
    end_helpers
    (cd / && as postgres walferry-archive-get --config "$restoring" "${names[4]}" "$work/pgdata/pg_wal/${names[4]}")
    cmp "$data/pg_wal/${names[4]}" "$work/pgdata/pg_wal/${names[4]}"
    rm "$work/pgdata/pg_wal/${names[4]}"
    expect_equal 0 "$(helpers | wc -l)" "helpers"
    nothing_left
}
check "pg_rewind's call, from elsewhere and under the segment's name, fetches that one file" under_its_own_name

copied() {
    end_helpers
    get "${names[5]}"
    rm "$work/pgdata/pg_wal/RECOVERYXLOG"
    rm -rf "$work/copy"
    cp -a "$work/pgdata" "$work/copy"
    expect_equal '' "$(find "$work/copy/pg_wal" -mindepth 1)" "in the copy's pg_wal"
    (cd "$work/copy" && as postgres walferry-archive-get --config "$restoring" "${names[6]}" pg_wal/RECOVERYXLOG)
    cmp "$data/pg_wal/${names[6]}" "$work/copy/pg_wal/RECOVERYXLOG"
    expect_equal 2 "$(helpers | wc -l)" "helpers, one for each directory"
}
check "a data directory that is copied in the middle brings nothing stale along" copied

ends_with_server() {
    end_helpers
    sleep 600 &
    local server=$!
    echo "$server" | as postgres tee "$work/pgdata/postmaster.pid" >/dev/null
    get "${names[7]}"
    is_restored "${names[7]}"
    expect_equal 1 "$(helpers | wc -l)" "helpers"
    stop_process "$server"
    rm "$work/pgdata/postmaster.pid"
    wait_for 20 no_helpers
}
no_helpers() { [ -z "$(helpers)" ]; }
check "the helper ends with the server" ends_with_server

newer_configuration() {
    end_helpers
    get "${names[8]}"
    is_restored "${names[8]}"
    mv "$work/stores/one" "$work/stores/one.away"
    sed -i 's,^path = .*/one",&\n# changed,' "$restoring"
    get "${names[9]}"
    is_restored "${names[9]}"
    mv "$work/stores/one.away" "$work/stores/one"
    expect_equal 2 "$(helpers | wc -l)" "helpers"
}
check "a changed configuration is a new helper's" newer_configuration
end_helpers

# killed_anywhere STEP COMMAND...: before each STEP-th system call; then the file is whole or not there, and nothing
# else is.
killed_anywhere() {
    local number step=$1 status=0 kills=0
    shift
    cp "$programs/kill-at-call" "$work/bin/"
    for ((number = 1; status == 0; number += step)); do
        (cd "$work/pgdata" && as postgres "$work/bin/kill-at-call" $number /dev/null "$@") || status=$?
        if [ -e "$work/pgdata/pg_wal/RECOVERYXLOG" ]; then
            is_restored "${names[14]}"
        else
            [ $status = 0 ] || { echo "it ended with $status and restored nothing" && return 1; }
        fi
        nothing_left
        kills=$((kills + 1))
    done
    expect_equal 3 $status "how the last one ended"
    expect_at_least 10 $kills "kills"
    get "${names[14]}"
    is_restored "${names[14]}"
}
if [ -x "$programs/kill-at-call" ]; then
    check "killed at any system call it leaves the whole file or none" \
        killed_anywhere $([ -n "$WALFERRY_TESTS_LONG" ] && echo 1 || echo 3) \
        "$work/bin/walferry-archive-get" --config "$restoring" "${names[14]}" pg_wal/RECOVERYXLOG
    check "so does walferry fetch, which it runs where there is no helper" \
        killed_anywhere $([ -n "$WALFERRY_TESTS_LONG" ] && echo 1 || echo 29) \
        "$work/bin/walferry" fetch --config "$restoring" "${names[14]}" pg_wal/RECOVERYXLOG
else
    skip "archive-get killed at any system call" "programs with sanitizers cannot be traced"
fi
end_helpers

# pg_wal on a filesystem of its own, too small for everything that could be fetched ahead.
small_disk() {
    local name
    end_helpers
    truncate -s 16M "$work/small.img"
    mkfs.ext4 -q -m 0 -O ^has_journal "$work/small.img"
    mkdir "$work/small"
    mount -o loop "$work/small.img" "$work/small"
    later "umount '$work/small'"
    chown postgres "$work/small"
    mv "$work/pgdata/pg_wal" "$work/pgdata/pg_wal.away"
    as postgres ln -s "$work/small" "$work/pgdata/pg_wal"
    rmdir "$work/small/lost+found"
    for name in "${names[@]:0:12}"; do
        get "$name"
        cmp "$data/pg_wal/$name" "$work/small/RECOVERYXLOG"
        rm "$work/small/RECOVERYXLOG"
    done
    end_helpers
    dd if=/dev/zero of="$work/small/full" bs=1M status=none || true
    expect_exit 255 get "${names[0]}" 2>"$work/said"
    expect_in "No space left on device" cat "$work/said"
    expect_equal "$work/small/full" "$(find "$work/small" -type f)" "files"
    rm "$work/small/full"
    get "${names[0]}"
    cmp "$data/pg_wal/${names[0]}" "$work/small/RECOVERYXLOG"
    end_helpers
    wait_for 10 umount "$work/small"
    rm "$work/pgdata/pg_wal"
    mv "$work/pgdata/pg_wal.away" "$work/pgdata/pg_wal"
}
if [ -e /dev/loop-control ]; then
    check "a small or full disk under pg_wal is left as it is, and said to be full" small_disk
else
    skip "a small or full disk under pg_wal" "there are no loop devices"
fi

# What the exit code says: 1 ends a recovery, so it takes proof.
said() { get "$@" >"$work/said" 2>&1; }
absent() { # NAME [OPTION...]
    expect_exit 1 said "$@"
    expect_equal 1 "$(wc -l <"$work/said")" "lines"
    expect_in "not in the archive" cat "$work/said"
    nothing_left
}
stops() { # TEXT NAME [OPTION...]
    expect_exit 255 said "${@:2}"
    expect_in "$1" cat "$work/said"
    nothing_left
}
the_end() {
    absent 000000010000000000000040
    absent 00000002.history
    absent 00000001.history
    absent 000000020000000000000040
}
check "past the end of the archive is 1" the_end

away() { mv "$work/stores/$1" "$work/stores/$1.away"; }
back() { mv "$work/stores/$1.away" "$work/stores/$1"; }
# The tests have not a minute for each call.
sed -i 's/^\[encryption\]/[restore]\ntimeout = "3s"\n\n&/' "$restoring"

outage() {
    away two
    stops "--without two --system-identifier $sysid" 000000010000000000000040
    stops "store two" 00000002.history
    absent 000000010000000000000040 --without two
    absent 000000010000000000000040 --only one
    get "${names[0]}"
    is_restored "${names[0]}"
    away one
    stops "start the server again" "${names[0]}"
    back one
    back two
}
check "with a store away what it might have is no end, what the other has comes, and the message has the edit" outage

gap() {
    local store
    for store in one two; do
        mkdir -p "$work/hidden/$store"
        find "$work/stores/$store" -name "${names[10]}-*" -exec mv {} "$work/hidden/$store/" ';'
    done
    stops "a gap" "${names[10]}"
    expect_in "${names[11]}" cat "$work/said"
    for store in one two; do
        mv "$work/hidden/$store"/* "$work/stores/$store/main/$sysid/wal/00000001/"
    done
    get "${names[10]}"
    is_restored "${names[10]}"
}
check "a segment that is missing before others is a gap, not the end" gap

damaged() { # STORE...
    local store object
    end_helpers # what was fetched before is sound
    for store; do
        object=$(find "$work/stores/$store" -name "${names[12]}-*")
        cp -p "$object" "$object.sound"
        printf 'x' | dd of="$object" bs=1 seek=5000 conv=notrunc status=none
    done
}
mended() {
    local sound
    find "$work/stores" -name '*.sound' | while read -r sound; do mv "$sound" "${sound%.sound}"; done
}
damage() {
    damaged one
    expect_in "store one: main/$sysid/wal/00000001/${names[12]}-" get "${names[12]}"
    is_restored "${names[12]}"
    damaged two
    stops "cannot be used" "${names[12]}"
    mended
}
check "damage in one store is reported and the other's object used; in both it stops" damage

standby() {
    as postgres touch "$work/pgdata/standby.signal"
    local before=$SECONDS
    expect_exit 1 said 000000010000000000000040
    away two
    expect_exit 1 said 000000010000000000000040
    expect_exit 1 said 00000002.history
    get "${names[0]}"
    is_restored "${names[0]}"
    away one
    expect_exit 1 said "${names[0]}"
    expect_exit 1 said 000000010000000000000041
    expect_in "no store answers" cat "$work/said"
    expect_equal 1 "$(wc -l <"$work/said")" "lines"
    expect_exit 1 said 00000002.history
    back one
    back two
    expect_exit 1 said 00000002.history
    damaged one two
    expect_exit 1 said "${names[12]}"
    mended
    chmod 700 "$spool"
    chown root: "$spool"
    expect_exit 1 said 000000010000000000000040 --no-prefetch
    expect_in "cannot look into the spool" cat "$work/said"
    chown "postgres:$spool_gid" "$spool"
    chmod 2750 "$spool"
    # As PostgreSQL has it: with both files it is a standby.
    as postgres touch "$work/pgdata/recovery.signal"
    expect_exit 1 said 000000010000000000000040
    rm "$work/pgdata/recovery.signal"
    end_helpers
    [ $((SECONDS - before)) -le 60 ]
    expect_exit 1 said --oops
    rm "$work/pgdata/standby.signal"
    expect_exit 255 said --oops
}
check "a standby hears 1 whatever is wrong, and gets what any store has" standby

strict() {
    sed -i 's/^\[restore\]/&\nstandby = "strict"/' "$restoring"
    as postgres touch "$work/pgdata/standby.signal"
    away two
    expect_exit 255 said 00000002.history
    expect_exit 255 said 00000002.history --no-prefetch
    expect_exit 1 said 000000010000000000000040
    back two
    expect_exit 1 said 00000002.history
    expect_exit 1 said 00000002.history
    sed -i '/^standby = /d' "$restoring"
    rm "$work/pgdata/standby.signal"
    end_helpers
}
check "one that lives on the archive alone stops where not every store says that there is no newer timeline" strict

# At the end of a recovery the server has removed its signal files, and asks for the history that it leaves behind.
promoting() {
    local asked=(as postgres walferry-archive-get --config "$restoring" 00000002.history pg_wal/RECOVERYHISTORY)
    away two
    (cd "$work/pgdata" && expect_exit 255 "${asked[@]}")
    (cd "$work/pgdata" && expect_exit 1 as postgres walferry-archive-get --config "$restoring" 00000001.history pg_wal/RECOVERYHISTORY)
    printf '1\t0/5000028\tx\n' | as postgres tee "$work/pgdata/pg_wal/00000002.history" >/dev/null
    (cd "$work/pgdata" && expect_exit 1 "${asked[@]}")
    as postgres touch "$work/pgdata/recovery.signal"
    (cd "$work/pgdata" && expect_exit 255 "${asked[@]}")
    rm "$work/pgdata/pg_wal/00000002.history" "$work/pgdata/recovery.signal"
    back two
    end_helpers
}
check "a server that is being opened needs no store for a history that it has itself" promoting

# Any user can listen at the name where the helper would, and let callers wait.
occupied() {
    end_helpers
    get "${names[0]}"
    is_restored "${names[0]}"
    local name
    name=$(awk -v sockets="$(find "/proc/$(helpers)/fd" -lname 'socket:*' -printf '%l ')" '
        index(sockets, "socket:[" $7 "]") && sub(/^@walferry-fetch-/, "walferry-fetch-", $8) { print $8; exit }' /proc/net/unix)
    [ -n "$name" ]
    end_helpers
    start_as stranger "$work/stranger.log" /usr/bin/python3 -c '
import socket, sys, time
listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listening.bind("\0" + sys.argv[1])
listening.listen(0)
callers = []
for _ in range(4):
    caller = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    caller.setblocking(False)
    try: caller.connect("\0" + sys.argv[1])
    except OSError: pass
    callers.append(caller)
print("full", flush=True)
time.sleep(600)' "$name"
    local stranger=$started
    wait_for 10 grep -q full "$work/stranger.log"
    local before=$SECONDS
    get "${names[1]}"
    is_restored "${names[1]}"
    expect_equal 0 "$(helpers | wc -l)" "helpers"
    stop_process "$stranger"
    [ $((SECONDS - before)) -le 30 ]
}
check "another user who listens where the helper would keeps no recovery waiting" occupied

only_in_spool() {
    push "${names[20]}"
    push "${names[22]}"
    install -d -o postgres -g postgres -m 700 "$work/nokey"
    get "${names[20]}"
    is_restored "${names[20]}"
    stops "a gap" "${names[21]}"
    absent "${names[23]}"
    absent "${names[20]}" --only one || stops "a gap" "${names[20]}" --only one
    push "${names[21]}"
    drain
}
check "what still waits in the spool comes from there, and counts when a gap is told" only_in_spool

# What lies in the spool and cannot be used, or cannot be seen, is not absent; whatever a store has is delivered.
unusable_in_spool() {
    local waiting=$spool/ready/$sysid/${names[23]} way owner mode
    end_helpers
    install -o postgres -g "$spool_gid" -m 640 "$data/pg_wal/${names[23]}" "$waiting"
    get "${names[23]}"
    is_restored "${names[23]}"
    truncate -s 100000 "$waiting"
    stops "cannot be used" "${names[23]}"
    stops "cannot be used" "${names[23]}" --spool "$spool"
    absent "${names[23]}" --no-spool
    install -o postgres -g "$spool_gid" -m 640 "$data/pg_wal/${names[3]}" "$waiting" # another segment's header
    stops "cannot be used" "${names[23]}"
    chown root "$waiting"
    chmod 600 "$waiting"
    stops "Permission denied" "${names[23]}"
    rm "$waiting"
    mkdir "$waiting"
    stops "no regular file" "${names[23]}"
    rmdir "$waiting"
    absent "${names[23]}"
    for way in "$spool/ready/$sysid" "$spool/ready" "$spool"; do
        owner=$(stat -c %u:%g "$way")
        mode=$(stat -c %a "$way")
        chmod 700 "$way"
        chown root: "$way"
        stops "cannot look into the spool" "${names[23]}"
        get "${names[2]}" # a store has it
        is_restored "${names[2]}"
        end_helpers
        chown "$owner" "$way"
        chmod "$mode" "$way"
    done
    expect_exit 255 said "${names[2]}" --spool "$spool" --no-spool
    absent "${names[23]}"
    # Its header is sound, and its bytes are not those that push recorded.
    as postgres "$work/bin/walferry-archive-push" --spool "$spool" "$data/pg_wal/${names[23]}"
    get "${names[23]}"
    is_restored "${names[23]}"
    printf damage | dd of="$waiting" bs=1 seek=9000 conv=notrunc status=none
    stops "is not what was recorded" "${names[23]}"
    stops "is not what was recorded" "${names[23]}" --no-prefetch
    rm "$waiting"
    absent "${names[23]}"
}
check "what is in the spool and cannot be used or seen is never called absent" unusable_in_spool

two_contents() {
    local other first second
    make_segments 13 1 1 77 >/dev/null
    other=$work/other
    mkdir -p "$other"
    cp "$data/pg_wal/${names[12]}" "$other/${names[12]}"
    make_segments 13 1 1 >/dev/null
    first=$(find "$work/stores/one" -name "${names[12]}-*" -printf '%f\n' | cut -d- -f2)
    walferry init --owner postgres --group "$spool_gid" >/dev/null
    # A second host that archives into one of the stores under the same cluster's name.
    sed "s,^spool = .*,spool = \"$work/spool2\",; /name = \"one\"/,\$d" "$configuration" | sed '/^\[\[store\]\]$/d' >"$work/etc/second.toml"
    printf '[[store]]\nname = "two"\ntype = "directory"\npath = "%s"\n' "$work/stores/two" >>"$work/etc/second.toml"
    for_uploader "$work/etc/second.toml"
    walferry --config "$work/etc/second.toml" init --owner postgres --group "$spool_gid" >/dev/null
    chmod 755 "$other"
    as postgres walferry-archive-push --spool "$work/spool2" --system-identifier $sysid "$other/${names[12]}"
    as uploader walferry --config "$work/etc/second.toml" drain || true
    second=$(find "$work/stores/two" -name "${names[12]}-*" -printf '%f\n' | cut -d- -f2 | grep -v "$first")
    stops "different contents" "${names[12]}"
    expect_in "$second" cat "$work/said"
    as uploader walferry --config "$work/etc/second.toml" settle "${names[12]}" "$first"
    get "${names[12]}"
    is_restored "${names[12]}"
}
check "two contents for one name stop it, until one is settled" two_contents

usage() {
    expect_exit 255 said x
    expect_exit 255 said "${names[0]}" --only three
    expect_exit 255 said "${names[0]}" --without one --without two
    expect_exit 255 as postgres walferry-archive-get "${names[0]}"
    expect_exit 0 as postgres walferry-archive-get --help >/dev/null
    expect_exit 255 as postgres walferry-archive-get --help "${names[0]}" x
    (cd "$work/pgdata" && expect_exit 255 as postgres walferry-archive-get --config "$restoring" "${names[0]}" nowhere/x)
    chmod 600 "$restoring"
    chown root "$restoring"
    stops "$restoring" "${names[0]}"
    chown postgres "$restoring"
    end_helpers
    chmod 644 "$work/restoring/identity.txt"
    stops "identity.txt" "${names[0]}"
    chmod 600 "$work/restoring/identity.txt"
    mv "$work/bin/walferry" "$work/bin/walferry.away"
    stops "cannot run" "${names[0]}"
    mv "$work/bin/walferry.away" "$work/bin/walferry"
}
check "a typing error or an unreadable file stops a recovery instead of ending it" usage
