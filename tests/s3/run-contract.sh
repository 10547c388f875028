#!/usr/bin/env bash
# run-contract.sh [TEST_BINARY [CATCH_ARGUMENT…]]: starts Ceph and Swift, with and without TLS, runs the store contract
# against them and the directory store, and ends them again, however the run goes.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
binary=${1:-$here/../../build/dev/bin/walferry-tests}
[ $# -gt 0 ] && shift
[ -x "$binary" ] || fail "there is no $binary; build the target walferry-tests, or name it"

work=$(mktemp -d "${TMPDIR:-/tmp}/walferry-s3.XXXXXX")
clean_up() {
    local kind
    for kind in ceph swift; do
        [ ! -e "$work/$kind/.walferry-s3" ] || "$here/$kind/stop.sh" "$work/$kind" || true
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$here/make-ca.sh" "$work/ca"
export S3_TLS_CERT=$work/ca/server.pem S3_TLS_KEY=$work/ca/server.key S3_BUCKETS=contract S3_OWNER=$$
"$here/ceph/start.sh" "$work/ceph" >"$work/ceph.out" &
ceph=$!
"$here/swift/start.sh" "$work/swift" >"$work/swift.out" &
swift=$!
wait "$ceph" || fail "Ceph did not start"
wait "$swift" || fail "Swift did not start"

# describe KIND: its three ways in, in the form that tests/contract/store_under_test.hpp reads.
describe() {
    local control="$here/$1/ctl.sh $work/$1"
    # shellcheck disable=SC1090
    . "$work/$1/env"
    echo -n "$1|$S3_ENDPOINT|$S3_REGION|contract|$S3_CREDENTIALS||path|$control;"
    echo -n "$1-by-host|http://localhost:$S3_PORT|$S3_REGION|contract|$S3_CREDENTIALS||virtual|$control;"
    echo -n "$1-tls|$S3_TLS_ENDPOINT|$S3_REGION|contract|$S3_CREDENTIALS|$work/ca/ca.pem|path|$control;"
}
WALFERRY_TEST_S3="$(describe ceph)$(describe swift)"
export WALFERRY_TEST_S3
[ $# -gt 0 ] || set -- '[contract]'
"$binary" "$@"
