# A good store beside one that misbehaves, and what must hold of a drain into both. Sourced after integration.sh.

at_once=12  # cases; nearly all of their time is waiting
longest_run_ms=90000
timeouts='connect_timeout = "1s"
silence_timeout = "1s"'
secret=W0NDERFULSECRET
export PYTHONDONTWRITEBYTECODE=1

trim() {
    local text=$1
    text=${text#"${text%%[! ]*}"}
    printf '%s' "${text%"${text##*[! ]}"}"
}

expect_at_most() { # LIMIT GOT WHAT
    [ "$2" -le "$1" ] && return 0
    printf '%s: wanted at most %s, got "%s"\n' "${3:-}" "$1" "$2"
    return 1
}

# start_fault_server: s3_server.py, with certificates, until this script ends.
start_fault_server() {
    bash "$tests/s3/make-ca.sh" "$work/ca"
    mkfifo "$work/lifeline"
    python3 "$tests/fault/s3_server.py" "$work/s3" "$work/ca" <"$work/lifeline" >"$work/control" &
    later "stop_process $!"
    exec {lifeline}>"$work/lifeline"
    wait_for 20 test -s "$work/control"
    control=http://127.0.0.1:$(cat "$work/control")
}

# set_plan NAME PLAN: prints the server's port.
set_plan() { curl --noproxy '*' -sSf -X PUT --data-binary "$2" "$control/$1"; }
requests_to() { curl --noproxy '*' -sSf "$control/$1"; }

# make_template SEGMENTS: a spool into which they were pushed and that no drain has seen.
make_template() {
    segments=$1
    install -d -m 755 "$work/wal" "$work/template"
    python3 "$tests/fault/wal_segments.py" "$work/wal" "$segments"
    begin_configuration "$work/template/walferry.toml" "$work/template/spool"
    add_directory_store "$work/template/walferry.toml" unused
    walferry --config "$work/template/walferry.toml" init --owner postgres --group "$spool_gid" >/dev/null
    local file
    for file in "$work"/wal/*; do
        as postgres walferry-archive-push --spool "$work/template/spool" --system-identifier 7301234567890123456 "$file"
    done
}

# The files of a case that a fault may spoil.
make_files() { # CASE
    printf '[default]\naws_access_key_id = key\naws_secret_access_key = %s\n' "$secret" >"$1/credentials"
    cp "$work/ca/ca.pem" "$1/ca.pem"
    for_uploader "$1/credentials"
    chmod 644 "$1/ca.pem"
}

# add_faulty_store CASE NAME ENDPOINT LINE...
add_faulty_store() {
    cat >>"$1/walferry.toml" <<TOML

[[store]]
name = "$2"
type = "s3"
endpoint = "$3"
bucket = "wal"
prefix = "prod"
credentials_file = "credentials"
$timeouts
TOML
    printf '%s\n' "${@:4}" >>"$1/walferry.toml"
}

# The plan with which the case's store is well.
well() {
    case $1 in
    tls* | local*) echo 'tls server' ;;
    esac
}

# begin_case CASE: a spool of its own, with the segments of the template in it.
begin_case() {
    mkdir -p "$1"
    cp -a "$work/template/spool" "$1/spool"
    cp "$work/template/identity.txt" "$1/"
    make_files "$1"
    install -d -o "$uploader_uid" -g "$spool_gid" -m 750 "$1/good"
    begin_configuration "$1/walferry.toml" "$1/spool"
    hosts=
}

add_good_directory() { # CASE
    printf '\n[[store]]\nname = "good"\ntype = "directory"\npath = "%s"\n' "$1/good" >>"$1/walferry.toml"
}

# make_case CASE PLAN: store "good" is a directory, store "bad" is of s3_server.py and well as yet.
make_case() {
    local port
    store=$(basename "$1")
    good_plan=$(well "$2")
    begin_case "$1"
    add_good_directory "$1"
    port=$(set_plan "$store" "$good_plan")
    case $2 in
    tls* | local*) add_faulty_store "$1" bad "https://127.0.0.1:$port" 'ca_file = "ca.pem"' ;;
    dns) add_faulty_store "$1" bad "http://store.invalid:$port" 'allow_http = true' ;;
    *) add_faulty_store "$1" bad "http://127.0.0.1:$port" ;;
    esac
}

break_store() { # PLAN
    case $1 in
    dns) ;;
    local*) (cd "$case" && eval "${1#local }") ;;
    *) set_plan "$store" "$1" >/dev/null ;;
    esac
}

# The name that did not resolve does so from now on, for this case alone.
mend_store() {
    set_plan "$store" "$good_plan" >/dev/null
    make_files "$case"
    printf '127.0.0.1 localhost store.invalid\n' >"$case/hosts"
    hosts=$case/hosts
}

drain() {
    as uploader walferry --config "$case/walferry.toml" drain --jobs 2 "$@"
}

# timed_drain NAME [ARGUMENT]...: sets $status, $ran_ms; what it said is in $case/NAME.
timed_drain() {
    local began name=$1
    began=$(date +%s%3N)
    status=0
    if [ -n "$hosts" ]; then
        identity_of uploader
        unshare -m sh -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' sh "$hosts" \
            env HOME=/nonexistent setpriv "${identity[@]}" \
            walferry --config "$case/walferry.toml" drain --jobs 2 "${@:2}" >"$case/$name" 2>&1 || status=$?
    else
        drain "${@:2}" >"$case/$name" 2>&1 || status=$?
    fi
    ran_ms=$(($(date +%s%3N) - began))
    sed 's/^/     said: /' "$case/$name"
}

ledger() { as uploader sqlite3 -readonly "$case/spool/ledger/ledger.db" "$1"; }
verified_in() { ledger "select count(*) from copies where store = '$1' and state = 'verified'"; }

# Sets $good_ms: from the beginning of the run to the last segment verified in the good store.
good_store_is_done() {
    expect_equal "$segments" "$(verified_in good)" "verified in the good store"
    good_ms=$(ledger "select cast(round((julianday(max(c.verified_at)) - julianday(min(r.started_at))) * 86400000) as int)
        from copies c, run r where c.store = 'good'")
    expect_at_most 8000 "$good_ms" "milliseconds until the good store was done"
}

# exit_of_kind KIND RUN: of the first or the second run under the fault.
exit_of_kind() {
    case $1$2 in
    passing*) echo 0 ;;
    outage* | refusal* | unreadable*) echo 4 ;;
    damage* | imposter*) echo 3 ;;
    setting*) echo 2 ;;
    esac
}

# The first line about the bad store.
said() { grep -m 1 -o 'store bad: .*' "$case/fault" || true; }

expect_said() { # PATTERN HINT
    local line
    [ -n "$1" ] || return 0
    while read -r line; do
        # shellcheck disable=SC2254
        case $line in
        'store bad: '$1'; hint: '$2) return 0 ;;
        esac
    done < <(grep -o 'store bad: .*' "$case/fault")
    printf 'no line reads "store bad: %s; hint: %s"\n' "$1" "$2"
    return 1
}

# converges KIND: sets $runs.
converges() {
    for runs in 1 2; do
        timed_drain "after-$runs"
        [ $status != 0 ] || break
    done
    expect_equal 0 "$status" "exit of the last run"
    everything_is_verified
    whole_objects "$case/good" none
    whole_objects "$work/s3/$store/wal" "$1"
}

everything_is_verified() {
    expect_equal 0 "$(waiting "$case/spool")" "waiting segments"
    expect_equal "$segments" "$(verified_in good)" "verified in the good store"
    expect_equal "$segments" "$(verified_in bad)" "verified in the bad store"
}

# whole_objects FOLDER KIND: one object a segment, each hashing to its name; what could not be read back has more.
whole_objects() {
    local object name sha count=0 damaged=0
    : >"$case/whole"
    while read -r sha object; do
        name=$(basename "$object" .zst.age)
        count=$((count + 1))
        if [ "${name##*-}" = "${sha:0:32}" ]; then echo "${name%%-*}" >>"$case/whole"; else damaged=$((damaged + 1)); fi
    done < <(find "$1" -name '*.zst.age' -exec sha256sum {} +)
    expect_equal "$segments" "$(sort -u "$case/whole" | wc -l)" "segments with a whole object in $1"
    case $2 in damage | unreadable) return 0 ;; esac
    expect_equal "$segments" "$count" "objects in $1"
    expect_equal 0 "$damaged" "damaged objects in $1"
}

no_secret_in() { # CASE
    # Not every case says something a second time.
    local place places=("$1/spool/ledger")
    for place in "$1"/fault "$1"/again "$1"/after-*; do
        if [ -e "$place" ]; then places+=("$place"); fi
    done
    no grep -rlF "$secret" "${places[@]}"
}

# in_background REPORT COMMAND...: when no more than $at_once run.
background=() reports=()
in_background() {
    local report=$1
    shift
    while [ "$(jobs -rp | wc -l)" -gt "$at_once" ]; do wait -n || true; done
    "$@" >"$report" 2>&1 &
    background+=($!) reports+=("$report")
}
await_background() {
    local i
    for i in "${!background[@]}"; do
        wait "${background[i]}" || true
        cat "${reports[i]}"
    done
    background=() reports=()
}
