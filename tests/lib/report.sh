# How tests say what came out: one line each, and one line each in the file that $WALFERRY_RESULTS names, from
# which tests/run.sh counts. Sourced.

: "${WALFERRY_RESULTS:=/dev/null}"

# A sentence goes on one line, whatever is in it.
result() { # ok|FAIL|skip SENTENCE
    local on=${WALFERRY_TEST_ON:+ ($WALFERRY_TEST_ON)} # another server than usual
    printf '%-4s %s%s\n' "$1" "$2" "$on"
    printf '%s %s%s\n' "$1" "$2" "$on" >>"$WALFERRY_RESULTS"
}

# check SENTENCE COMMAND...: one test. What the command prints is shown only when it fails. The command runs in a
# subshell where any failing line ends it, so functions can be written as plain lists of what must hold.
check() {
    local sentence=$1 output status
    shift
    output=$(mktemp "${work:-/tmp}/check.XXXXXX")
    set +e
    (
        set -e
        "$@"
    ) >"$output" 2>&1
    status=$?
    set -e
    if [ $status = 0 ]; then
        result ok "$sentence"
    else
        result FAIL "$sentence"
        sed 's/^/     | /' "$output"
    fi
    rm -f "$output"
}

skip() { result skip "$1: $2"; } # SENTENCE REASON

# expect_exit CODE COMMAND...
expect_exit() {
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    [ $status = "$wanted" ] && return 0
    echo "exit $status instead of $wanted: $*"
    return 1
}

# no COMMAND...: the answer must be no, which is exit 1 for grep, test, cmp, flock, pgrep and the tests' own questions.
# More than that is no answer: grep ends with 2 where the file is missing. (A plain "! command" would not end a check.)
no() {
    local status=0
    "$@" || status=$?
    [ $status = 1 ] && return 0
    echo "exit $status instead of 1: $*"
    return 1
}

# refused CODE TEXT COMMAND...: the command must end with CODE, and what it says, on either stream, must hold TEXT.
refused() {
    local code=$1 text=$2 output status=0
    shift 2
    output=$("$@" 2>&1) || status=$?
    if [ $status = "$code" ]; then
        case $output in *"$text"*) return 0 ;; esac
    fi
    printf 'exit %s, wanted %s and "%s": %s\n%s\n' "$status" "$code" "$text" "$*" "$output"
    return 1
}

# expect_in TEXT COMMAND...: the command's output, both streams, must hold TEXT.
expect_in() {
    local text=$1 output
    shift
    output=$("$@" 2>&1) || true
    case $output in
    *"$text"*) return 0 ;;
    esac
    printf 'no "%s" in what this printed: %s\n%s\n' "$text" "$*" "$output"
    return 1
}

expect_equal() { # WANTED GOT WHAT
    [ "$1" = "$2" ] && return 0
    printf '%s: wanted "%s", got "%s"\n' "${3:-}" "$1" "$2"
    return 1
}

expect_at_least() { # WANTED GOT WHAT
    [ "$2" -ge "$1" ] && return 0
    printf '%s: wanted at least %s, got "%s"\n' "${3:-}" "$1" "$2"
    return 1
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $deadline ]; then
            echo "still not so: $*"
            return 1
        fi
        sleep 0.1
    done
}
