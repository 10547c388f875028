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
end_helpers() {
    local pid
    for pid in $(helpers); do
        kill "$pid"
        wait_for 5 gone "$pid"
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
    refused sh -c "ls -l /proc/$pid/fd | grep -E '/dev/pts|pipe:'"
}
check "the helper has a session of its own and nothing of the server's open" helper_alone
