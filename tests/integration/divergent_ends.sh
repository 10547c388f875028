#!/usr/bin/env bash
# The end of a timeline that was left, archived by two hosts with different bytes behind the fork: no conflict, no alarm,
# nothing of it replayed on the way to the new timeline, and a question where a recovery goes beyond the fork on purpose.
. "$(dirname "$0")/../lib/integration.sh" "$1"

for host in a b; do
    begin_configuration "$work/etc/$host.toml" "$work/spool-$host"
    add_directory_store "$work/etc/$host.toml" one
    add_directory_store "$work/etc/$host.toml" two
    sed -i "s,^work_dir.*,&\n\n[server]\nconninfo = \"host=$work/$host user=postgres\"," "$work/etc/$host.toml"
    walferry --config "$work/etc/$host.toml" init --owner postgres --group "$spool_gid" >/dev/null
done
install -d -o postgres -g postgres -m 700 "$work/restoring"
restoring=$work/restoring/walferry.toml
sed "s,^recipients,identity_file = \"identity.txt\"\n&,; s,^spool = .*,spool = \"/nonexistent\"," "$work/etc/a.toml" >"$restoring"
printf '\n[restore]\ntimeout = "4s"\n' >>"$restoring"
cp "$work/etc/identity.txt" "$work/restoring/"
chown -R postgres "$work/restoring"
chmod 600 "$work"/restoring/*
at() { as uploader walferry --config "$work/etc/$1.toml" "${@:2}"; } # HOST ARGUMENT...
restorer() { as postgres walferry --config "$restoring" "$@"; }
push() { as postgres walferry-archive-push --spool "$work/spool-$1" "$2"; } # HOST FILE
readable() { chmod -R a+rX "$work/stores"; }

# b is a's standby, and is promoted while a still writes what b never gets.
pg_create "$work/a" 1
chmod 711 "$work/a"
pg_archive_to "$work/a" "$work/spool-a"
pg_start "$work/a"
pg_sql "$work/a" 'create table t (n int); insert into t values (0)'
at a backup --checkpoint fast >/dev/null
pg_folder "$work/b"
chmod 711 "$work/b"
as postgres "$postgres_bin/pg_basebackup" -h "$work/a" -U postgres -D "$work/b/data" -c fast -X stream --no-sync
pg_settings "$work/b" "unix_socket_directories = '$work/b'" "primary_conninfo = 'host=$work/a user=postgres'" \
    "archive_command = '$work/bin/walferry-archive-push --spool $work/spool-b %p'"
as postgres touch "$work/b/data/standby.signal"
pg_start "$work/b"
pg_archive_all "$work/a"
pg_sql "$work/a" 'insert into t values (1)'
has_rows() { [ "$(pg_sql "$work/$1" 'select count(*) from t')" = "$2" ]; } # HOST ROWS
wait_for 60 has_rows b 2
segment=$(pg_sql "$work/a" 'select pg_walfile_name(pg_current_wal_lsn())')
as postgres "$postgres_bin/psql" -h "$work/b" -U postgres -d postgres -XAtqc "alter system set primary_conninfo = ''" -c 'select pg_reload_conf()' >/dev/null
apart() { [ "$(pg_sql "$work/a" 'select count(*) from pg_stat_replication')" = 0 ]; }
wait_for 60 apart
pg_sql "$work/a" 'insert into t values (99)' # acknowledged by the old primary alone
as postgres "$postgres_bin/pg_ctl" -D "$work/b/data" -w -s promote
pg_sql "$work/b" 'insert into t values (2)'
pg_sql "$work/a" 'select pg_switch_wal()' >/dev/null
archived() { [ -e "$work/reference/$segment" ]; }
wait_for 60 archived
pg_stop "$work/a"

only_the_history() {
    wait_for 60 test -e "$work/spool-b/ready/$(ls "$work/spool-b/ready")/00000002.history"
    at a drain
    mkdir "$work/hidden"
    at b drain
    readable
    # What b has put of its own timeline is not there yet: only its history is.
    find "$work/stores" -path '*/wal/00000002/00000002????????????????-*' -exec mv -t "$work/hidden" {} +
    pg_folder "$work/early"
    walferry --config "$restoring" restore --to "$work/early/data" --no-spool --no-archiving --json >"$work/early.json" 2>"$work/early.said" ||
        { cat "$work/early.said" && return 1; }
    eval "$(jq -r .start_command "$work/early.json") -s -w -t 60 -o \"-c unix_socket_directories=$work/early -c listen_addresses=\"" ||
        { tail -n 20 "$(jq -r .log "$work/early.json")" && return 1; }
    wait_for 60 open_for_writing early
    expect_equal "0 1" "$(pg_sql "$work/early" "select string_agg(n::text, ' ' order by n) from t")" rows
    pg_stop "$work/early"
}
open_for_writing() { [ "$(pg_sql "$work/$1" 'select pg_is_in_recovery()')" = f ]; }
check "while a new timeline has only its history, the old primary's unreplicated commits do not come back" only_the_history
find "$work/hidden" -type f | while read -r object; do
    for store in one two; do cp -p "$object" "$work/stores/$store/main/"*/wal/00000002/; done
done

no_conflict() {
    local host
    # What b's own archive_command is given when b is promoted later on, and what Patroni archives before pg_rewind.
    [ -e "$work/b/data/pg_wal/$segment.partial" ]
    cp "$work/b/data/pg_wal/$segment.partial" "$work/b/data/pg_wal/$segment"
    chown postgres "$work/b/data/pg_wal/$segment"
    no cmp -s "$work/b/data/pg_wal/$segment" "$work/reference/$segment"
    push b "$work/b/data/pg_wal/$segment"
    at b drain
    expect_equal "no conflicts" "$(at b conflicts)" "conflicts"
    push a "$work/b/data/pg_wal/$segment"
    at a drain
    readable
    for host in a b; do
        at $host drain
        expect_equal 0 "$(at $host status --json | jq .conflicts)" "conflicts by the status of $host"
        expect_in "no conflict" at $host conflicts --all
        expect_equal 0 "$(at $host check --no-server --json | jq '[.findings[] | select(.id == "conflicts" or .id == "second-uploader") | select(.verdict == "integrity" or .verdict == "failed")] | length')" alarms
    done
    expect_equal 2 "$(find "$work/stores/one" -name "$segment-*" -printf '%f\n' | cut -d- -f2 | sort -u | wc -l)" "contents that are kept"
    expect_in "before it they are the same" restorer conflicts --all
    expect_equal '["divergent",true]' "$(restorer conflicts --all --json | jq -c '.[0] | [.state, .compared]')" "what a host with the identity says"
}
check "the end of the old timeline with two contents is no conflict on any host, and both are kept" no_conflict

restored() {
    readable
    restorer backups >"$work/said"
    expect_in "only behind the end of its timeline: $segment" cat "$work/said"
    no grep -q 'CONFLICT\|GAP' "$work/said"
    pg_folder "$work/late"
    walferry --config "$restoring" restore --to "$work/late/data" --no-spool --no-archiving --json >"$work/late.json" 2>"$work/late.said" ||
        { cat "$work/late.said" && return 1; }
    eval "$(jq -r .start_command "$work/late.json") -s -w -t 60 -o \"-c unix_socket_directories=$work/late -c listen_addresses=\"" ||
        { tail -n 20 "$(jq -r .log "$work/late.json")" && return 1; }
    wait_for 60 open_for_writing late
    expect_equal "0 1 2" "$(pg_sql "$work/late" "select string_agg(n::text, ' ' order by n) from t")" rows
    pg_stop "$work/late"
}
pg_archive_all "$work/b"
at b drain
check "a restore goes over the fork to the new timeline" restored

damaged() {
    local content object
    pg_folder "$work/stopped"
    walferry --config "$restoring" restore --to "$work/stopped/data" --no-spool --no-archiving --json >"$work/stopped.json" 2>"$work/stopped.said" ||
        { cat "$work/stopped.said" && return 1; }
    cp -a "$work/stores" "$work/sound"
    # Only the old timeline's segment leads to the fork.
    find "$work/stores" -path '*/wal/00000002/00000002????????????????-*' -delete
    content=$(find "$work/stores/one" -name "$segment-*" -printf '%f\n' | cut -d- -f2 | sort -u | head -n 1)
    find "$work/stores" -name "$segment-$content-*" | while read -r object; do truncate -s -3 "$object"; done
    restorer backups >"$work/said" 2>&1 || true
    no grep -q "only behind the end of its timeline: $segment" "$work/said"
    eval "$(jq -r .start_command "$work/stopped.json") -s -W -o \"-c unix_socket_directories=$work/stopped -c listen_addresses=\""
    wait_for 60 grep -q 'database system is shut down' "$(jq -r .log "$work/stopped.json")"
    expect_in "one of them cannot be read" cat "$(jq -r .log "$work/stopped.json")"
    rm -r "$work/stores"
    mv "$work/sound" "$work/stores"
}
check "where one of the contents is damaged nothing was compared: recovery stops at the fork and names both" damaged

beyond() {
    readable
    pg_folder "$work/old"
    walferry --config "$restoring" restore --to "$work/old/data" --timeline 1 --no-spool --no-archiving --unchecked-tablespaces \
        --json >"$work/old.json" 2>"$work/old.said" ||
        { cat "$work/old.said" && return 1; }
    eval "$(jq -r .start_command "$work/old.json") -s -W -o \"-c unix_socket_directories=$work/old -c listen_addresses=\""
    wait_for 60 grep -q 'database system is shut down' "$(jq -r .log "$work/old.json")"
    expect_in "archived with different contents" cat "$(jq -r .log "$work/old.json")"
    expect_in "walferry settle $segment " cat "$(jq -r .log "$work/old.json")"
}
check "a recovery along the old timeline beyond the fork names both contents and the settle command" beyond

true_conflict() {
    local first
    first=$(find "$work/reference" -name '00000001????????????????' -printf '%f\n' | sort | head -n 1)
    install -d -o postgres -g postgres "$work/other"
    cp -p "$work/reference/$first" "$work/other/$first"
    printf 'another history' | dd of="$work/other/$first" bs=1 seek=500000 conv=notrunc status=none
    as postgres walferry-archive-push --spool "$work/spool-b" --system-identifier "$(ls "$work/spool-b/ready")" "$work/other/$first"
    expect_exit 3 at b drain
    expect_in "$first" at b conflicts
    expect_in "$first" at a conflicts
    no grep -q "$segment" <(at a conflicts)
}
check "beside it a conflict before the fork is still found" true_conflict

primary_goes_on() {
    pg_start "$work/a"
    # Timeline 2 is there, and no base backup of timeline 1 behind its fork: only the server tells.
    at a conflicts >"$work/said"
    expect_in "$segment" cat "$work/said"
    expect_exit 3 at a drain
    expect_equal integrity "$(at a check --json | jq -r '.findings[] | select(.id == "conflicts") | .verdict')" "conflicts, by check"
    at a drain # raised once
    no grep -q "$segment" <(at b conflicts)
    pg_stop "$work/a"
}
check "while the old primary goes on with its timeline, what differs there is a conflict to its drain as it is to check" primary_goes_on
