#!/usr/bin/env bash
# The main job on a throwaway PostgreSQL: archive, drain into two directories, look, take a base backup, lose a table
# and bring it back, restore one segment with age and zstd alone. Leaves nothing behind. Called by ./dev demo with the folder of the programs.
set -euo pipefail
umask 022
unset WALFERRY_CONFIG WALFERRY_SPOOL CREDENTIALS_DIRECTORY "${!PG@}" || true

work=$(mktemp -d /var/tmp/walferry-demo.XXXXXX)
chmod 755 "$work"
postgres_bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -n 1)

# PostgreSQL refuses to run as root; anybody else is postgres for a moment.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi
}
clean_up() {
    for data in "$work/pg" "$work/pg-restored"; do
        as_postgres "$postgres_bin/pg_ctl" -D "$data" -m immediate -s stop >/dev/null 2>&1 || true
    done
    cd /
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { # COMMAND...: print it as one would type it, then run it
    local line='' word
    for word; do
        case $word in *' '*) line+=" '$word'" ;; *) line+=" $word" ;; esac
    done
    printf '  $%s\n' "${line//$work/~demo}"
    "$@" 2>&1 | sed "s,$work,~demo,g; s,^,    ,"
}

mkdir "$work/bin" "$work/store-1" "$work/store-2"
cp "$1/walferry" "$1/walferry-archive-push" "$1/walferry-archive-get" "$work/bin/"
chmod 755 "$work"/bin/*
PATH=$work/bin:$PATH
cd "$work"

step "1. A key pair: segments are encrypted to the public half, the private half stays away from the server."
show walferry keygen -o "$work/identity.txt"

step "2. A configuration with two stores; here two directories, usually two buckets."
cat >"$work/walferry.toml" <<TOML
cluster = "demo"
spool = "$work/spool"

[encryption]
recipients = ["$(sed -n 's/^# public key: //p' "$work/identity.txt")"]

[server]
conninfo = "host=$work/sockets user=postgres"

[[store]]
name = "one"
type = "directory"
path = "$work/store-1"

[[store]]
name = "two"
type = "directory"
path = "$work/store-2"
TOML
sed "s,$work,~demo,g; s,^,    ," "$work/walferry.toml"
export WALFERRY_CONFIG=$work/walferry.toml

step "3. The spool, where segments wait; it belongs to the user PostgreSQL runs as."
if [ "$(id -u)" = 0 ]; then
    show walferry init --owner postgres --group postgres
else
    show walferry init
fi

step "4. A throwaway PostgreSQL that archives into the spool."
install -d -m 700 "$work/pg" "$work/sockets"
if [ "$(id -u)" = 0 ]; then chown postgres: "$work/pg" "$work/sockets"; fi
as_postgres "$postgres_bin/initdb" -D "$work/pg" -U postgres -A trust --no-sync --no-locale -E UTF8 >"$work/initdb.log"
cat >>"$work/pg/postgresql.conf" <<CONF
archive_mode = on
archive_command = '$work/bin/walferry-archive-push --spool $work/spool %p'
archive_timeout = 60
unix_socket_directories = '$work/sockets'
listen_addresses = ''
fsync = off
CONF
tail -n 6 "$work/pg/postgresql.conf" | head -n 3 | sed "s,$work,~demo,g; s,^,    ,"
as_postgres "$postgres_bin/pg_ctl" -D "$work/pg" -l "$work/pg/log" -w -s start
sql() { as_postgres "$postgres_bin/psql" -h "$work/sockets" -U postgres -d postgres -XAtqc "$1"; }

step "5. Some work for it: pgbench fills tables, which makes write-ahead log."
as_postgres "$postgres_bin/pgbench" -h "$work/sockets" -U postgres -i -q -s 5 postgres >"$work/pgbench.log" 2>&1
archive_all() {
    local last
    last=$(sql 'select pg_walfile_name(pg_switch_wal() - 1)')
    for _ in $(seq 300); do
        [ "$(sql "select last_archived_wal >= '$last' from pg_stat_archiver")" = t ] && break
        sleep 0.1
    done
}
archive_all
segment=$(find "$work/spool/ready" -type f -printf '%f\n' | sort | sed -n 2p)
cp "$(find "$work/spool/ready" -name "$segment")" "$work/as-archived"

step "6. Archived means: safe on this host's disk, waiting in the spool."
show walferry status

step "7. The drain compresses, encrypts, puts every segment into both stores, reads it back, and only then removes it."
show walferry drain
show walferry status

step "8. Restoring one segment by hand, with age and zstd alone."
object=$(find "$work/store-1" -name "$segment-*.zst.age")
printf '  $ age -d -i ~demo/identity.txt %s | zstd -d >%s\n' "${object//$work/~demo}" "$segment"
age -d -i "$work/identity.txt" "$object" | zstd -dq >"$work/restored"
cmp "$work/restored" "$work/as-archived"
echo "    $segment: $(stat -c %s "$work/restored") bytes, the same as PostgreSQL archived"

step "9. A base backup, from which those segments lead on. Every piece is read back from every store."
show walferry backup --checkpoint fast

step "10. Work goes on, and then a table is dropped."
sql 'create table orders as select n, md5(n::text) as customer from generate_series(1, 50000) n'
sleep 1
before=$(sql 'select clock_timestamp()')
sleep 1
sql 'drop table orders'
sql 'create table too_late (n int)'
archive_all
echo "    it was still there at $before"
show walferry drain

step "11. The way back, on a host that has the private key and whose server's user may read it."
sed "s,^recipients,identity_file = \"$work/identity.txt\"\n&," "$work/walferry.toml" >"$work/restore.toml"
if [ "$(id -u)" = 0 ]; then
    chgrp postgres "$work/identity.txt"
    chmod 640 "$work/identity.txt"
    chmod -R a+rX "$work/store-1" "$work/store-2"
fi
show walferry backups --config "$work/restore.toml"
show walferry restore --config "$work/restore.toml" --to "$work/pg-restored" --target-time "$before" \
    --target-action promote --no-archiving

step "12. The restored server recovers to that moment, segment after segment out of the stores."
cat >>"$work/pg-restored/postgresql.auto.conf" <<CONF
unix_socket_directories = '$work/pg-restored'
CONF
as_postgres "$postgres_bin/pg_ctl" -D "$work/pg-restored" -l "$work/pg-restored/log" -w -s start
restored() { as_postgres "$postgres_bin/psql" -h "$work/pg-restored" -U postgres -d postgres -XAtqc "$1"; }
for _ in $(seq 300); do
    [ "$(restored 'select pg_is_in_recovery()' 2>/dev/null)" = f ] && break
    sleep 0.1
done
echo "    orders has $(restored 'select count(*) from orders') rows, and too_late is$(
    [ "$(restored "select to_regclass('too_late') is null")" = t ] && echo ' not' || true) there"
[ "$(restored 'select count(*) from orders')" = 50000 ]

step "Done; the demo's folder is removed again."
