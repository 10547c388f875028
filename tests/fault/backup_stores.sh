#!/usr/bin/env bash
# A base backup to a good store beside one that misbehaves: the good one has the backup, the other one has it only where
# all of it came back as it was sent, and the run says so and ends.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/fault/lib/faulty_stores.sh"

start_fault_server
mkdir -p "$work/template"
begin_configuration "$work/template/walferry.toml" "$work/template/spool"
add_directory_store "$work/template/walferry.toml" unused
walferry --config "$work/template/walferry.toml" init --owner postgres --group "$spool_gid" >/dev/null
rm -f "$work"/template/spool/ledger/*
pg_create "$work/pg" 1
chmod 711 "$work/pg" # the way to its socket
pg_start "$work/pg"

state_in() { ledger "select state from backup_upload u join store t on t.id = u.store where t.name = '$1' order by backup desc limit 1"; }

# try_fault EXIT STATE PLAN SAYS: WAL goes nowhere here, so 4 is the best that there is.
try_fault() {
    make_case "$case" "$3"
    printf '\n[server]\nconninfo = "host=%s user=postgres"\n' "$work/pg" >>"$case/walferry.toml"
    walferry --config "$case/walferry.toml" init --owner postgres --group "$spool_gid" >/dev/null
    set_plan "$store" "$3" >/dev/null
    local status=0 began=$SECONDS
    as uploader walferry --config "$case/walferry.toml" backup --checkpoint fast --no-drain >"$case/said" 2>&1 || status=$?
    cat "$case/said"
    expect_equal "$1" $status exit
    expect_equal verified "$(state_in good)" "in the good store"
    expect_equal "$2" "$(state_in bad)" "in the other store"
    grep -q "$4" "$case/said"
    expect_at_most 100 $((SECONDS - began)) seconds
    no_secret "$case/said"
}
no_secret() { no grep -q "$secret" "$1"; }

number=0
while IFS='|' read -r does exit state plan says; do
    number=$((number + 1))
    case=$work/case/$number
    mkdir -p "$case"
    check "a backup beside a store that $(trim "$does")" \
        try_fault "$(trim "$exit")" "$(trim "$state")" "$(trim "$plan")" "$(trim "$says")"
done <<'FAULTS'
returns every object with a wrong bit | 3 | pending | get flip | store bad is given up for this backup: .*came back with other bytes than were sent
returns one object with a wrong bit, once | 4 | verified | get@1 flip | cannot be restored from it alone yet
keeps other bytes than it was given | 3 | pending | put damage | store bad is given up for this backup
claims to have stored what it dropped | 3 | pending | put lie | store bad is given up for this backup
answers 503 now and then | 4 | verified | seed 5; any%8 status 503 SlowDown | cannot be restored from it alone yet
accepts connections and never answers | 4 | pending | any hang | store bad is given up for this backup
denies access | 4 | pending | any status 403 AccessDenied | store bad is given up for this backup
takes every object but the index and the label | 4 | pending | put@4- status 403 AccessDenied | store bad is given up for this backup
takes every object but the label | 4 | pending | put@5- status 403 AccessDenied | store bad is given up for this backup
is full | 4 | pending | put status 507 | store bad is given up for this backup
FAULTS
