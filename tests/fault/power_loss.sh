#!/usr/bin/env bash
# Power cuts: the spool is on a disk of its own, an ext4 image, and what a program has not synced is in memory only. At
# system calls of push, drain, import and rebuild the image is copied, mounted elsewhere, looked at and worked with.
. "$(dirname "$0")/../lib/integration.sh" "$1"

power_cut=$programs/power-cut
if [ ! -x "$power_cut" ]; then
    skip "power cuts" "programs with sanitizers cannot be traced"
    exit 0
fi
can_mount() {
    truncate -s 8M "$work/probe.img" && mkfs.ext4 -q -F "$work/probe.img" && mkdir "$work/probe" &&
        mount -o loop "$work/probe.img" "$work/probe" && umount "$work/probe"
}
if ! can_mount >"$work/why" 2>&1; then
    skip "power cuts" "cannot mount an ext4 image here: $(tail -n 1 "$work/why")"
    exit 0
fi
# The image counts, not what is beneath it.
if [ -d /dev/shm ]; then export WALFERRY_TEST_DIR=/dev/shm; fi

# cut STEP ARGUMENTS...: at each STEP-th position, at all of them with --long.
cut_power() {
    [ -z "${WALFERRY_TESTS_LONG:-}" ] || set -- 1 "${@:2}"
    "$power_cut" "$work/bin" --every "$1" "${@:2}" >"$work/cuts" 2>&1 && return 0
    grep -F -B 1 WRONG "$work/cuts" || cat "$work/cuts"
    return 1
}

pushes=(--scenario push-first --scenario push-later --scenario push-again --scenario push-named)
check "what push has answered for survives a power cut, and a segment is in the spool whole or not at all" \
    cut_power 31 "${pushes[@]}"
check "the same where names reach the disk before the data they stand for" \
    cut_power 31 "${pushes[@]}" --hostile
check "no file's deletion by drain outlives a power cut that its record does not survive" \
    cut_power 37 --scenario drain
check "the same where a deletion reaches the disk at once" \
    cut_power 29 --scenario drain --hostile
check "what is verified in a directory on the same disk survives a power cut too" \
    cut_power 31 --scenario drain --hostile --stores-inside
check "a file that import has removed is in the spool after a power cut" \
    cut_power 37 --scenario import --hostile
check "a power cut during rebuild loses neither the spool nor the damaged ledger" \
    cut_power 61 --scenario rebuild --hostile

# The same with syncing made to do nothing: if nothing were lost then, these tests could not tell.
lost() { # SENTENCE ARGUMENTS...
    expect_exit 1 "$power_cut" "$work/bin" --every 1000 --without-sync "${@:2}" >"$work/cuts" 2>&1 &&
        grep -qF "$1" "$work/cuts" && return 0
    cat "$work/cuts"
    return 1
}
check "a push that does not sync loses what it answers for" lost "was archived and is lost" --scenario push-first
check "a push that does not sync leaves a name without its data" \
    lost "is in the spool, but not whole" --scenario push-first --hostile
check "a drain that does not sync deletes what it has no record of" \
    lost "was archived and is lost" --scenario drain --hostile
