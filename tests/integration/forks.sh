#!/usr/bin/env bash
# A failover whose old primary had not archived everything: nothing that lies before the new timeline, on it or behind
# it is taken for the end of the archive, and nothing that the old primary wrote behind the fork is replayed on the way
# to the new timeline. With real servers and directory stores.
. "$(dirname "$0")/../lib/integration.sh" "$1"

spool=$work/spool
configuration=$work/etc/walferry.toml
begin_configuration "$configuration" "$spool"
sed -i "s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/old user=postgres\"," "$configuration"
add_directory_store "$configuration" one
add_directory_store "$configuration" two
export WALFERRY_CONFIG=$configuration
# The new primary's host has a spool of its own.
sed "s,^spool = .*,spool = \"$work/spool2\"," "$configuration" >"$work/etc/second.toml"
for_uploader "$work/etc/second.toml"
for each in "$configuration" "$work/etc/second.toml"; do
    walferry --config "$each" init --owner postgres --group "$spool_gid" >/dev/null
done
drain() { as uploader walferry drain --quiet; }
drain_second() { as uploader walferry --config "$work/etc/second.toml" drain --quiet; }

restoring=$work/restoring/walferry.toml
install -d -o postgres -g postgres -m 700 "$work/restoring"
sed "s,^recipients,identity_file = \"identity.txt\"\n&,; s,^spool = .*,spool = \"/nonexistent\"," "$configuration" >"$restoring"
printf '\n[restore]\ntimeout = "4s"\n' >"$work/restore.table"
sed -i "/^\[encryption\]/e cat $work/restore.table; echo" "$restoring"
cp "$work/etc/identity.txt" "$work/restoring/"
chown -R postgres "$work/restoring"
chmod 600 "$work/restoring/identity.txt"
readable() { chmod -R a+rX "$work/stores"; }

# --- The failover: the old primary's last segments wait in its spool, the new one's are in the stores.
pg_create "$work/old" 1
chmod 711 "$work/old"
pg_archive_to "$work/old" "$spool"
pg_start "$work/old"
pg_sql "$work/old" 'create table t (n int); insert into t values (0)'
as uploader walferry backup --checkpoint fast >/dev/null
sysid=$(pg_sql "$work/old" 'select system_identifier from pg_control_system()')
pg_folder "$work/base"
pg_copy "$work/old" "$work/base/data" -X none
pg_folder "$work/new"
pg_copy "$work/old" "$work/new/data" -X stream
pg_settings "$work/new" "unix_socket_directories = '$work/new'" "primary_conninfo = 'host=$work/old user=postgres'" \
    "archive_command = '$work/bin/walferry-archive-push --spool $work/spool2 %p'"
as postgres touch "$work/new/data/standby.signal"
pg_start "$work/new"
pg_archive_all "$work/old"
drain
for n in 1 2; do
    pg_sql "$work/old" "insert into t values ($n)"
    pg_archive_all "$work/old"
done
pg_sql "$work/old" 'insert into t values (3)'
streamed() { [ "$(pg_sql "$work/new" 'select count(*) from t')" = 4 ]; }
wait_for 60 streamed
as postgres "$postgres_bin/pg_ctl" -D "$work/old/data" -m immediate -w -s stop
as postgres "$postgres_bin/pg_ctl" -D "$work/new/data" -w -s promote
fork=$(sed -n 's/^1\t\([^\t]*\).*/\1/p' "$work/new/data/pg_wal/00000002.history")
pg_sql "$work/new" 'insert into t values (4)'
pg_archive_all "$work/new"
drain_second
readable
last_old=$(find "$work/stores/one" -name '00000001????????????????.partial-*' -printf '%f\n' | cut -d. -f1)

# by_hand NAME [LINE...]: a copy of a base backup that recovers from the archive; started, not waited for.
by_hand() {
    pg_folder "$work/$1"
    as postgres cp -a "$work/base/data" "$work/$1/data"
    pg_settings "$work/$1" "unix_socket_directories = '$work/$1'" 'archive_mode = off' \
        "restore_command = '$work/bin/walferry-archive-get --config $restoring --no-spool %f %p'" "${@:2}"
    as postgres touch "$work/$1/data/recovery.signal"
}
begin() { as postgres "$postgres_bin/pg_ctl" -D "$work/$1/data" -l "$work/$1/log" -W -s start; } # NAME
is_open() { [ "$(pg_sql "$work/$1" 'select pg_is_in_recovery()')" = f ]; }
has_ended() { tail -n 1 "$work/$1/log" 2>/dev/null | grep -q 'database system is shut down'; }
said() { grep -q -- "$2" "$work/$1/log" || { tail -n 20 "$work/$1/log" && return 1; }; } # NAME TEXT
stops() { # NAME TEXT
    begin "$1"
    wait_for 60 has_ended "$1"
    said "$1" "$2"
    no grep -q 'archive recovery complete' "$work/$1/log"
}
opens() { # NAME ROWS
    begin "$1"
    wait_for 60 is_open "$1" || { tail -n 20 "$work/$1/log" && return 1; }
    expect_equal "$2" "$(pg_sql "$work/$1" "select string_agg(n::text, ' ' order by n) from t")" "rows"
    pg_stop "$work/$1"
}
# away NAMES-PATTERN, back: objects that the stores do not show for a while.
away() { find "$work/stores" -name "$1" -exec sh -c 'mv "$1" "$1.away"' sh {} ';'; }
back() { find "$work/stores" -name '*.away' -exec sh -c 'mv "$1" "${1%.away}"' sh {} ';'; }

checked_second() {
    as uploader walferry --config "$work/etc/second.toml" check --no-server --json >"$work/found.json" || true
    jq -r '.findings[] | "\(.verdict) \(.id): \(.found)"' "$work/found.json" >"$work/said"
}
reckon_a_gap() { # TEXT
    expect_exit 3 as postgres walferry --config "$restoring" backups >"$work/said"
    expect_in "$1" cat "$work/said"
    install -d -o postgres -g postgres "$work/refused"
    expect_exit 3 walferry --config "$restoring" restore --to "$work/refused/data" >"$work/said" 2>&1
    expect_in "is missing" cat "$work/said"
    rm -rf "$work/refused"
}
gap() {
    back
    by_hand gap
    stops gap 'a gap'
    reckon_a_gap "GAP: 0000000100000000000000"
    # On the new primary's host, which has no identity and never had what is missing.
    # They may still come, for as long as the recovery point may trail.
    checked_second
    expect_in 'passed gaps: timeline 00000002 begins with 00000002' cat "$work/said"
    no grep 'integrity gaps' "$work/said"
    sqlite3 "$work/spool2/ledger/ledger.db" "update fork_gap set seen_at = '2026-01-01T00:00:00.000Z'"
    checked_second
    expect_in 'integrity gaps: timeline 00000002 begins with 00000002' cat "$work/said"
}
check "segments that are missing before a timeline switch stop a recovery instead of ending it" gap

gap_before_history() {
    back
    away '00000002????????????????-*'
    by_hand early
    stops early "$last_old.partial is: a gap"
    reckon_a_gap "00000002.history is there"
    away '*.partial-*'
    by_hand earlier
    stops earlier '00000002.history (by which timeline 1 was left at'
    back
}
check "so they do in the minutes when only the new timeline's history is there, with or without the .partial" gap_before_history

complete() {
    back
    drain
    readable
    by_hand complete
    opens complete '0 1 2 3 4'
    expect_exit 0 as postgres walferry --config "$restoring" backups >"$work/said"
    no grep GAP "$work/said"
    checked_second
    no grep 'integrity gaps: timeline' "$work/said"
}
check "once the old primary's segments have come the recovery goes along the new timeline" complete

up_to_the_fork() {
    back
    away '00000002????????????????-*'
    by_hand partial
    opens partial '0 1 2 3'
    said partial "$last_old was archived as .partial only; it is used up to $fork"
    expect_in "$last_old.partial (LSN $fork)" as postgres walferry --config "$restoring" backups
    away '*.partial-*'
    by_hand nopartial
    stops nopartial 'a gap'
    reckon_a_gap "GAP: $last_old is missing, 00000002.history is there"
    back
    by_hand along "recovery_target_timeline = '1'"
    opens along '0 1 2 3'
}
check "what a timeline's end has as .partial only is used up to the fork, on the way to the next one and along the old one" up_to_the_fork

# The old primary comes back as an island, and archives what no other host has.
divergent() {
    back
    pg_start "$work/old"
    pg_sql "$work/old" 'insert into t values (99)'
    pg_archive_all "$work/old"
    pg_sql "$work/old" 'insert into t values (100)'
    pg_archive_all "$work/old"
    pg_stop "$work/old"
    drain
    readable
    [ -n "$(find "$work/stores/one" -name "$last_old-*")" ]
    by_hand forth
    opens forth '0 1 2 3 4'
    walferry --config "$restoring" restore --to "$work/dry/data" --dry-run >"$work/said" 2>&1
    expect_in 'timeline 1 leads further and was written later' cat "$work/said"
    away '00000002????????????????-*'
    by_hand forked
    opens forked '0 1 2 3'
    by_hand back "recovery_target_timeline = '1'"
    opens back '0 1 2 3 99 100'
    by_hand knowing "recovery_target_timeline = 'current'"
    as postgres cp "$work/new/data/pg_wal/00000002.history" "$work/knowing/data/pg_wal/"
    opens knowing '0 1 2 3 99 100'
    back
}
check "what the old primary wrote behind the fork is replayed along the old timeline only, and there altogether" divergent

without_history() {
    back
    away '00000002.history-*'
    expect_exit 3 as postgres walferry --config "$restoring" backups >"$work/said"
    expect_in "00000002.history is missing, 0000000200000000000000" cat "$work/said"
    expect_exit 3 walferry --config "$restoring" restore --to "$work/refused" >"$work/said" 2>&1
    expect_in "00000002.history is missing" cat "$work/said"
    by_hand lost
    stops lost '00000002.history is in no store'
    back
}
check "segments of a timeline whose history is lost are reported, and stop a recovery that would pass them by" without_history

# Another server chose the same number.
two_chose() {
    back
    install -d -o postgres -g postgres "$work/island"
    printf '1\t0/2000028\tanother server\n' | as postgres tee "$work/island/00000002.history" >/dev/null
    sed "s,^spool = .*,spool = \"$work/spool3\",; /name = \"one\"/,/^path/d" "$configuration" >"$work/etc/third.toml"
    sed -i '/^\[\[store\]\]$/{N;/\n$/d}' "$work/etc/third.toml"
    for_uploader "$work/etc/third.toml"
    walferry --config "$work/etc/third.toml" init --owner postgres --group "$spool_gid" >/dev/null
    as postgres walferry-archive-push --spool "$work/spool3" --system-identifier "$sysid" "$work/island/00000002.history"
    as uploader walferry --config "$work/etc/third.toml" drain --quiet || true
    readable
    expect_equal 2 "$(find "$work/stores/two" -name '00000002.history-*' | wc -l)" "histories"
    by_hand both
    stops both 'two servers chose timeline 2'
    install -d -o postgres -g postgres "$work/asked" "$work/asked/pg_wal" "$work/asked/global"
    install -o postgres -g postgres -m 600 "$work/base/data/global/pg_control" "$work/asked/global/"
    as postgres touch "$work/asked/standby.signal"
    (cd "$work/asked" && expect_exit 1 as postgres walferry-archive-get --config "$restoring" --no-spool --no-prefetch \
        00000002.history pg_wal/RECOVERYHISTORY) >"$work/said" 2>&1
    expect_in 'two servers chose timeline 2' cat "$work/said"
    expect_exit 3 as postgres walferry --config "$restoring" backups >"$work/said"
    expect_in '00000002.history is archived with different contents' cat "$work/said"
    find "$work/stores" -name '00000002.history-*' -newer "$work/etc/third.toml" -delete
    # One that only this server's pg_wal has is as much of another one's choice.
    as postgres mv "$work/asked/standby.signal" "$work/asked/recovery.signal"
    as postgres cp "$work/island/00000002.history" "$work/asked/pg_wal/"
    (cd "$work/asked" && expect_exit 255 as postgres walferry-archive-get --config "$restoring" --no-spool --no-prefetch \
        00000002.history pg_wal/RECOVERYHISTORY) >"$work/said" 2>&1
    expect_in 'two servers chose timeline 2' cat "$work/said"
    rm "$work/asked/pg_wal/00000002.history"
    (cd "$work/asked" && as postgres walferry-archive-get --config "$restoring" --no-spool --no-prefetch \
        00000002.history pg_wal/RECOVERYHISTORY)
    cmp "$work/new/data/pg_wal/00000002.history" "$work/asked/pg_wal/RECOVERYHISTORY"
}
check "a timeline that two servers chose is a conflict, to a recovery, a standby and a listing" two_chose
