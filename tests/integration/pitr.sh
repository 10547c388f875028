#!/usr/bin/env bash
# The whole matrix: a server under load recovered to a time, an LSN, a restore point, a transaction, to the end and at once,
# each from one store alone: Ceph, Swift and a directory. tests/integration/restore.sh has a sample of it.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/restoring.sh"
if [ -z "$WALFERRY_TESTS_LONG" ]; then
    skip "point-in-time recovery to each target from each store" "it is part of ./dev test --long"
    exit 0
fi

begin_restoring
add_directory_store "$configuration" nas
sed -n '/^name = "nas"/,$p' "$configuration" | { echo '[[store]]' && cat; } >>"$restoring"
begin_server
step 1
base_backup >/dev/null
step 2
pg_sql "$work/pg" "select pg_create_restore_point('the third')" >/dev/null
step 3
step_3_time=$time step_3_lsn=$lsn
sleep 0.2
step 4
step_4_xid=$xid
pg_sql "$work/pg" 'drop table precious'
step 5
drain_all
chmod -R a+rX "$work/stores"

# recovered STORE NAME LAST_STEP ROWS ARGUMENT...: ROWS of the table that is dropped after step 4; none: it is gone.
recovered() {
    local store=$1 name=$2 last=$3 rows=$4
    shift 4
    restore "$name" --only "$store" --no-archiving "$@"
    expect_in "--only $store " jq -r .restore_command "$work/$name.json"
    expect_equal '[]' "$(jq -c '.without + .damaged' "$work/$name.json")" "trouble"
    start_restored "$name"
    wait_for 120 is_open "$name"
    expect_equal "$last" "$(last_step "$name")" "last step"
    expect_equal "$last" "$(pg_sql "$work/$name" 'select count(*) from steps')" "steps"
    if [ -n "$rows" ]; then
        expect_equal "$rows" "$(pg_sql "$work/$name" 'select count(*) from precious')" "rows"
    else
        expect_equal '' "$(pg_sql "$work/$name" "select to_regclass('precious')")" "the dropped table"
    fi
    is_sound "$name"
    rm -r "${work:?}/$name"
}
for store in ceph swift nas; do
    check "$store alone: at once" recovered $store "$store-immediate" 1 1000 --immediate --target-action promote
    check "$store alone: to a restore point" recovered $store "$store-name" 2 1000 --target-name 'the third' --target-action promote
    check "$store alone: to a time" recovered $store "$store-time" 3 1000 --target-time "$step_3_time" --target-action promote
    check "$store alone: to an LSN" recovered $store "$store-lsn" 3 1000 --target-lsn "$step_3_lsn" --target-action promote
    check "$store alone: to a transaction" recovered $store "$store-xid" 4 1000 --target-xid "$step_4_xid" --target-action promote
    check "$store alone: to the end" recovered $store "$store-latest" 5 '' --latest
done
