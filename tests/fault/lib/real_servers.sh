# What Ceph and Swift do on request, beside a directory store. Sourced by stores.sh.

# real_case SERVER NAME BUCKET: store "bad" is a bucket of that server.
real_case() {
    case=$work/case/$1-$2
    begin_case "$case"
    add_good_directory "$case"
    (
        . "$work/$1/env"
        printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$S3_ACCESS_KEY" "$S3_SECRET_KEY" \
            >"$case/right"
        add_faulty_store "$case" bad "$S3_ENDPOINT" "region = \"$S3_REGION\""
    )
    sed -i "s/^bucket = .*/bucket = \"$3\"/; s/^silence_timeout = .*/silence_timeout = \"2s\"/" "$case/walferry.toml"
    use_keys right
}

use_keys() { # FILE
    cp "$case/$1" "$case/credentials.new"
    for_uploader "$case/credentials.new"
    mv "$case/credentials.new" "$case/credentials"
}

# fails_with SAYS HINT: one run under the fault.
fails_with() {
    timed_drain fault
    expect_equal 4 "$status" exit
    good_store_is_done
    expect_said "$1" "$2"
    no grep -F "$(sed -n 's/^aws_secret_access_key = //p' "$case/right")" "$case/fault"
}

is_well() {
    timed_drain after
    expect_equal 0 "$status" "exit once the fault is over"
    everything_is_verified
}

wrong_keys() { # SERVER
    real_case "$1" keys wal
    sed 's/^\(aws_access_key_id = \).*/\1no-such-key/' "$case/right" >"$case/wrong"
    use_keys wrong
    fails_with 'put *: answered 403 *' "*$case/credentials*"
    use_keys right
    is_well
}

wrong_secret() { # SERVER
    real_case "$1" secret wal
    sed 's/^\(aws_secret_access_key = \).*/\1W0NDERFULSECRET/' "$case/right" >"$case/wrong"
    use_keys wrong
    fails_with 'put *: answered 403 SignatureDoesNotMatch*' "the secret key in $case/credentials does not belong*"
    no_secret_in "$case"
    use_keys right
    is_well
}

# The file is replaced while a run waits for the first answer; the run reads it again when it is denied.
rotated_keys() { # SERVER
    real_case "$1" rotated wal
    sed 's/^\(aws_access_key_id = \).*/\1revoked/' "$case/right" >"$case/wrong"
    use_keys wrong
    control_s3 "$1" pause
    drain >"$case/fault" 2>&1 &
    local pid=$!
    wait_for 20 grep -qs . "$case/spool/ledger/ledger.db-wal"
    sleep 0.5
    use_keys right
    control_s3 "$1" resume
    status=0
    wait $pid || status=$?
    sed 's/^/     said: /' "$case/fault"
    expect_equal 0 "$status" "exit of the run during which the keys were rotated"
    everything_is_verified
}

missing_bucket() { # SERVER
    real_case "$1" bucket not-there
    fails_with 'put *: answered 404 NoSuchBucket*' 'create bucket not-there at *'
    (
        . "$work/$1/env"
        . "$tests/s3/lib.sh"
        make_buckets "$S3_ENDPOINT" "$S3_REGION" not-there
    )
    is_well
}

# This host's clock is two hours late; timers go on as usual.
wrong_clock() { # SERVER
    real_case "$1" clock wal
    as uploader env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -f -2h \
        walferry --config "$case/walferry.toml" drain --jobs 2 >"$case/fault" 2>&1 && status=0 || status=$?
    sed 's/^/     said: /' "$case/fault"
    expect_equal 4 "$status" exit
    expect_equal "$segments" "$(verified_in good)" "verified in the good store"
    expect_said "put *: answered 403 *; this host's clock says *, the store's says *, * apart" "set this host's clock*"
    is_well
}

paused_server() { # SERVER
    real_case "$1" paused wal
    control_s3 "$1" pause
    fails_with 'put *: no answer for 2 s' 'the store hangs*'
    control_s3 "$1" resume
    is_well
}

crashed_server() { # SERVER
    real_case "$1" crashed wal
    printf 'bandwidth_limit = "256KiB"\n' >>"$case/walferry.toml"
    drain >"$case/fault" 2>&1 &
    local pid=$!
    wait_for 20 good_has_all
    control_s3 "$1" crash
    status=0
    wait $pid || status=$?
    sed 's/^/     said: /' "$case/fault"
    control_s3 "$1" up
    expect_equal 4 "$status" "exit of the run in which the server crashed"
    expect_said '*' 'c*'
    is_well
}

quota_reached() { # SERVER
    real_case "$1" quota full
    local user=(--uid=tester --bucket=full)
    CEPH_CONF=$work/ceph/ceph.conf radosgw-admin quota set --quota-scope=bucket "${user[@]}" --max-objects=3
    CEPH_CONF=$work/ceph/ceph.conf radosgw-admin quota enable --quota-scope=bucket "${user[@]}"
    fails_with 'put *: answered 403 QuotaExceeded*' 'free space at the store or raise its quota*'
    CEPH_CONF=$work/ceph/ceph.conf radosgw-admin quota disable --quota-scope=bucket "${user[@]}"
    is_well
}

# real_server SERVER: its faults, one after the other.
real_server() {
    start_s3 "$1" 'wal full'
    check "$1: keys that it does not know are denied, until they are right" wrong_keys "$1"
    check "$1: a secret that is wrong is said to be, and not said" wrong_secret "$1"
    check "$1: keys that are rotated during a run are taken up by it" rotated_keys "$1"
    check "$1: a bucket that is missing is named, and used once it is there" missing_bucket "$1"
    if command -v faketime >/dev/null; then
        check "$1: a clock that is two hours late is named, with both times" wrong_clock "$1"
    else
        skip "$1: a clock that is two hours late" "there is no faketime"
    fi
    check "$1: a server that hangs is given up on, and caught up with later" paused_server "$1"
    check "$1: a server that crashes in the middle is caught up with later" crashed_server "$1"
    if [ "$1" = ceph ] && [ -n "${WALFERRY_TESTS_LONG:-}" ]; then
        check "ceph: a quota that is reached is named, and the rest follows once it is raised" quota_reached ceph
    fi
}

for server in ceph swift; do
    # What a background shell of this script means to do later is forgotten with it.
    later "bash '$tests/s3/$server/stop.sh' '$work/$server' --wipe"
    in_background "$work/$server.report" real_server $server
done
