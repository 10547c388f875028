# Shared by the scripts that run throwaway S3 servers for the tests. Source it; it starts nothing by itself.
#
# A server lives in a directory of its own (BASE) and writes nowhere else:
#   BASE/processes     one line per process: name, pid, start time
#   BASE/front.command how to start the S3 front ends again
#   BASE/env           what a test needs: S3_ENDPOINT, S3_CREDENTIALS, S3_REGION …
#   BASE/log/          what the processes said
# A process is recognised by pid and start time together, so a pid that was used again is never signalled.
set -euo pipefail
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
python=/usr/bin/python3

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# free_ports N: N ports of 127.0.0.1 that nobody listens on, on one line. Somebody may take one before it is used;
# whoever starts a server with them tries again with others (start_with_free_ports).
free_ports() {
    "$python" - "$1" <<'PYTHON'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in held:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))
PYTHON
}

# claim DIRECTORY: sets BASE; takes an empty or missing directory, or one that was claimed before and is at rest.
claim() {
    mkdir -p "$1"
    BASE=$(cd "$1" && pwd)
    [ ! -e "$BASE/processes" ] || fail "something was started in $BASE already; stop it first"
    [ -e "$BASE/.walferry-s3" ] || [ -z "$(ls -A "$BASE")" ] || fail "$BASE is neither empty nor of this making"
    : >"$BASE/.walferry-s3"
    : >"$BASE/processes"
    mkdir -p "$BASE/log"
}

# started_at PID: the kernel's start time of a live process; nothing for one that is gone or a zombie.
started_at() {
    local state
    state=$(sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null) || return 0
    set -- $state
    case $1 in Z | X) return 0 ;; esac
    echo "${20}"
}

# spawn NAME COMMAND…: in the background, leader of its own process group, so that its children go with it.
spawn() {
    local name=$1
    shift
    setsid "$@" >>"$BASE/log/$name.out" 2>&1 </dev/null &
    echo "$name $! $(started_at $!)" >>"$BASE/processes"
}

# live [NAME]: the pids of our processes that still run.
live() {
    local name pid start
    while read -r name pid start; do
        [ -z "${1:-}" ] || [ "$name" = "$1" ] || continue
        [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ] && echo "$pid"
    done <"$BASE/processes" || true
}

# signal SIGNAL PID…: their whole process groups.
signal() {
    local signal=$1 pid
    shift
    for pid in "$@"; do kill "-$signal" -- "-$pid" 2>/dev/null || true; done
}

# stop_all: asks nicely unless told KILL, waits, then insists.
stop_all() {
    local step
    [ -e "$BASE/processes" ] || return 0
    # shellcheck disable=SC2046
    signal CONT $(live)
    signal "${1:-TERM}" $(live)
    for step in $(seq 200); do
        [ -z "$(live)" ] && break
        [ "$step" = 100 ] && signal KILL $(live)
        sleep 0.03
    done
    rm -f "$BASE/processes"
}

# stop DIRECTORY [--wipe]
stop() {
    BASE=$(cd "$1" 2>/dev/null && pwd) || fail "there is no $1"
    [ -e "$BASE/.walferry-s3" ] || fail "$BASE is not of this making"
    # Ceph's processes wait for each other when asked to end; nothing they hold is needed any more.
    if [ -e "$BASE/ceph.conf" ]; then stop_all KILL; else stop_all TERM; fi
    [ "${2:-}" != --wipe ] || rm -rf "$BASE"
}

# await_http NAME URL: until something answers there, or the process is gone.
await_http() {
    local step
    for step in $(seq 400); do
        curl --noproxy '*' -sk -o /dev/null --max-time 2 "$2/" && return 0
        [ -n "$(live "$1")" ] || return 1
        sleep 0.05
    done
    return 1
}

# start_with_free_ports COMMAND: runs it up to three times; it chooses its ports again each time.
start_with_free_ports() {
    local attempt
    for attempt in 1 2 3; do
        if "$@"; then return 0; fi
        echo "${0##*/}: did not start, attempt $attempt of 3; see $BASE/log" >&2
        stop_all KILL
        : >"$BASE/processes"
    done
    rm -f "$BASE/processes"
    tail -n 5 "$BASE"/log/*.out >&2 || true
    fail "gave up"
}

# make_buckets ENDPOINT REGION NAME…
make_buckets() {
    local endpoint=$1 region=$2 name
    shift 2
    for name in "$@"; do
        curl --noproxy '*' -sSf -o /dev/null --max-time 30 -X PUT --aws-sigv4 "aws:amz:$region:s3" \
            -u "$S3_ACCESS_KEY:$S3_SECRET_KEY" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$endpoint/$name"
    done
}

# write_env HTTP_PORT HTTPS_PORT: what tests read; HTTPS_PORT is empty without TLS.
write_env() {
    (umask 077 && printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' \
        "$S3_ACCESS_KEY" "$S3_SECRET_KEY" >"$BASE/credentials")
    {
        echo "S3_PORT=$1"
        echo "S3_ENDPOINT=http://127.0.0.1:$1"
        [ -z "$2" ] || echo "S3_TLS_PORT=$2"
        [ -z "$2" ] || echo "S3_TLS_ENDPOINT=https://127.0.0.1:$2"
        echo "S3_REGION=$S3_REGION"
        echo "S3_ACCESS_KEY=$S3_ACCESS_KEY"
        echo "S3_SECRET_KEY=$S3_SECRET_KEY"
        echo "S3_CREDENTIALS=$BASE/credentials"
    } >"$BASE/env"
}

# guard PID: ends everything when that process is gone, however it went.
guard() {
    local owner_start
    owner_start=$(started_at "$1")
    spawn guard bash -c '. "$1/lib.sh"; BASE=$2
        while [ "$(started_at "$3")" = "$4" ]; do sleep 1; done
        sed -i "/^guard /d" "$BASE/processes"
        stop_all KILL' guard "$(dirname "${BASH_SOURCE[0]}")" "$BASE" "$1" "$owner_start"
}

# control DIRECTORY pause|resume|crash|up: what can happen to the S3 front ends; stored objects survive.
#   pause: connections are accepted, nothing is answered.   crash: connections are refused.
control() {
    BASE=$(cd "$1" && pwd)
    # shellcheck disable=SC1091
    . "$BASE/env"
    case ${2:-} in
    pause) signal STOP $(live front) ;;
    resume) signal CONT $(live front) ;;
    crash)
        signal CONT $(live front)
        signal KILL $(live front)
        while [ -n "$(live front)" ]; do sleep 0.02; done
        sed -i '/^front /d' "$BASE/processes"
        ;;
    up)
        # shellcheck disable=SC1091
        . "$BASE/front.command"
        await_http front "$S3_ENDPOINT" || fail "the front end does not come up; see $BASE/log"
        [ -z "${S3_TLS_ENDPOINT:-}" ] || await_http front "$S3_TLS_ENDPOINT" || fail "no https; see $BASE/log"
        ;;
    *) fail "usage: ctl.sh DIRECTORY pause|resume|crash|up" ;;
    esac
}
