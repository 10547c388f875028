#!/usr/bin/env bash
# The package on a clean Debian where systemd and PostgreSQL run: installed, set up by the README's own commands, at
# work under its units' restrictions, upgraded while it archives, removed and purged.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/machine.sh"

lacks=$(machine_lacks)
command -v debhelper >/dev/null || command -v dh >/dev/null || lacks="debhelper is not installed"
[ -z "${WALFERRY_SANITIZED:-}" ] || lacks="a package is made of a release build"
if [ -n "$lacks" ]; then
    skip package "$lacks"
    exit 0
fi
build=$(dirname "$programs")
made=$work/made
bash "$tests/../packaging/package.sh" "$build" "$made" >"$work/package.log" 2>&1 || { cat "$work/package.log" && exit 1; }
package=$(ls "$made"/walferry_*.deb)

# --- what is in it

clean() { lintian --allow-root --fail-on info,warning,error --display-info --suppress-tags spelling-error-in-binary "$package"; }
if command -v lintian >/dev/null; then
    check "the package is lintian-clean" clean
else
    skip "the package is lintian-clean" "lintian is not installed"
fi

tarball() {
    mkdir -p "$work/else where"
    tar -C "$work/else where" -xzf "$made"/walferry-*.tar.gz
    local push
    push=$(echo "$work/else where"/walferry-*/bin/walferry-archive-push)
    cmp "$push" "$made/walferry-archive-push-static"
    "$push" --version
    expect_equal "" "$(readelf -d "$push" | grep NEEDED || true)" "libraries that the static push needs"
    MANPATH="$work/else where" man -l "$(dirname "$push")/../share/man/man1/walferry-archive-push.1" >/dev/null
}
check "the tarball runs from any folder, and its push needs no library" tarball

pages_and_completion() {
    local page
    for page in "$build"/manual/*.[15]; do
        expect_equal "" "$(LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)" "what man says of $page"
    done
    for command in setup check drain backup restore; do
        gunzip -c <(dpkg-deb --fsys-tarfile "$package" | tar -xO ./usr/share/man/man1/walferry.1.gz) | grep -q "^\.SS $command: "
    done
    bash -n "$build/manual/walferry.bash"
    expect_equal "pause promote shutdown" "$(bash -c 'source "$0"; COMP_WORDS=(walferry restore --target-action ""); COMP_CWORD=3
        _walferry_complete; echo "${COMPREPLY[*]}"' "$build/manual/walferry.bash")" "completion"
}
check "manual pages and completion are in order" pages_and_completion

pages_and_help() {
    /usr/bin/python3 - "$work/bin/walferry" "$build/manual/walferry.1" <<'PYTHON'
import re, subprocess, sys
program, page = sys.argv[1:]
def in_help(*command):
    text = subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^(?:  |    )(?:-\w,)?(--[\w-]+)(?: (?!Excludes:|Needs:)(\S+))?", text, re.M)
    # What an option's value is checked against stands behind its form.
    return {name: re.sub(r":(INT|POSITIVE|\{.*)$", "", form) for name, form in found}
def in_page(part):
    part = re.sub(r"\\f[BIR]", "", part.replace("\\-", "-"))
    return {name: form for name, form in re.findall(r"^\.TP\n(?:-\w, )?(--[\w-]+) ?(\S*)$", part, re.M)}
options, commands = open(page).read().split(".SH COMMANDS\n")
parts = {part.split(":")[0]: part for part in commands.split(".SS ")[1:]}
assert len(parts) >= 20, parts.keys()
parts = {(): options} | {(name,): part for name, part in parts.items()}
for command, part in parts.items():
    wanted, got = in_help(*command), in_page(part)
    assert wanted and wanted == got, f"{command}: help {wanted}, page {got}"
PYTHON
}
check "the page has the options and forms of every command's --help, and no others" pages_and_help

linked() {
    local from link
    dpkg-deb --fsys-tarfile "$package" | tar -C "$work" -x ./usr/share/doc/walferry
    for from in "$work"/usr/share/doc/walferry/{README.md,docs/*.md}; do
        while read -r link; do
            [ -e "$(dirname "$from")/$link" ] || { echo "$(basename "$from"): $link is not in the package" && return 1; }
        done < <(grep -o '](\([a-z/-]*\.md\)[#)]' "$from" | sed 's/](\(.*\)./\1/')
    done
    # As messages and pages name them.
    while read -r link; do
        [ -e "$work/usr/share/doc/walferry/$link" ] || { echo "a program names $link" && return 1; }
    done < <(strings "$work/bin/walferry" | grep -o '\bdocs/[a-z-]*\.md' | sort -u)
}
check "the pages that README, pages and messages name are in the package, as files to read" linked

small() { # as in the Containerfile: with its one line, no systemd comes along
    mkdir -p "$work/nothing/partial"
    : >"$work/nothing/status"
    apt-get -s -o Dir::State::status="$work/nothing/status" install --no-install-recommends systemd-standalone-sysusers "$package" |
        sed -n 's/^Inst \([^ ]*\).*/\1/p' >"$work/plan"
    grep -qx walferry "$work/plan"
    no grep -x -e systemd -e 'postgresql.*' "$work/plan"
    [ "$(grep -c 'install .* systemd-standalone-sysusers /packages/walferry_' "$tests/../packaging/container/Containerfile")" = 2 ]
}
check "into an image it brings neither a systemd nor a server" small

# --- a machine

needed=$(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed 's/ *(.*//; s/|.*//; s/ //g')
if ! make_machine postgresql age zstd sqlite3 procps man-db sudo $needed; then
    cat "$work/machine.log"
    skip "the package, installed" "no machine could be made of this host's mirror"
    exit 0
fi
# Its server must not take a port of this host.
pg=$(ls "$machine/etc/postgresql")
echo "listen_addresses = ''" >"$machine/etc/postgresql/$pg/main/conf.d/quiet.conf"
# An administrator: an ordinary user with sudo, whose files are nobody else's.
add_administrator
admin=$machine/home/admin
cp "$package" "$admin"
start_s3 ceph wal
start_s3 swift wal-b2
for store in r2:ceph b2:swift; do
    (
        . "$work/${store#*:}/env"
        printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$S3_ACCESS_KEY" "$S3_SECRET_KEY"
    ) >"$admin/${store%:*}.keys"
done
chmod 600 "$admin"/*.keys
belongs_to_administrator
if ! boot_machine; then
    tail -n 5 "$work/boot.log"
    skip "the package, installed" "systemd does not come up in a container here"
    exit 0
fi

# The README's commands, with the test's servers in the places of the stores.
endpoint() { (. "$work/$1/env" && echo "$S3_ENDPOINT"); }
region() { (. "$work/$1/env" && echo "$S3_REGION"); }
quick_start() {
    sed -n '/^## Set it up/,/^## /p' "$tests/../README.md" | sed -n '/^```sh$/,/^```$/p' | sed '/^```/d' |
        sed "s,https://ACCOUNT.r2.cloudflarestorage.com,$(endpoint ceph),
            s,https://s3.us-west-004.backblazeb2.com,$(endpoint swift),
            s,--keys b2=b2.keys,& --region b2=$(region swift),"
}
quick_start >"$work/quick_start"
part() { sed -e ':more' -e '/\\$/{N;s/\\\n//;b more' -e '}' "$work/quick_start" | grep -e "$1"; } # WORDS: the command that has them

sql() { # STATEMENTS
    inside "cd /tmp; su postgres -c 'psql -qAtX' <<'SQL'
$1
SQL"
}
postmaster() { inside "head -n 1 /var/lib/postgresql/$pg/main/postmaster.pid"; }

server_before=$(postmaster)
as_administrator "$(part 'apt install')" >"$work/install.said" 2>&1 || true
installed() {
    cat "$work/install.said"
    inside 'getent passwd walferry; id -nG postgres' | grep -w walferry
    inside 'id -nG postgres' | tr ' ' '\n' | grep -x walferry
    expect_equal "755 root:root /etc/walferry
700 root:root /etc/walferry/credentials
755 root:root /var/spool/walferry" "$(inside 'stat -c "%a %U:%G %n" /etc/walferry /etc/walferry/credentials /var/spool/walferry')" modes
    grep -q 'walferry: .*sudo walferry setup' "$work/install.said"
    expect_equal "$server_before" "$(postmaster)" "the server's process"
    expect_equal off "$(sql 'show archive_mode')" archive_mode
    expect_equal "" "$(inside "systemctl list-units --no-legend --plain 'walferry*'")" "units at work"
    inside 'man -w walferry walferry-archive-push walferry-archive-get walferry.toml' >/dev/null || [ -e "$machine/etc/dpkg/dpkg.cfg.d/docker" ]
}
check "installing makes the user and the folders, touches no server, starts nothing and says what is left" installed

units_are_sound() {
    local unit
    expect_equal "" "$(inside 'cd /lib/systemd/system; systemd-analyze verify walferry*' 2>&1 | grep -v '^$' || true)" "verify says"
    for unit in walferry-drain.service walferry-backup.service walferry-check.service walferry-verify.service walferry-expire.service \
        walferry-follow@x.service; do
        inside "systemd-analyze security --threshold=20 --no-pager $unit" >/dev/null || { echo "$unit is exposed too much" && return 1; }
    done
}
check "systemd finds nothing wrong with the units, and their exposure at most 2.0" units_are_sound

set_up() {
    as_administrator "$(part 'walferry setup')"
    inside 'mv /home/admin/walferry-identity.txt /root'
    expect_equal "600 admin" "$(inside 'stat -c "%a %U" /home/admin/*.keys | sort -u')" "the keys that were given"
    expect_equal "600 root:root" "$(inside 'stat -c "%a %U:%G" /etc/walferry/credentials/* | sort -u')" "keys"
    expect_equal "$server_before" "$(postmaster)" "the server's process"
    as_administrator "$(part 'systemctl restart postgresql')"
    expect_equal on "$(sql 'show archive_mode')" archive_mode
    expect_equal '/usr/bin/walferry-archive-push %p' "$(sql 'show archive_command')" archive_command
}
check "the README's quick start sets everything up without a question" set_up

checked() { as_administrator "$(part 'walferry check --switch')"; }
check "walferry check --switch then follows a segment into both stores" checked

backed_up() {
    as_administrator "$(part 'walferry-backup')"
    inside 'walferry status --json' >"$work/status.json"
    expect_equal 2 "$(jq '.last_restorable_backups | length' "$work/status.json")" "stores with a backup"
}
check "the backup unit makes a base backup under its restrictions" backed_up

check_unit() {
    inside 'systemctl start walferry-check' || { inside 'journalctl -u walferry-check -o cat --no-pager' && return 1; }
    no test -e "$machine/var/lib/walferry/failures"
}
check "the check unit passes under its restrictions, and nothing is told to anybody" check_unit

what_you_need() { # NUMBER: a block of that section
    awk -v wanted="$1" '/^## / { inside = $0 == "## What you need" }
        inside && /^```/ { open = !open; if (open) number++; next }
        inside && open && number == wanted' "$tests/../docs/restoring.md"
}
restored() { # on this host, which archives: with copies that the server's user can read
    inside "cp walferry-identity.txt /etc/walferry/identity.txt
        sed 's,^# identity_file = ,identity_file = ,' /etc/walferry/walferry.toml >/etc/walferry/restore.toml
        walferry --config /etc/walferry/restore.toml backups"
    expect_exit 2 inside "walferry --config /etc/walferry/restore.toml restore --to /var/lib/postgresql/$pg/restored" >"$work/restored" 2>&1
    grep -q 'postgres' "$work/restored"
    inside 'cp -a /etc/walferry /etc/walferry.before'
    # The first block leaves a host that archives as it is, the second one makes copies.
    inside "$(what_you_need 1)" 2>&1 | grep 'this host archives'
    inside 'diff <(cd /etc/walferry.before; stat -c "%n %a %U:%G" . *) <(cd /etc/walferry; stat -c "%n %a %U:%G" . *)'
    inside "$(what_you_need 2 | sed 's,/walferry.toml,/restore.toml,')"
    inside "systemd-tmpfiles --create walferry.conf # as at every boot
        walferry --config /etc/walferry/restoring/restore.toml restore --to /var/lib/postgresql/$pg/restored
        test -e /var/lib/postgresql/$pg/restored/recovery.signal -a ! -e /var/lib/postgresql/$pg/restored/walferry-restore-incomplete
        rm -r /var/lib/postgresql/$pg/restored /etc/walferry
        mv /etc/walferry.before /etc/walferry; mv /etc/walferry/identity.txt /root/walferry-identity.txt
        rm /etc/walferry/restore.toml"
}
check "a restore says what the server's user cannot read, and works when it can" restored

every_day() {
    local line
    while read -r line; do
        case $line in *rebuild*) continue ;; esac # it is for a ledger that is broken
        as_administrator "$line" >"$work/every_day" 2>&1 || { echo "$line:" && cat "$work/every_day" && return 1; }
    done < <(sed -n '/^## Every day/,/^## /p' "$tests/../README.md" | sed -n '/^```sh$/,/^```$/p' | sed '/^```/d')
    # Root was at it; the uploader goes on.
    sql 'create table v as select 1; select pg_switch_wal()' >/dev/null
    wait_for 60 inside 'test -n "$(ls /var/spool/walferry/main/ready/*/)" || walferry status --json | grep -q verified'
    inside 'systemctl start walferry-drain'
    expect_equal "" "$(inside 'find /var/spool/walferry/main -perm /o=rwx')" "what everybody may use"
}
check "the README's commands for every day run as written, by root beside the uploader" every_day

# --- setup, where not everything is as easy

again() {
    inside 'walferry setup --apply --no-check' >"$work/again" 2>&1
    grep -q '/etc/walferry/walferry.toml is there, and is left as it is' "$work/again"
    grep -q 'the server archives to the spool already' "$work/again"
    expect_exit 2 inside 'walferry setup --s3 r3=https://h.example/b --recipient age1x' >"$work/again" 2>&1
    grep -q 'exists, and is never replaced' "$work/again"
}
check "setup run again replaces nothing, and goes on from what is there" again

unasked() { # what nobody can be asked is named
    local common='walferry --config /etc/walferry/third.toml setup --cluster third'
    expect_exit 2 inside "$common" >"$work/unasked" 2>&1
    grep -q -- '--s3 NAME=https://HOST/BUCKET' "$work/unasked"
    expect_exit 2 inside "$common --directory nas=/mnt" >"$work/unasked" 2>&1
    grep -q -- '--recipient age1' "$work/unasked"
    expect_exit 2 inside "$common --s3 x=https://h.example/bkt --identity walferry-identity.txt" >"$work/unasked" 2>&1
    grep -q -- '--keys x=FILE' "$work/unasked"
    expect_exit 2 inside "$common --directory nas=/mnt --recipient age1nonsense" >"$work/unasked" 2>&1
    grep -q 'encryption.recipients' "$work/unasked"
    expect_exit 2 inside "su postgres -c '$common'" >"$work/unasked" 2>&1
    grep -q 'only root can' "$work/unasked"
    inside 'test ! -e /etc/walferry/third.toml -a ! -e /var/spool/walferry/third'
    expect_equal "main-b2 main-r2 writer.key" "$(inside 'ls /etc/walferry/credentials' | xargs)" "keys"
}
check "setup that lacks an answer names the option for it, and leaves no half of a configuration" unasked

asked() {
    printf '%s\n' "http://127.0.0.1:9/bucket/pre" first "" "" age1mistyped "$1" access-key-of-third very-secret-words >"$machine/root/answers"
    inside "apt-get install -y bsdutils >/dev/null 2>&1 || true
        (while read -r line; do sleep 0.5; echo \"\$line\"; done <answers; sleep 1) |
            script -qec 'walferry --config /etc/walferry/third.toml setup --cluster third --conninfo port=5432 --no-check' /dev/null" >"$work/asked" 2>&1
    no grep -q very-secret-words "$work/asked"
    grep -q 'age1mistyped' "$work/asked"
    grep -q 'very-secret-words' "$machine/etc/walferry/credentials/third-first"
    expect_equal "600 root:root" "$(inside 'stat -c "%a %U:%G" /etc/walferry/credentials/third-first')" "the keys' file"
    inside 'walferry --config /etc/walferry/third.toml config --json' >"$work/third.json"
    expect_equal '"http://127.0.0.1:9" "bucket" "pre" "us-east-1"' \
        "$(jq -r '.store[0] | [.endpoint, .bucket, .prefix, .region] | map("\"\(.)\"") | join(" ")' "$work/third.json")" "the store"
    # It showed what the server would be told, which archives to another spool, and left it.
    grep -q "ALTER SYSTEM SET archive_command = '/usr/bin/walferry-archive-push --spool /var/spool/walferry/third %p'" "$work/asked"
    expect_equal '/usr/bin/walferry-archive-push %p' "$(sql 'show archive_command')" archive_command
    inside 'rm -r /etc/walferry/third.toml /etc/walferry/credentials/third-first /var/spool/walferry/third'
}
check "setup asks at a terminal what it was not told, shows no secret, and without --apply tells the server nothing" \
    asked "$(inside "sed -n 's/^# public key: //p' walferry-identity.txt")"

other_command() {
    sql "alter system set archive_command = 'cp %p /mnt/%f'; select pg_reload_conf()" >/dev/null
    expect_exit 4 inside 'walferry setup --apply --no-check' >"$work/other" 2>&1
    grep -q 'Its archive_command is another now: cp %p /mnt/%f' "$work/other"
    grep -q 'Nothing of this was done' "$work/other"
    expect_equal 'cp %p /mnt/%f' "$(sql 'show archive_command')" archive_command
    inside 'walferry setup --apply --replace-archive-command --no-check' >"$work/other" 2>&1
    wait_for 10 command_is_ours
}
command_is_ours() { [ "$(sql 'show archive_command')" = '/usr/bin/walferry-archive-push %p' ]; }
check "setup takes another archive_command's place only when told to" other_command

# What the timer's unit did is in the journal as its own user, with no capability and its own copies of the keys.
restricted() {
    inside 'systemctl show walferry-drain -p NoNewPrivileges -p CapabilityBoundingSet -p User -p ExecMainStatus' >"$work/shown"
    grep -qx 'NoNewPrivileges=yes' "$work/shown" && grep -qx 'CapabilityBoundingSet=' "$work/shown" &&
        grep -qx 'User=walferry' "$work/shown" && grep -qx 'ExecMainStatus=0' "$work/shown"
    # Under the same restrictions, what the units never do fails.
    inside "sed -e 's,^ExecStart=.*,ExecStart=/bin/sh -c \"touch /etc/x; cat /etc/walferry/credentials/main-r2; touch /var/spool/walferry/main/y; mount -t tmpfs none /tmp; unshare -U true; test -r \$CREDENTIALS_DIRECTORY/credentials_main-r2 \&\& echo has the copy\",' \
        -e '/^Condition/d; /^OnFailure/d' /lib/systemd/system/walferry-drain.service >/run/systemd/system/trial.service
        systemctl daemon-reload; systemctl start trial.service; journalctl -u trial -o cat --no-pager" >"$work/trial" 2>&1
    grep -q 'touch: cannot touch ./etc/x.: Read-only file system' "$work/trial"
    grep -q 'main-r2: Permission denied' "$work/trial"
    grep -q "main/y.: Permission denied" "$work/trial"
    grep -q 'mount: .*\(permission denied\|must be superuser\|Operation not permitted\)' "$work/trial"
    grep -q 'unshare: .*\(Operation not permitted\|failed\)' "$work/trial"
    grep -q 'has the copy' "$work/trial"
}
check "the units' restrictions hold, and leave what drain needs" restricted

# --- a second cluster, with a directory store that the units must be let into, and the service that stays

second_cluster() {
    inside "install -d -o walferry -g walferry /mnt/nas
        useradd --system --user-group --create-home billing
        # Its unit would wait for a file in a folder that is for postgres alone.
        pg_createcluster --user=billing $pg second -p 5499 -- --auth-local=peer >/dev/null
        echo \"listen_addresses = ''\" >/etc/postgresql/$pg/second/conf.d/quiet.conf
        pg_ctlcluster --skip-systemctl-redirect $pg second start
        walferry --config /etc/walferry/second.toml setup --apply --no-check --cluster second --directory nas=/mnt/nas \
            --owner billing --conninfo 'host=/tmp port=5499' --recipient \$(sed -n 's/^# public key: //p' /root/walferry-identity.txt)
        pg_ctlcluster --skip-systemctl-redirect $pg second restart
        walferry --config /etc/walferry/second.toml check
        systemctl disable --now walferry-drain@second.timer
        systemctl enable --now walferry-follow@second.service"
    inside "su billing -c \"cd /; psql -h /tmp -p 5499 -qAtXc 'select pg_switch_wal()' postgres\"" >/dev/null
    expect_equal "billing:walferry" "$(inside 'stat -c "%U:%G" /var/spool/walferry/second')" "the spool"
    verified() { [ "$(inside 'walferry --config /etc/walferry/second.toml status --json' | jq '.stores[0].verified')" -ge 1 ]; }
    wait_for 60 verified
    expect_equal active "$(inside 'systemctl is-active walferry-follow@second')" "the follower"
    # Its socket is in /tmp, of which the units have another.
    inside 'systemctl start walferry-backup@second; systemctl start walferry-check@second' ||
        { inside 'journalctl -u walferry-backup@second -u walferry-check@second -o cat --no-pager' && return 1; }
    inside 'ls /mnt/nas/second/*/wal/00000001/ | grep -q zst.age'
}
check "a second cluster, another user's, has a configuration, a spool and units of its own" second_cluster

# --- a failure is told, once

told() {
    cat >"$machine/etc/walferry/on-failure" <<'SH'
#!/bin/sh
{ echo "told: $1 $2"; cat; } >>/var/lib/walferry/told
SH
    chmod 755 "$machine/etc/walferry/on-failure"
    inside 'systemctl stop walferry-drain.timer'
    control_s3 ceph crash
    sql 'create table u as select generate_series(1, 1000); select pg_switch_wal()' >/dev/null
    fail() {
        wait_for 60 inside 'test -n "$(ls /var/spool/walferry/main/ready/*/)"'
        if inside 'systemctl start walferry-drain' 2>/dev/null; then echo "a run with a dead store succeeded" && return 1; fi
        wait_for 30 inside '! systemctl is-active -q walferry-failed@walferry-drain.service && test -e /var/lib/walferry/failures/walferry-drain.service'
        wait_for 30 inside 'test "$(systemctl show -P ActiveState walferry-failed@walferry-drain.service.service)" = inactive'
    }
    fail
    no test -e "$machine/var/lib/walferry/told" # a store that is down for a moment is no news
    sed -i 's/^\([0-9]*\)/1/' "$machine/var/lib/walferry/failures/walferry-drain.service"
    fail && fail
    expect_equal 1 "$(grep -c '^told: walferry-drain.service 4$' "$machine/var/lib/walferry/told")" "times told"
    grep -q 'systemctl status walferry-drain.service' "$machine/var/lib/walferry/told"
    control_s3 ceph up
    inside 'systemctl start walferry-drain'
}
check "a store that stays down is told to somebody, once" told

follower=walferry-follow@second.service
times_told() { grep -c "^told: $follower $1\$" "$machine/var/lib/walferry/told" || true; } # STATUS
follower_failed() { [ "$(inside "systemctl show -P ActiveState $follower walferry-failed@$follower.service" | xargs)" = "failed inactive" ]; }
follower_told() {
    inside "systemctl stop $follower; mv /etc/walferry/credentials /etc/walferry/aside"
    refused 1 "control process exited" inside "systemctl start $follower"
    wait_for 30 follower_failed
    expect_equal 1 "$(times_told 243)" "times that missing keys were told"
    refused 1 "control process exited" inside "systemctl start $follower"
    wait_for 30 follower_failed
    expect_equal 1 "$(times_told 243)" "times that missing keys were told"
    # One that dies each time it is started, faster than it would be started again. Whether the start itself is called a
    # failure depends on what systemd sees first, the exec or the death.
    inside "mv /etc/walferry/aside /etc/walferry/credentials
        mkdir -p /run/systemd/system/$follower.d
        printf '[Service]\nExecStart=\nExecStart=/bin/sh -c \"kill -KILL \$\$\$\$\"\nRestartSec=1ms\n' >/run/systemd/system/$follower.d/dies.conf
        systemctl daemon-reload; systemctl reset-failed $follower; rm /var/lib/walferry/failures/*
        systemctl start $follower 2>/dev/null || true"
    wait_for 60 follower_failed
    expect_equal 1 "$(times_told KILL)" "times that its death was told"
    inside "rm -r /run/systemd/system/$follower.d; systemctl daemon-reload; systemctl reset-failed $follower; systemctl start $follower"
}
check "a follower that cannot stay is a failure, told once" follower_told

stopped_early() {
    local lines
    lines=$(wc -l <"$machine/var/lib/walferry/told")
    inside 'mv /mnt/nas /mnt/away'
    inside "su billing -c \"cd /; psql -h /tmp -p 5499 -qAtXc 'create table w as select 1; select pg_switch_wal()' postgres\"" >/dev/null
    wait_for 30 inside 'test -n "$(ls /var/spool/walferry/second/ready/*/)"'
    inside "systemctl stop $follower; mv /mnt/away /mnt/nas"
    expect_equal "4 inactive" "$(inside "systemctl show -P ExecMainStatus -P ActiveState $follower" | xargs)" "the follower"
    inside "systemctl start $follower"
    wait_for 30 inside 'test -z "$(ls /var/spool/walferry/second/ready/*/)"'
    expect_equal "$lines" "$(wc -l <"$machine/var/lib/walferry/told")" "lines told"
}
check "a follower told to stop while a segment waits for its store has not failed" stopped_early

# --- upgrade, while segments wait and more are archived

next_package() {
    rm -rf "$work/next"
    dpkg-deb -R "$package" "$work/next"
    sed -i 's/^Version: .*/Version: 9.0/' "$work/next/DEBIAN/control"
    printf '\n# another\n' >>"$work/next/usr/lib/walferry/tell-failure"
    sed -i 's/^Description=.*/Description=another one/' "$(find "$work/next" -name walferry-follow@.service)"
    dpkg-deb --root-owner-group -b "$work/next" "$machine/root/next.deb" >/dev/null
}

upgraded() {
    next_package
    inside "cat >/root/load.sh <<'SH'
n=0
until [ -e /root/enough ]; do
    su postgres -c 'cd /; psql -qAtX -c \"insert into u select generate_series(1, 1000); select pg_switch_wal()\"' >/dev/null
    n=\$((n + 1))
done
SH
        setsid bash /root/load.sh >/root/load.log 2>&1 & echo \$! >/root/load.pid"
    wait_for 60 inside 'test "$(ls /var/spool/walferry/main/ready/*/ | wc -l)" -ge 3'
    inside 'dpkg -i next.deb' >"$work/upgrade.said" 2>&1
    sleep 1
    inside 'touch /root/enough'
    wait_for 60 inside 'test ! -e /proc/$(cat load.pid)'
    expect_equal 9.0 "$(inside 'dpkg-query -W -f "\${Version}" walferry')" "version"
    expect_equal 0 "$(sql 'select failed_count from pg_stat_archiver')" "segments that could not be archived"
    expect_equal "another one active no" "$(inside "systemctl show -P Description -P ActiveState -P NeedDaemonReload $follower" | xargs)" "the follower"
    last=$(sql 'select last_archived_wal from pg_stat_archiver')
    inside 'systemctl start walferry-drain; walferry status --json' >"$work/status.json"
    expect_equal "$last" "$(jq -r '.stores[0].last_verified_segment' "$work/status.json")" "the last segment"
    expect_equal '[]' "$(jq -c .lost "$work/status.json")" "lost segments"
    expect_equal 0 "$(inside 'sqlite3 -readonly /var/spool/walferry/main/ledger/ledger.db "select count(*) from gap"')" "gaps"
}
check "an upgrade while segments wait and more arrive loses nothing and fails no push" upgraded

elsewhere() { # a user, or a group, that is kept in a directory
    inside 'gpasswd -d postgres walferry >/dev/null
        printf "#!/bin/sh\necho gpasswd: no >&2\nexit 1\n" >/usr/local/bin/gpasswd; chmod 755 /usr/local/bin/gpasswd
        /var/lib/dpkg/info/walferry.postinst configure 9.0' >"$work/elsewhere" 2>&1
    grep -q 'could not be put into the group' "$work/elsewhere"
    inside 'rm /usr/local/bin/gpasswd; /var/lib/dpkg/info/walferry.postinst configure 9.0'
    inside 'id -nG postgres' | tr ' ' '\n' | grep -x walferry
}
check "a user that cannot be put into the group leaves no half of an installation" elsewhere

# --- remove and purge

kept() {
    inside 'systemctl stop walferry-drain.timer'
    sql 'insert into u select generate_series(1, 1000); select pg_switch_wal()' >/dev/null
    wait_for 60 inside 'test -n "$(ls /var/spool/walferry/main/ready/*/)"'
    inside 'apt-get remove -y walferry' >"$work/remove.said" 2>&1
    grep -q 'archive_command' "$work/remove.said"
    inside 'test -e /etc/walferry/walferry.toml -a -e /etc/walferry/credentials/writer.key -a -e /var/spool/walferry/main/ledger/ledger.db'
    expect_equal "" "$(inside "systemctl list-units --no-legend --plain 'walferry*.timer' 'walferry-follow*'")" "units at work"
    inside 'dpkg --purge walferry' >"$work/purge.said" 2>&1
    grep -q 'main: [0-9]* segments are in no store yet' "$work/purge.said"
    inside 'test -e /etc/walferry/credentials/writer.key -a -n "$(ls /var/spool/walferry/main/ready/*/)"'
}
check "removing keeps everything, and so does purging while a segment waits" kept

purged() {
    inside "dpkg -i next.deb" >/dev/null 2>&1
    wait_for 60 inside 'systemctl start walferry-drain && test -z "$(ls /var/spool/walferry/main/ready/*/)"'
    sql "alter system set archive_command = '/bin/false'; select pg_reload_conf()" >/dev/null
    inside "pg_ctlcluster --skip-systemctl-redirect $pg second stop; cp walferry-identity.txt /etc/walferry/identity.txt
        systemctl start walferry-drain walferry-drain@second"
    wait_for 30 inside 'test -z "$(find /var/spool/walferry -path "*/ready/*" -type f)"'
    # A spool elsewhere, where a segment waits; and one on a disk that is not there.
    inside 'apt-get remove -y walferry >/dev/null 2>&1
        mkdir -p /srv/spool/ready/1 && touch /srv/spool/ready/1/000000010000000000000001
        echo "spool = \"/srv/spool\"" >/etc/walferry/elsewhere.toml
        /var/lib/dpkg/info/walferry.postrm purge
        test -e /etc/walferry/credentials/writer.key -a -e /var/spool/walferry/main/ledger' >"$work/purge.said" 2>&1
    grep -q '/srv/spool: 1 segments are in no store yet' "$work/purge.said"
    inside 'rm /srv/spool/ready/1/*; echo "spool = \"/media/gone\"" >/etc/walferry/gone.toml
        /var/lib/dpkg/info/walferry.postrm purge
        test -e /etc/walferry/credentials/writer.key; rm /etc/walferry/gone.toml' >"$work/purge.said" 2>&1
    grep -q '/media/gone: it is not there' "$work/purge.said"
    # A spool that is a disk of its own, and a directory store beside it.
    inside 'mkdir -p /var/spool/walferry/store/main && echo archive >/var/spool/walferry/store/main/object
        cd /var/spool/walferry; mv main /root/main; mkdir main; mount -t tmpfs none main; cp -a /root/main/. main
        rm -f /var/lib/walferry/told
        dpkg --purge walferry' >"$work/purge.said" 2>&1
    grep -q '/var/spool/walferry is kept, because this in it is not a spool' "$work/purge.said"
    expect_equal archive "$(inside 'cat /var/spool/walferry/store/main/object')" "what the directory store holds"
    inside 'rm -r /var/spool/walferry/store'
    grep -q 'the empty spool /srv/spool is kept' "$work/purge.said"
    inside 'umount /var/spool/walferry/main'
    expect_equal "/var/spool/walferry
/var/spool/walferry/main" "$(inside 'find /var/spool/walferry')" "what is left of the spools"
    expect_equal "" "$(inside 'find /etc/systemd /run/systemd/system /var/lib/walferry -name "*walferry*"' 2>/dev/null)" "links and drop-ins"
    expect_equal "/etc/walferry/identity.txt" "$(inside 'find /etc/walferry -type f')" "what is left in /etc/walferry"
    grep -q 'kept, because without it an archive cannot be read: /etc/walferry/identity.txt' "$work/purge.said"
}
check "purging an empty spool leaves nothing but the key that reads the archive" purged

# --- docs/migration.md as it stands: a server that archives by cp comes to walferry

page_block() { # SECTION NUMBER
    awk -v section="## $1" -v wanted="$2" '
        /^## / { inside = $0 == section }
        inside && /^```/ { open = !open; if (open) number++; next }
        inside && open && number == wanted' "$tests/../docs/migration.md"
}
legacy=/var/lib/postgresql/wal_archive
by_cp() {
    inside "dpkg -i next.deb; install -d -o postgres -g postgres -m 777 $legacy" >/dev/null 2>&1
    sql "drop owned by walferry; drop role walferry"
    sql 'alter system reset all'
    sql 'alter system set archive_mode = on'
    sql "alter system set archive_command = 'cp %p $legacy/%f'; select pg_reload_conf()" >/dev/null
    sql 'create table m as select 1; select pg_switch_wal()' >/dev/null
    wait_for 70 inside "ls $legacy | grep -q ."
    inside "ls $legacy | head -n 1" >"$work/first_by_cp"
    inside 'cp walferry-identity.txt /home/admin'
    as_administrator "$(part 'walferry setup' | sed 's/--apply/--no-check/')"
    expect_equal "cp %p $legacy/%f" "$(sql 'show archive_command')" archive_command
}
migrated() {
    by_cp >"$work/migrated" 2>&1 || { cat "$work/migrated" && return 1; }
    inside "$(page_block Before 1)"
    inside "$(page_block Before 2)"
    inside "$(page_block 'The change' 1)"
    inside "$(page_block 'The change' 2)"
    inside "$(page_block 'cp and a script' 1)"
    inside "$(page_block 'The change' 3)" | tee "$work/proof"
    grep -xF "$(cat "$work/first_by_cp")" "$work/proof"
    expect_equal "walferry 1min" "$(sql "select rolname from pg_roles where rolname = 'walferry'; show archive_timeout" | xargs)" "role, archive_timeout"
    inside 'systemctl is-enabled walferry-drain.timer walferry-backup.timer walferry-check.timer walferry-verify.timer'
    inside "$(page_block 'cp and a script' 2)"
    expect_equal "700 0" "$(inside "stat -c %a $legacy; ls $legacy | wc -l" | xargs)" "the old directory"
    inside "$(page_block 'Back again' 1)"
    wait_for 10 by_cp_again
    refused 1 disabled inside 'systemctl is-enabled walferry-drain.timer'
}
by_cp_again() { [ "$(sql 'show archive_command')" = "cp %p $legacy/%f" ]; }
check "docs/migration.md as it stands: role, timers and archive_timeout come with the change, nothing is missing, and back" migrated
