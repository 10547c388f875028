#!/usr/bin/env bash
# walferry setup, in a mount namespace that has /etc, /root, /run and /var/spool of its own: with and without the
# package's units, run again, interrupted, and on a host where somebody was before.
if [ -z "${WALFERRY_TESTS_APART:-}" ] && unshare --mount --propagation private true 2>/dev/null; then
    exec env WALFERRY_TESTS_APART=yes unshare --mount --propagation private bash "$0" "$@"
fi
. "$(dirname "$0")/../lib/integration.sh" "$1"
if [ -z "${WALFERRY_TESTS_APART:-}" ]; then
    skip setup "a mount namespace cannot be made here"
    exit 0
fi

mount -t tmpfs -o mode=755 apart /mnt
cp -a /etc /mnt/etc
mount --bind /mnt/etc /etc
for folder in /root /run /var/spool /home; do mount -t tmpfs -o mode=755 apart "$folder"; done
if [ -d /usr/lib/systemd/system ]; then mount -t tmpfs apart /usr/lib/systemd/system; fi
rm -rf /etc/walferry /etc/systemd/system /etc/cron.d/walferry
export HOME=/root
getent passwd walferry >/dev/null || useradd --system --user-group --home-dir /var/spool/walferry walferry
# The user who called sudo for this run is not the administrator of these tests.
unset SUDO_UID SUDO_GID SUDO_USER
for user in ferry billing sudoer; do
    getent passwd "$user" >/dev/null || useradd --system --user-group --home-dir /nonexistent "$user"
done
install -d -o postgres -g postgres -m 755 /run/postgresql

server=$work/pg
socket=/run/postgresql
pg_create "$server"
pg_settings "$server" "unix_socket_directories = '$socket'"
pg_start "$server"
restart() { pg_stop "$server" && pg_start "$server"; }
sql() { pg_sql "$socket" "$1"; }
shown() { sql "show $1"; }
drop_role() { [ "$(sql "select count(*) from pg_roles where rolname = '$1'")" = 0 ] || sql "drop owned by $1; drop role $1"; }

walferry keygen -o "$work/identity.txt" 2>/dev/null
recipient=$(sed -n 's/^# public key: //p' "$work/identity.txt")
umask 077
printf '[default]\naws_access_key_id = key\naws_secret_access_key = of-the-store\n' >"$work/keys"
umask 022

# What a first setup finds: neither configuration nor spool nor units, and a server that archives nothing.
anew() {
    rm -rf /etc/walferry /etc/systemd /var/spool/walferry /root/*
    rm -rf /mnt/stores && install -d -o walferry -g walferry /mnt/stores/{nas,far}
    local role
    for role in walferry ferry; do drop_role "$role"; done
    sql 'alter system reset all'
    sql 'select pg_reload_conf()' >/dev/null
}
with_units() {
    mkdir -p /etc/systemd/system
    printf '[Service]\nUser=walferry\nLoadCredential=credentials:/etc/walferry/credentials\n' \
        >/etc/systemd/system/walferry-drain.service
}
configuration=/etc/walferry/walferry.toml
stores=(--directory nas=/mnt/stores/nas --directory far=/mnt/stores/far)
# set_up [OPTION]...: what it says is in $work/said.
set_up() { set_up_in "$configuration" --no-check "$@"; }
set_up_in() { # FILE [OPTION]...
    local status=0
    walferry --config "$1" setup "${@:2}" >"$work/said" 2>&1 </dev/null || status=$?
    cat "$work/said"
    return $status
}
first() { set_up "${stores[@]}" --recipient "$recipient" "$@"; }
says() { grep -qF -- "$1" "$work/said" || { echo "it does not say: $1" && return 1; }; }
never_says() { no grep -qF -- "$1" "$work/said"; }
whose() { stat -c '%a %U:%G' "$1"; }
nothing_made() { no test -e /etc/walferry -o -e /var/spool/walferry; }
as_user() { setpriv --reuid="$1" --regid="$1" --init-groups "${@:2}"; }

# --- a host without units: the tarball, cron

by_cron() {
    anew
    set_up_in "$configuration" --apply "${stores[@]}" --recipient "$recipient"
    expect_equal "750 root:walferry" "$(whose /etc/walferry/credentials)" "the folder of keys"
    expect_equal "640 root:walferry" "$(whose /etc/walferry/credentials/writer.key)" "the writer's key"
    says "/etc/cron.d/walferry"
    says "drain --follow"
    never_says "systemctl"
    never_says "cannot use the"
    restart
    expect_equal "postgres:walferry" "$(stat -c '%U:%G' /var/spool/walferry/main)" "the spool"
    pg_archive_all "$socket"
    # The words of the cron line.
    local line
    line=$(sed -n 's/^ *\* \* \* \* \*  walferry  //p' "$work/said")
    as_user walferry $line
    find /mnt/stores/nas -name '*.zst.age' | grep -q .
}
check "where no units are, the uploader can read its keys, and the line for cron archives" by_cron

keeps() {
    anew
    expect_exit 2 first --retention soon
    says "recovery_window"
    nothing_made
    first --retention 30d
    grep -qx 'recovery_window = "30d"' "$configuration"
    says " verify --heal"
    says "$configuration expire"
    expect_exit 2 set_up --retention 60d
    says "--retention is not what $configuration says"
    set_up --retention 30d
    anew
    first
    no grep -q '^recovery_window' "$configuration"
    never_says "$configuration expire"
}
check "--retention writes how far back recovery can go, and only then what removes older things runs" keeps

keys_shared() {
    anew
    set_up --s3 x=http://127.0.0.1:9/bucket --keys x="$work/keys" --recipient "$recipient"
    expect_equal "640 root:walferry" "$(whose /etc/walferry/credentials/main-x)" "the keys"
    as_user walferry cat /etc/walferry/credentials/main-x >/dev/null
    refused 1 "Permission denied" as_user ferry cat /etc/walferry/credentials/main-x
    says "in which postgres is too"
    # As an interrupted run leaves it.
    chown root:root /etc/walferry/credentials /etc/walferry/credentials/main-x
    chmod 700 /etc/walferry/credentials && chmod 600 /etc/walferry/credentials/main-x
    set_up
    expect_equal "640 root:walferry" "$(whose /etc/walferry/credentials/main-x)" "the keys, after another run"
    expect_exit 2 set_up_in /etc/walferry/other.toml --no-check --cluster other --group ferry "${stores[@]}" \
        --recipient "$recipient"
    says "/etc/walferry/credentials belongs to the group walferry, and not to ferry"
    no test -e /etc/walferry/other.toml
}
check "store keys go to the uploader's group, after an interruption too, and no other group is shut out for it" keys_shared

another_group() {
    anew
    chown -R ferry:ferry /mnt/stores
    set_up_in "$configuration" --apply --group ferry "${stores[@]}" --recipient "$recipient"
    expect_equal "postgres:ferry" "$(stat -c '%U:%G' /var/spool/walferry/main)" "the spool"
    grep -q '^conninfo = "user=ferry"' "$configuration"
    expect_equal t "$(sql "select pg_has_role('ferry', 'pg_monitor', 'usage')")" "ferry's rights"
    says "  ferry  "
    never_says "cannot read"
    set_up
    expect_equal "postgres:ferry" "$(stat -c '%U:%G' /var/spool/walferry/main)" "the spool, after another run"
    expect_exit 2 set_up --group walferry
    says "chgrp -R walferry /etc/walferry/credentials"
    expect_equal "postgres:ferry" "$(stat -c '%U:%G' /var/spool/walferry/main)" "the spool, after a refusal"
    chgrp -R walferry /etc/walferry/credentials
    set_up --group walferry
    expect_equal "postgres:walferry" "$(stat -c '%U:%G' /var/spool/walferry/main)" "the spool, given over"
}
check "another uploader's user is the one that drains, logs in to the server and is checked" another_group

# --- run again

keeps_owner() {
    anew
    first --owner billing --conninfo host=/run/nowhere
    set_up
    expect_equal "2750 billing:walferry" "$(whose /var/spool/walferry/main)" "the spool"
    never_says "made postgres a member"
}
check "a rerun that names no owner leaves the spool with whoever has it" keeps_owner

disagreement() {
    anew
    first --conninfo host=/run/nowhere --spool /mnt/spool
    local option
    for option in --cluster=second --spool=/mnt/elsewhere --conninfo=port=5433; do
        expect_exit 2 set_up "$option"
        says "${option%%=*} is not what $configuration says"
        says "exists, and is never replaced"
    done
    set_up --cluster main --spool /mnt/spool/ --conninfo 'postgresql:///?host=/run/nowhere'
    expect_exit 2 set_up "${stores[@]}"
    rm -rf /mnt/spool
}
check "an option that says something else than the configuration is refused, the same value is not" disagreement

identity_told() {
    anew
    cd /root
    set_up "${stores[@]}" --identity walferry-identity.txt --conninfo host=/run/nowhere
    says "/root/walferry-identity.txt is THE KEY THAT READS THE ARCHIVE"
    set_up
    says "/root/walferry-identity.txt is THE KEY THAT READS THE ARCHIVE"
    mv walferry-identity.txt elsewhere.txt
    set_up
    never_says "THE KEY THAT READS THE ARCHIVE"
    set_up --identity elsewhere.txt
    says "/root/elsewhere.txt is THE KEY THAT READS THE ARCHIVE"
    expect_exit 2 set_up --identity "$work/identity.txt"
    # A run that ended between the key and the configuration.
    rm "$configuration"
    set_up "${stores[@]}" --identity elsewhere.txt --conninfo host=/run/nowhere
    says "/root/elsewhere.txt is THE KEY THAT READS THE ARCHIVE"
    # And one that fails after it.
    rm -r /var/spool/walferry && touch /var/spool/walferry
    expect_exit 1 set_up --identity elsewhere.txt
    says "/root/elsewhere.txt is THE KEY THAT READS THE ARCHIVE"
    rm /var/spool/walferry
    cd "$work"
}
check "as long as the private key is on the host, every run says so" identity_told

# --- the server

unreachable() {
    anew
    expect_exit 4 first --apply --conninfo host=/run/nowhere
    says "Nothing is known of the server"
    says "Nothing of this was done"
    never_says "nothing is archived"
}
check "of a server that does not answer, only that is said" unreachable

mode_off() {
    anew
    pg_settings "$server" 'archive_mode = off'
    restart
    sql "alter system set archive_command = 'cp %p /archive/%f'"
    sql 'select pg_reload_conf()' >/dev/null
    expect_equal "(disabled)" "$(shown archive_command)" "what the server shows"
    expect_exit 4 first --apply
    says "Its archive_command is another now: cp %p /archive/%f, which archives nothing while archive_mode is off"
    says "nothing is archived"
    says "Nothing of this was done"
    set_up --apply --replace-archive-command
    says "took the place of the archive_command cp %p /archive/%f"
    set_up --apply
    says "the server has been told everything"
    says "takes effect when the server is restarted"
    restart
    expect_equal "$work/bin/walferry-archive-push %p" "$(shown archive_command)" archive_command
    set_up --apply
    says "the server archives to the spool already"
}
check "an archive_command that waits for archive_mode is named, and kept until told otherwise" mode_off
sed -i '/^archive_mode = off/d' "$server/data/postgresql.conf"
pg_settings "$server" 'archive_mode = on'
anew
restart

no_library() { [ "$(shown archive_library)" = "" ]; }
library() {
    anew
    sql "alter system set archive_library = 'basic_archive'"
    sql 'select pg_reload_conf()' >/dev/null
    expect_exit 4 first --apply
    says "Its archive_library is set: basic_archive"
    says "Nothing of this was done"
    expect_equal basic_archive "$(shown archive_library)" archive_library
    set_up --apply --replace-archive-command
    says "took the place of the archive_library basic_archive"
    wait_for 10 no_library
}
if [ "$(shown server_version_num)" -ge 150000 ]; then
    check "a library that archives is replaced only when told to" library

no_alter_system() {
    anew
    pg_settings "$server" 'allow_alter_system = off'
    restart
    first
    says "allow_alter_system is off"
    never_says "ALTER SYSTEM SET"
    expect_exit 4 set_up --apply
    says 'done: CREATE ROLE "walferry"'
    says "  archive_command = '$work/bin/walferry-archive-push %p'"
    walferry check --json | jq -r '.findings[].remedy // empty' >"$work/checked" || true
    cat "$work/checked"
    grep -q 'in postgresql.conf (allow_alter_system is off): .archive_command = ' "$work/checked"
    no grep 'ALTER SYSTEM SET' "$work/checked"
    sed -n 's/^  \([a-z_]* = .*\)/\1/p' "$work/said" >>"$server/data/postgresql.conf"
    restart
    set_up --apply
    says "the server archives to the spool already"
}
if [ "$postgres_major" -ge 17 ]; then
    check "a server that takes no ALTER SYSTEM gets its role, and the lines for its file are shown" no_alter_system
    sed -i '/^allow_alter_system/d; /^archive_command/d; /^archive_timeout/d' "$server/data/postgresql.conf"
    restart
else
    skip "a server that takes no ALTER SYSTEM" "allow_alter_system came with PostgreSQL 17"
fi
else
    skip "a library that archives is replaced only when told to" "this PostgreSQL knows no archive_library"
fi

minimal() {
    anew
    pg_settings "$server" 'archive_mode = off' 'wal_level = minimal' 'max_wal_senders = 0'
    restart
    first --apply
    sed -i '/^archive_mode = off/,$d' "$server/data/postgresql.conf"
    restart
    expect_equal replica "$(shown wal_level)" wal_level
    expect_equal on "$(shown archive_mode)" archive_mode
}
check "a server of wal_level minimal starts again after setup" minimal
anew
restart

grants() {
    anew
    first --apply
    set_up --apply
    says "the server archives to the spool already"
    sql 'revoke pg_monitor from walferry'
    sql 'revoke execute on function pg_switch_wal() from walferry'
    set_up --apply
    says 'done: GRANT pg_monitor TO "walferry"'
    says 'done: GRANT EXECUTE ON FUNCTION pg_switch_wal() TO "walferry"'
    never_says 'pg_read_server_files'
    expect_equal t "$(sql "select pg_has_role('walferry', 'pg_monitor', 'usage')")" "the right"
    set_up --apply
    says "the server archives to the spool already"
    sql 'alter role walferry noreplication'
    set_up --apply
    says 'done: ALTER ROLE "walferry" LOGIN REPLICATION'
}
check "a role that lacks rights gets what it lacks, and one that has all gets nothing" grants

uri() {
    anew
    first --apply --conninfo 'postgresql://admin@/postgres?host=/run/postgresql&port=5432'
    grep -qx 'conninfo = "dbname=postgres host=/run/postgresql port=5432 user=walferry"' "$configuration"
    says "as walferry, and not as the user that --conninfo names"
    set_up --conninfo 'dbname=postgres host=/run/postgresql port=5432 user=walferry2'
    anew
    local conninfo
    for conninfo in 'host=/x password=of-the-server oops' 'postgresql://u:of-the-server@h:port/' 'hots=/x' \
        'host=/x password=of-the-server' 'postgresql://u:of-the-server@h/db'; do
        expect_exit 2 first --conninfo "$conninfo"
        says conninfo
        never_says of-the-server
        nothing_made
    done
}
check "either form of a connection string is understood; what is none is refused, and no password repeated" uri

# --- where the package's units run it

by_units() {
    anew
    with_units
    expect_exit 2 first --group ferry
    says "--group ferry: the units that run this configuration do so as the user walferry"
    nothing_made
    set_up --s3 x=http://127.0.0.1:9/bucket --keys x="$work/keys" --recipient "$recipient"
    expect_equal "700 root:root" "$(whose /etc/walferry/credentials)" "the folder of keys"
    expect_equal "600 root:root" "$(whose /etc/walferry/credentials/main-x)" "the keys"
    says "systemctl enable --now walferry-drain.timer"
    no test -e /etc/systemd/system/walferry-.service.d
    walferry init --group ferry >/dev/null
    expect_exit 2 set_up
    says "--group walferry gives the spool to the group of that name"
    set_up --group walferry
    # Nothing runs a file elsewhere.
    set_up_in /opt/ferry/walferry.toml --no-check --group ferry --spool /mnt/spool "${stores[@]}" --recipient "$recipient"
    says "/etc/cron.d/walferry"
    rm -r /mnt/spool
}
mount -t tmpfs apart /opt && mkdir /opt/ferry
check "units run as one user, keep the keys root's, and leave a configuration elsewhere alone" by_units

hidden() {
    anew
    with_units
    local place
    for place in /home/spool /root/x/spool /run/user/0/spool /tmp/spool /var/tmp/spool; do
        expect_exit 2 first --spool "$place"
        says "the spool $place is hidden from the systemd units"
        expect_exit 2 set_up --directory "nas=$place" --recipient "$recipient"
        says "store nas: $place is hidden from the systemd units"
    done
    ln -s /home /mnt/link
    expect_exit 2 first --spool /mnt/link/spool
    rm /mnt/link
    expect_exit 2 first --conninfo host=/home/db
    says "unix_socket_directories"
    nothing_made
    rm -rf /etc/systemd
    first --spool /home/spool --conninfo host=/run/nowhere
}
check "what the units cannot see is refused before anything is made, and taken where there are none" hidden

drop_in=/etc/systemd/system/walferry-.service.d
drop_ins() {
    anew
    with_units
    first --conninfo host=/run/nowhere
    grep -qx 'ReadWritePaths="-/mnt/stores/nas"' "$drop_in/50-walferry-walferry.conf"
    no grep -q BindReadOnlyPaths "$drop_in/50-walferry-walferry.conf"
    # The same cluster's name in another configuration.
    set_up_in /etc/walferry/second.toml --no-check --directory "q=/mnt/stores/50% \"q\"" --spool /mnt/spool --recipient "$recipient" \
        --conninfo 'host=/tmp,/tmp/of-billing port=5499,5498'
    expect_equal '[Service]
ReadWritePaths="-/mnt/spool"
ReadWritePaths="-/mnt/stores/50%% \"q\""
BindReadOnlyPaths="-/tmp/.s.PGSQL.5499"
BindReadOnlyPaths="-/tmp/of-billing"' "$(sed 1d "$drop_in/50-walferry-second.conf")" "the second drop-in"
    grep -qx 'ReadWritePaths="-/mnt/stores/nas"' "$drop_in/50-walferry-walferry.conf"
    if command -v systemd-analyze >/dev/null; then
        { cat /etc/systemd/system/walferry-drain.service && echo ExecStart=/bin/true && cat "$drop_in/50-walferry-second.conf"; } >"$work/trial.service"
        expect_equal "" "$(systemd-analyze verify --man=no "$work/trial.service" 2>&1 | grep 'trial.service:[0-9]' || true)" "what systemd says"
    fi
    rm -r /mnt/spool
    # What the configuration says now.
    sed -i '1i work_dir = "/mnt/scratch"' "$configuration"
    set_up
    says "made $drop_in/50-walferry-walferry.conf"
    grep -qx 'ReadWritePaths="-/mnt/scratch"' "$drop_in/50-walferry-walferry.conf"
    expect_equal 50-walferry-second.conf,50-walferry-walferry.conf "$(ls -A "$drop_in" | paste -sd,)" files
    set_up
    never_says "$drop_in"
    sed -i.kept '/^work_dir/d; s,/mnt/stores/,/var/spool/walferry/of-,' "$configuration"
    set_up
    says "removed $drop_in/50-walferry-walferry.conf"
    no test -e "$drop_in/50-walferry-walferry.conf"
    mv "$configuration.kept" "$configuration"
    printf '[Service]\nNice=1\n' >"$drop_in/50-walferry-walferry.conf"
    set_up
    says "is not setup's own, and is left as it is"
    says 'ReadWritePaths="-/mnt/scratch"'
    expect_equal 'Nice=1' "$(tail -n 1 "$drop_in/50-walferry-walferry.conf")" "somebody's file"
}
check "the units are allowed what the configuration needs, a socket in /tmp too, by files that are setup's own" drop_ins

# --- files that somebody names

authority() {
    anew
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -out "$work/ca.pem" -days 1 \
        -subj /CN=test 2>/dev/null
    cd "$work"
    printf 'no certificate\n' >none.pem
    local s3=(--s3 x=https://127.0.0.1:9/bucket --keys x="$work/keys" --recipient "$recipient" --conninfo host=/run/nowhere)
    expect_exit 2 set_up "${s3[@]}" --ca x=none.pem
    says "holds no certificate"
    nothing_made
    set_up "${s3[@]}" --ca x=ca.pem
    expect_equal "644 root:root" "$(whose /etc/walferry/main-x.ca.pem)" "the copy"
    cmp ca.pem /etc/walferry/main-x.ca.pem
    expect_equal /etc/walferry/main-x.ca.pem "$(walferry config --json | jq -r '.store[0].ca_file')" "the authority"
    rm "$configuration"
    set_up "${s3[@]}" --ca x=ca.pem
    rm "$configuration"
    printf 'another\n' | cat - ca.pem >other.pem
    expect_exit 2 set_up "${s3[@]}" --ca x=other.pem
    says "/etc/walferry/main-x.ca.pem is there already, and is another authority"
    cmp ca.pem /etc/walferry/main-x.ca.pem
}
export WALFERRY_CONFIG=$configuration
check "a store's authority is copied, whole, and never replaced" authority

by_sudo() {
    anew
    local mine=$work/keys-of-sudoer
    install -o sudoer -m 600 "$work/keys" "$mine"
    local s3=(--s3 x=http://127.0.0.1:9/bucket --keys "x=$mine" --recipient "$recipient" --conninfo host=/run/nowhere)
    expect_exit 2 set_up "${s3[@]}"
    says "it must belong to root"
    SUDO_UID=$(id -u ferry) expect_exit 2 set_up "${s3[@]}"
    says "it belongs to user id $(id -u sudoer)"
    SUDO_UID=$(id -u sudoer) set_up "${s3[@]}"
    expect_equal root "$(stat -c %U /etc/walferry/credentials/main-x)" "whose the copy is"
    cmp "$mine" /etc/walferry/credentials/main-x
    rm -r /etc/walferry
    install -o sudoer -m 600 "$work/identity.txt" "$work/identity-of-sudoer"
    expect_exit 2 set_up "${stores[@]}" --identity "$work/identity-of-sudoer"
    SUDO_UID=$(id -u sudoer) set_up "${stores[@]}" --identity "$work/identity-of-sudoer" --conninfo host=/run/nowhere
    grep -q "$recipient" "$configuration"
    rm -r /etc/walferry
    chmod 644 "$mine"
    SUDO_UID=$(id -u sudoer) expect_exit 2 set_up "${s3[@]}"
}
check "keys of the administrator who called sudo are taken, and nobody else's" by_sudo

# --- the terminal

cat >"$work/interrupt.py" <<'PY'
"""Answers the questions at a terminal up to the secret key, sends a signal, and prints how both are left."""
import os, pty, select, signal, sys, termios, time

pid, terminal = pty.fork()
if pid == 0:
    for ignored in signal.SIGINT, signal.SIGQUIT:  # by the shell, where this runs in its background
        signal.signal(ignored, signal.SIG_DFL)
    os.execvp(sys.argv[2], sys.argv[2:])
said = b""
def until(text):
    global said
    end = time.monotonic() + 20
    while text not in said:
        if time.monotonic() > end or not select.select([terminal], [], [], 1)[0]:
            if time.monotonic() > end:
                sys.exit("never said %r: %r" % (text, said))
            continue
        said += os.read(terminal, 4096)
def shows():
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
until(b"Access key ID")
os.write(terminal, b"access\n")
until(b"(not shown):")
end = time.monotonic() + 5
while shows() and time.monotonic() < end:
    time.sleep(0.01)
before = shows()
if sys.argv[1] == "ctrl-c":
    os.write(terminal, b"\x1a")  # Ctrl-Z is not heard
    time.sleep(0.2)
    os.write(terminal, b"\x03")
else:
    os.kill(pid, signal.SIGTERM)
end = time.monotonic() + 20
done, status = 0, 0
while not done and time.monotonic() < end:
    time.sleep(0.05)
    done, status = os.waitpid(pid, os.WNOHANG)
if not done:
    os.kill(pid, signal.SIGKILL)
    sys.exit("did not end")
print(before, shows(), os.WTERMSIG(status) if os.WIFSIGNALED(status) else -1)
PY
interrupted() {
    anew
    local how command=(walferry --config "$configuration" setup --s3 x=http://127.0.0.1:9/bucket --recipient "$recipient"
        --conninfo host=/run/nowhere)
    expect_equal "False True 2" "$(python3 "$work/interrupt.py" ctrl-c "${command[@]}")" "Ctrl-C: shown before, after, signal"
    expect_equal "False True 15" "$(python3 "$work/interrupt.py" term "${command[@]}")" "SIGTERM: shown before, after, signal"
    no test -e "$configuration"
}
check "whoever interrupts the question for a secret has a terminal that shows what is typed" interrupted

# --- a spool that somebody gave to root

given_away() {
    anew
    first --owner billing --conninfo host=/run/nowhere
    chown root:root /var/spool/walferry/main
    expect_exit 2 walferry init >"$work/said" 2>&1
    says "/var/spool/walferry/main belongs to root, and no PostgreSQL server runs as root"
    says "--owner billing --group walferry"
    expect_exit 2 set_up
    says "--owner billing --group walferry"
    expect_equal "2770 billing:walferry" "$(whose /var/spool/walferry/main/ready)" "what lies in it"
    walferry init --owner billing --group walferry
    expect_equal "2750 billing:walferry" "$(whose /var/spool/walferry/main)" "the spool"
}
check "a spool that was given to root is not made root's altogether; init says whose it was" given_away
