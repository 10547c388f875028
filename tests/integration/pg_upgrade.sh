#!/usr/bin/env bash
# docs/pg-upgrade.md, word for word, on a Debian 13 that came from Debian 12: the package is installed, PostgreSQL 15 archives,
# pg_upgradecluster makes 17 of it, and the old cluster is restored. Long: it makes a machine with two servers.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/machine.sh"

title="docs/pg-upgrade.md"
lacks=$(machine_lacks)
command -v dh >/dev/null || lacks="debhelper is not installed"
[ -z "${WALFERRY_SANITIZED:-}" ] || lacks="a package is made of a release build"
[ -n "$WALFERRY_TESTS_LONG" ] || lacks="it takes minutes; --long runs it"
[ -z "${WALFERRY_TEST_ON:-}" ] || lacks="it brings its own servers"
if [ -n "$lacks" ]; then
    skip "$title" "$lacks"
    exit 0
fi
bash "$tests/../packaging/package.sh" "$(dirname "$programs")" "$work/made" >"$work/package.log" 2>&1 ||
    { cat "$work/package.log" && exit 1; }
package=$(ls "$work"/made/walferry_*.deb)
needed=$(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed 's/ *(.*//; s/|.*//; s/ //g')
older_release=bookworm
if ! make_bare_machine trixie systemd systemd-sysv dbus postgresql-15 postgresql-17 age zstd $needed; then
    skip "$title" "no machine could be made of this host's mirror: $(tail -n 1 "$work/machine.log")"
    exit 0
fi
cp "$package" "$machine/root/walferry.deb"
if ! boot_machine; then
    tail -n 5 "$work/boot.log"
    skip "$title" "systemd does not come up in a container here"
    exit 0
fi

# block SECTION NUMBER: a block of commands of that section.
block() {
    awk -v section="## $1" -v wanted="$2" '
        /^## / { inside = $0 == section }
        inside && /^ *```/ { open = !open; if (open) number++; next }
        inside && open && number == wanted' "$tests/../docs/pg-upgrade.md" | sed 's/^   //'
}
sql() { # PORT STATEMENTS
    inside "cd /tmp; su postgres -c 'psql -p $1 -qAtX -v ON_ERROR_STOP=1' <<'SQL'
$2
SQL"
}
in_status() { inside 'walferry status --json' | jq -r "$1"; }
identifier_of() { sql 5432 'select system_identifier from pg_control_system()'; }

# As Debian leaves it: 15 since the days of Debian 12, and an empty 17 beside it. No server listens on a port of this host.
begin() {
    local port=5432 version
    inside 'for version in 15 17; do pg_dropcluster --stop $version main 2>/dev/null || true; done'
    for version in 15 17; do
        inside "pg_createcluster --port=$port $version main >/dev/null
            echo \"listen_addresses = ''\" >/etc/postgresql/$version/main/conf.d/quiet.conf
            systemctl start postgresql@$version-main"
        port=$((port + 1))
    done
    inside 'DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends ./walferry.deb >/dev/null
        install -d -o walferry -g walferry /mnt/nas /mnt/usb
        walferry setup --apply --no-check --directory nas=/mnt/nas --directory usb=/mnt/usb \
            --conninfo port=5432 --identity walferry-identity.txt
        systemctl restart postgresql@15-main
        walferry check --switch || test $? = 1'
    sql 5432 'create table kept as select generate_series(1, 1000) n'
}
begun() {
    begin
    expect_equal '/usr/bin/walferry-archive-push %p' "$(sql 5432 'show archive_command')" archive_command
    old=$(identifier_of)
    echo "$old" >"$work/old"
}
check "PostgreSQL 15 on a Debian 13 that came from Debian 12 archives" begun

before() {
    inside "$(block Before 1)"
    expect_equal 2 "$(in_status '.last_restorable_backups | length')" "stores with a backup"
    sql 5432 'create table later as select 1 n; select pg_switch_wal()' >/dev/null
    # Beside the empty cluster the upgrade refuses to begin.
    refused 1 'target cluster 17/main already exists' inside "$(block 'The upgrade' 1)"
    inside "$(block Before 2)"
}
check "before the upgrade: a backup, and the empty cluster of the new version goes" before

upgraded() {
    inside "$(block 'The upgrade' 1)"
    expect_equal '/usr/bin/walferry-archive-push %p on' "$(sql 5432 'show archive_command; show archive_mode' | xargs)" settings
    expect_equal 1000 "$(sql 5432 'select count(*) from kept')" rows
    no expect_equal "$(cat "$work/old")" "$(identifier_of)" >/dev/null
    identifier_of >"$work/new"
    inside "$(block 'The upgrade' 2)"
    inside "$(block 'The upgrade' 3)"
    expect_equal "17 $(cat "$work/new")" "$(sql 5432 "show server_version" | cut -d. -f1) $(identifier_of)" "the server"
}
check "pg_upgradecluster carries settings, roles and rights over, and setup finds everything" upgraded

protected() {
    sql 5432 'create table new as select 1 n' >/dev/null
    inside 'walferry check' >"$work/check" 2>&1 && echo "check found nothing" && return 1
    grep -q 'no base backup of this cluster' "$work/check" || { cat "$work/check" && return 1; }
    inside "$(block 'Protect the new cluster' 1)"
    expect_equal "$(cat "$work/new") 2 2" \
        "$(in_status '[.system_identifier, (.last_restorable_backups | length), (.earlier_clusters_backups | length)] | join(" ")')" status
    inside "$(block 'Protect the new cluster' 2)"
    expect_equal off "$(inside 'su postgres -c "/usr/lib/postgresql/15/bin/postgres -C archive_mode -D /etc/postgresql/15/main"')" \
        "archive_mode of the old cluster"
    inside "$(block 'Protect the new cluster' 3)"
}
check "the first backup of the new cluster ends what check has to say, and the old cluster goes" protected

is_open() { [ "$(sql 5499 'select pg_is_in_recovery()')" = f ]; }
back() {
    local commands
    inside 'install -m 640 -g postgres /etc/walferry/walferry.toml restore.toml
        sed -i "s,^# identity_file = .*,identity_file = \"/etc/walferry/identity.txt\"," restore.toml
        mv restore.toml /etc/walferry/restore.toml
        install -m 640 -g postgres walferry-identity.txt /etc/walferry/identity.txt
        usermod -aG walferry postgres; chmod o+rx /mnt/nas /mnt/usb; chmod -R o+rX /mnt/nas /mnt/usb'
    commands=$(block 'Going back to the old cluster' 1 | sed "s/ N\b/ $(cat "$work/old")/")
    inside "export WALFERRY_CONFIG=/etc/walferry/restore.toml
        $commands" >"$work/back" 2>&1 || { cat "$work/back" && return 1; }
    grep -q "system-identifier $(cat "$work/old")" "$work/back"
    inside "su postgres -c \"cd /; echo \\\"listen_addresses = ''\\\" >>/var/lib/postgresql/15/before/postgresql.auto.conf
        /usr/lib/postgresql/15/bin/pg_ctl -s -w -t 120 -D /var/lib/postgresql/15/before -l /tmp/before.log -o '-p 5499' start\"" ||
        { cat "$machine/tmp/before.log" && return 1; }
    wait_for 120 is_open
    expect_equal "1000 1" "$(sql 5499 'select count(*) from kept; select n from later' | xargs)" "what was there before"
    refused 3 'relation "new" does not exist' sql 5499 'select 1 from new'
    inside "su postgres -c '/usr/lib/postgresql/15/bin/pg_ctl -s -m fast -D /var/lib/postgresql/15/before stop'"
}
check "the old cluster is restored by its identifier, up to the last segment before the upgrade" back
