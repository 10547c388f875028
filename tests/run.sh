#!/usr/bin/env bash
# tests/run.sh PROGRAMS [--long|--unit] [WORD]: all tests, the unit and contract tests only, or those whose name holds
# WORD, against the programs in the folder PROGRAMS. The last line is "N passed, N failed, N skipped". ./dev test calls
# this after building.
set -euo pipefail
export LC_ALL=C.UTF-8
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs=$(cd "$1" && pwd)
shift
export WALFERRY_TESTS_LONG=
word= unit_only=
for argument in "$@"; do
    case $argument in
    --long) WALFERRY_TESTS_LONG=yes ;;
    --unit) unit_only=yes ;;
    -*) echo "usage: ./dev test [--long|--unit] [WORD]" >&2 && exit 2 ;;
    *) word=$argument ;;
    esac
done

umask 022
work=$(mktemp -d /var/tmp/walferry-run.XXXXXX)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
export WALFERRY_RESULTS=$work/results
: >"$WALFERRY_RESULTS"
passed=0 failed=0 skipped=0

# timed NAME COMMAND...: what it took is told at the end.
timed() {
    local name=$1 began=$SECONDS status=0
    shift
    "$@" || status=$?
    echo "$((SECONDS - began)) $name" >>"$work/times"
    return $status
}

. "$tests/lib/report.sh"
. "$tests/lib/other_postgres.sh"

# Sanitizers want terabytes of addresses, and to be loaded before what faketime preloads.
export WALFERRY_SANITIZED=
if [ "$(nm -D "$programs/walferry-tests" 2>/dev/null | grep -Ec '__(asan|tsan)_init')" != 0 ]; then
    WALFERRY_SANITIZED=yes
    export ASAN_OPTIONS=verify_asan_link_order=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
fi

# Where the time went: what took longest, and the rest together. Scripts run side by side, so this is more than the
# clock's time.
tell_times() {
    [ -s "$work/times" ] || return 0
    echo "took $SECONDS s; most of it:"
    sort -rn "$work/times" | awk 'NR <= 12 { printf "  %4d s  %s\n", $1, substr($0, length($1) + 2); next }
        { rest += $1; n++ } END { if (n) printf "  %4d s  %d others\n", rest, n }'
}

wanted() { [ -z "$word" ] || [[ "$1" == *"$word"* ]]; } # NAME

# count_cases LOG STATUS: adds what Catch2 says at its end; a run that fails and names no failure is one failure. A
# case that says SKIPPED and why has passed for Catch2, but not here.
count_cases() {
    local good bad=0 reason
    good=$(sed -n 's/^All tests passed (.* in \([0-9]*\) test cases\{0,1\}).*/\1/p' "$1" | tail -n 1)
    if [ -z "$good" ]; then
        good=$(sed -n 's/^test cases:.*| *\([0-9]*\) passed.*/\1/p' "$1" | tail -n 1)
        bad=$(sed -n 's/^test cases:.*| *\([0-9]*\) failed.*/\1/p' "$1" | tail -n 1)
    fi
    if [ "$2" != 0 ] && [ "${bad:-0}" = 0 ]; then bad=1; fi
    passed=$((passed + ${good:-0}))
    failed=$((failed + ${bad:-0}))
    while read -r reason; do
        echo "skip a unit test: $reason" >>"$WALFERRY_RESULTS"
        passed=$((passed - 1))
    done < <(awk 'tolower($1) == "skipped:" { said = 1; line = "" }
        said && NF { line = line " " $0 }
        said && !NF { print line; said = 0 }' "$1" | sed 's/^ *skipped: *//I; s/  */ /g')
}

# run_catch COMMAND...: a run of the unit test program, directly or by way of a script that prepares for it.
run_catch() {
    local log status=0
    log=$work/catch.log
    "$@" 2>&1 | tee "$log" || status=${PIPESTATUS[0]}
    count_cases "$log" "$status"
}

# Other users and their rights are part of what is tested, and only root can become them.
root_prefix() {
    if [ "$(id -u)" = 0 ]; then
        echo env
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
        echo sudo
    fi
}

run_script() { # FILE [FOLDER]: an integration test, or one of faults, with the PostgreSQL in FOLDER
    local name status=0
    name=$(basename "$1" .sh)
    export WALFERRY_TEST_PG=${2:-${WALFERRY_TEST_PG:-}} WALFERRY_TEST_ON=
    if [ $# = 2 ]; then WALFERRY_TEST_ON=$("$2/postgres" --version | sed 's/^postgres (\([A-Za-z]*\)) \([0-9.]*\).*/\1 \2/'); fi
    if [ -z "$become_root" ]; then
        skip "$name" "it needs several Unix users, so root or sudo"
        return
    fi
    echo "--- $name"
    $become_root env WALFERRY_RESULTS="$WALFERRY_RESULTS" WALFERRY_TESTS_LONG="$WALFERRY_TESTS_LONG" \
        WALFERRY_TEST_PG="$WALFERRY_TEST_PG" WALFERRY_TEST_ON="$WALFERRY_TEST_ON" \
        bash "$1" "$programs" </dev/null || status=$?
    [ $status = 0 ] || result FAIL "$name: ended early with exit $status"
}

if wanted layering; then check "includes point one way" bash "$tests/layering.sh"; fi

documented() {
    sed -n '/^```$/,/^```$/p' "$tests/../docs/configuration.md" | sed '1d;$d' >"$work/documented"
    "$programs/walferry" config --help | sed -n '/^Keys of the/,/configuration file.s folder/p' | diff "$work/documented" -
}
if wanted configuration; then check "docs/configuration.md is the text of walferry config --help" documented; fi

findings_documented() {
    sed -n '/^## Findings$/,$p' "$tests/../docs/check.md" | sed '1d' >"$work/documented"
    "$programs/walferry" check --list | diff "$work/documented" -
}
if wanted check; then check "docs/check.md lists every finding of walferry check" findings_documented; fi

become_root=$(root_prefix)
# Tests become other users too, who cannot enter every folder that a clone may lie in.
mkdir "$work/bin"
cp "$programs"/walferry* "$work/bin/"

echo "--- unit tests"
timed "unit tests" run_catch $become_root env WALFERRY_BIN_DIR="$work/bin" ${WALFERRY_VECTORS:+"WALFERRY_VECTORS=$WALFERRY_VECTORS"} \
    "$work/bin/walferry-tests" "~[contract]${word:+*$word*}"

if wanted contract; then
    echo "--- store contract, with Ceph and Swift"
    timed "store contract" run_catch bash "$tests/s3/run-contract.sh" "$programs/walferry-tests"
fi

if wanted valgrind && [ -n "$WALFERRY_TESTS_LONG" ]; then
    echo "--- unit tests under valgrind"
    if ! command -v valgrind >/dev/null; then
        skip valgrind "it is not installed; ./dev deps installs it"
    elif [ -n "$WALFERRY_SANITIZED" ]; then
        skip valgrind "it cannot run what a sanitizer is built into"
    else
        timed valgrind run_catch $become_root bash "$tests/valgrind/run.sh" "$work/bin" '~[contract]'
    fi
fi

if wanted fuzz && [ -z "$unit_only" ]; then
    echo "--- hostile input"
    if [ -z "${WALFERRY_FUZZ_BUILD:-}" ]; then
        skip fuzz "it needs clang and its runtime, which ./dev deps installs"
    else
        seconds=20 status=0
        [ -z "$WALFERRY_TESTS_LONG" ] || seconds=600
        timed "hostile input" bash "$tests/fuzz/run.sh" "$WALFERRY_FUZZ_BUILD" $seconds || status=$?
        [ $status -le 1 ] || result FAIL "fuzz: ended early with exit $status"
    fi
fi

# Beside the newest PostgreSQL that is installed: all others, and with --long those that npm has.
other_servers() {
    local major
    installed_postgres | head -n -1
    [ -n "$WALFERRY_TESTS_LONG" ] || return 0
    if ! command -v npm >/dev/null; then
        skip "PostgreSQL 16 and 18" "npm is not installed, which has them"
        return 0
    fi
    for major in 16 18; do
        [ ! -e "/usr/lib/postgresql/$major" ] || continue
        fetch_postgres $major "$work/postgresql-$major" || skip "PostgreSQL $major" "npm could not fetch it"
    done
}

# They wait more than they compute, so some run side by side, those that take long first; what each one says comes in
# one piece.
side_by_side=${WALFERRY_TESTS_JOBS:-$(($(nproc) + 1))}
take_long=("$tests"/integration/{package,check,recovery,restore,backup}.sh "$tests"/fault/{limits,local,stores,power_loss}.sh)
scripts=("$tests"/fault/*.sh "$tests"/integration/*.sh)
mapfile -t scripts < <(printf '%s\n' "${take_long[@]}" "${scripts[@]}" | awk '!seen[$0]++')
jobs=()
if [ -n "$unit_only" ]; then scripts=(); fi
for script in "${scripts[@]}"; do
    if wanted "$(basename "$script" .sh)"; then jobs+=("$script"); fi
done
# What depends on the server's version.
versioned=()
for script in "$tests"/integration/{new_cluster,timelines,archive_get,events,follow,setup,backup_contents}.sh; do
    if wanted "$(basename "$script" .sh)"; then versioned+=("$script"); fi
done
if [ ${#versioned[@]} -gt 0 ] && [ -z "${WALFERRY_TEST_PG:-}$unit_only" ]; then
    while read -r folder; do
        case $folder in
        /*) for script in "${versioned[@]}"; do jobs+=("$script"$'\t'"$folder"); done ;;
        *) echo "$folder" ;;
        esac
    done < <(other_servers)
fi
for job in "${jobs[@]}"; do
    IFS=$'\t' read -r script folder <<<"$job"
    name=$(basename "$script" .sh)${folder:+-$(echo "$folder" | tr / _)}
    while [ "$(jobs -rp | wc -l)" -ge "$side_by_side" ]; do wait -n || true; done
    {
        timed "$name" run_script "$script" ${folder:+"$folder"} >"$work/$name.said" 2>&1
        # Opened only now: what the script left behind must not hold on to the lock.
        (flock 9 && cat "$work/$name.said") 9>"$work/saying"
    } &
done
wait

count() { grep -c "^$1 " "$WALFERRY_RESULTS" || true; }
passed=$((passed + $(count ok))) failed=$((failed + $(count FAIL))) skipped=$((skipped + $(count skip)))
if [ $((passed + failed)) = 0 ]; then
    echo "no test has \"$word\" in its name" >&2
    failed=1
fi
sed -n 's/^skip /skipped: /p' "$WALFERRY_RESULTS"
tell_times
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
