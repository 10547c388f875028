# A small machine of a test's own: the packages of this Debian in a folder, with systemd as its first process, in
# namespaces that share this host's network. Sourced after world.sh.

machine=$work/machine

# Prints why there can be no such machine here; nothing where there can.
machine_lacks() {
    local program
    for program in mmdebstrap systemd-nspawn nsenter dpkg-deb; do
        command -v $program >/dev/null || { echo "$program is not installed" && return; }
    done
    [ "$(sed -n 's/^ID=//p' /etc/os-release)" = debian ] || echo "this is no Debian"
}

# make_machine PACKAGE...: this release's, with systemd, from the mirror that this host uses.
make_machine() { make_bare_machine "$(. /etc/os-release && echo "$VERSION_CODENAME")" systemd systemd-sysv dbus "$@"; }

# sources_of SUITE: apt's lines for it, from the mirror that this host uses.
sources_of() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
        awk -v own="$(. /etc/os-release && echo "$VERSION_CODENAME")" -v suite="$1" '$3 == "main" && index($2, own) == 1 {
            print "deb " $1 " " suite substr($2, length(own) + 1) " main" }' | sort -u
}

# make_bare_machine RELEASE PACKAGE...: apt, what is essential, and these. Where $older_release is set, also from that one
# what RELEASE has no more.
older_release=
make_bare_machine() {
    local suite=$1 packages each
    shift
    packages=$(printf '%s,' passwd "$@")
    for each in "$suite" $older_release; do sources_of "$each"; done >"$work/machine.list"
    mmdebstrap --quiet --variant=apt --skip=cleanup/apt/lists --include="${packages%,}" "$suite" "$machine" \
        "$work/machine.list" >"$work/machine.log" 2>&1
}

# boot_machine: false where systemd does not come up.
boot_machine() {
    local deadline=$((SECONDS + 60)) leader=
    # The log says why not, if not. Where this host mixes two versions of control groups, systemd wants one.
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --register=no --keep-unit --quiet --directory="$machine" --boot \
        --console=pipe </dev/null >"$work/boot.log" 2>&1 &
    machine_pid=$!
    later stop_machine
    while [ $SECONDS -lt $deadline ] && ! gone $machine_pid; do
        leader=$(pgrep -P $machine_pid | head -n 1)
        if [ -n "$leader" ]; then
            machine_leader=$leader
            case $(inside 'systemctl is-system-running' 2>/dev/null) in running | degraded) return 0 ;; esac
        fi
        sleep 0.2
    done
    return 1
}

# inside SCRIPT: run there by bash, as root, as after a login.
inside() {
    nsenter --target "$machine_leader" --all env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb \
        bash -euo pipefail -c "cd /root; $1" </dev/null
}

# Before it boots: a user who is root by sudo alone.
add_administrator() {
    chroot "$machine" useradd --create-home --shell /bin/bash admin
    echo 'admin ALL=(ALL:ALL) NOPASSWD: ALL' >"$machine/etc/sudoers.d/admin"
    # sudo looks its host's name up.
    printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$(basename "$machine") $(uname -n)" >"$machine/etc/hosts"
}
belongs_to_administrator() { chroot "$machine" chown -R admin:admin /home/admin; }

# as_administrator SCRIPT: the same as inside, by that user in its home.
as_administrator() {
    printf '%s\n' "$1" >"$machine/run.sh"
    inside 'cd /home/admin; HOME=/home/admin setpriv --reuid=admin --regid=admin --init-groups bash -euo pipefail /run.sh'
}

stop_machine() {
    inside 'systemctl --no-block poweroff' || true
    wait_for 30 gone "$machine_pid" || kill -KILL "$machine_leader" "$machine_pid"
    wait "$machine_pid" || true
}
