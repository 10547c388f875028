#!/usr/bin/env bash
# push, drain, import and rebuild killed at system calls, then run again. What is killed, and what is checked, says
# tests/fault/crash/table.md.
. "$(dirname "$0")/../lib/integration.sh" "$1"

harness=$programs/crash-harness
if [ ! -x "$harness" ]; then
    skip "kill -9 at any system call" "programs with sanitizers cannot be traced"
    exit 0
fi
# Only processes die here, so memory is as good as a disk.
if [ -d /dev/shm ]; then export WALFERRY_TEST_DIR=/dev/shm; fi

# everywhere STEP ARGUMENTS...: at each STEP-th position, at all of them with --long.
everywhere() {
    [ -z "${WALFERRY_TESTS_LONG:-}" ] || set -- 1 "${@:2}"
    "$harness" "$work/bin" --every "$1" "${@:2}" >"$work/rows" 2>&1 && return 0
    grep -F WRONG "$work/rows" || cat "$work/rows"
    return 1
}

for case in \
    "push-first|a push of a cluster's first segment that is killed anywhere leaves nothing half done, and is repeated|5" \
    "push-later|a push of a later segment that is killed anywhere is repeated|6" \
    "push-again|a push of a segment that is spooled already can be killed anywhere|12" \
    "push-verified|a push of a segment that every store has can be killed anywhere|12" \
    "push-named|a push that needs a temporary name can be killed anywhere, and its left-over is removed|6" \
    "drain|a drain that is killed anywhere deletes nothing early, and the next one sends nothing twice|23" \
    "import|an import that is killed anywhere has removed no file that is not safe, and is repeated|15" \
    "rebuild|a rebuild that is killed anywhere loses neither ledger, and is repeated|29"; do
    IFS='|' read -r scenario sentence step <<<"$case"
    check "$sentence" everywhere "$step" --scenario "$scenario"
done

# Where threads take no turns there is no such thing as all positions.
two_workers() { WALFERRY_TESTS_LONG='' everywhere "$1" --scenario drain --jobs 2; }
check "a drain with two workers that is killed anywhere is finished by the next one" \
    two_workers "$([ -n "${WALFERRY_TESTS_LONG:-}" ] && echo 7 || echo 97)"

sentence="a drain to an S3 server that is killed anywhere is finished by the next one"
if [ -z "${WALFERRY_TESTS_LONG:-}" ]; then
    skip "$sentence" "only with --long"
    exit 0
fi
start_s3 ceph crash
to_s3() {
    . "$work/ceph/env"
    export S3_ENDPOINT S3_REGION S3_ACCESS_KEY S3_SECRET_KEY
    everywhere 1 --scenario drain-s3 --s3 crash --every-s3 11
}
check "$sentence" to_s3
