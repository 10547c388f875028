# A folder of its own for one test script, the programs where every user can run them, the users, and the way back
# to a clean machine. Sourced after report.sh; expects $programs (the folder the build left them in).

unset WALFERRY_CONFIG WALFERRY_SPOOL CREDENTIALS_DIRECTORY "${!PG@}" || true
umask 022

work=$(mktemp -d /var/tmp/walferry-test.XXXXXX)
chmod 755 "$work"
at_exit=()
clean_up() {
    local i
    for ((i = ${#at_exit[@]} - 1; i >= 0; i--)); do eval "${at_exit[i]}" >/dev/null 2>&1 || true; done
    cd /
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# later COMMAND: run when the script ends, the last one first.
later() { at_exit+=("$1"); }

# The clone may lie in a folder that only its owner can enter.
mkdir "$work/bin"
cp "$programs"/walferry "$programs"/walferry-archive-push "$programs"/walferry-archive-get "$work/bin/"
chmod 755 "$work"/bin/*
if ! "$work/bin/walferry" --version >/dev/null; then
    echo "the programs cannot be run in $work; is /var/tmp mounted noexec?" >&2
    exit 1
fi
PATH=$work/bin:$PATH
cd "$work"

# Three users, as on a real host. Only postgres has to exist; numbers do for the others.
unused_id() { # a number that neither a user nor a group has, from $1 on
    local id=$1
    while getent passwd "$id" >/dev/null || getent group "$id" >/dev/null; do id=$((id + 1)); done
    echo "$id"
}
postgres_uid=$(id -u postgres) postgres_gid=$(id -g postgres)
spool_gid=$(unused_id 58710)
uploader_uid=$(unused_id $((spool_gid + 1)))
stranger_uid=$(unused_id $((uploader_uid + 1)))

identity_of() { # WHO: sets $identity, what setpriv needs to become that user
    case $1 in
    postgres) identity=(--reuid="$postgres_uid" --regid="$postgres_gid" --groups="$postgres_gid,$spool_gid") ;;
    postgres-without-the-group) identity=(--reuid="$postgres_uid" --regid="$postgres_gid" --clear-groups) ;;
    uploader) identity=(--reuid="$uploader_uid" --regid="$spool_gid" --clear-groups) ;;
    stranger) identity=(--reuid="$stranger_uid" --regid="$stranger_uid" --clear-groups) ;;
    *) echo "no user $1 here" >&2 && return 1 ;;
    esac
}

# as WHO COMMAND...
as() {
    local identity
    identity_of "$1"
    HOME=/nonexistent setpriv "${identity[@]}" "${@:2}"
}

# start_as WHO LOG COMMAND...: in the background; $started is the process itself, not a shell around it.
start_as() {
    local identity
    identity_of "$1"
    HOME=/nonexistent setpriv "${identity[@]}" "${@:3}" >"$2" 2>&1 &
    started=$!
}

# gone PID: ended, or only waiting for its parent to notice.
gone() { [ ! -e "/proc/$1" ] || grep -qsE '^State:[[:space:]]+[ZX]' "/proc/$1/status"; }

# stop_process PID [SIGNAL]: ends a process that this script started, and waits until it is gone.
stop_process() {
    kill -"${2:-TERM}" "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}
