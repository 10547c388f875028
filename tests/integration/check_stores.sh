#!/usr/bin/env bash
# walferry check, continued: what is wrong with keys, stores and the ledger is made so for real and found by name.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/fault/lib/faulty_stores.sh"
. "$tests/lib/checking.sh"

start_s3 ceph wal-ceph
start_s3 swift wal-swift
start_fault_server
make_sound_setup
as uploader walferry drain

# --- keys

recipients_found() {
    variant "s/age1[a-z0-9]*/age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq/"
    expect_exit 1 checked_with "$other" --no-server
    finds failed recipients "is not an age X25519 recipient"
    variant "s/age1[a-z0-9]*/age1short/"
    expect_exit 2 checked_with "$other" --no-server
    finds failed recipients age1short
    variant "s/^recipients.*/none = true/"
    expect_exit 0 checked_with "$other" --no-server
    finds warning unencrypted
}
try "recipients that are none, and none at all, are found" recipients_found

identities() {
    cp "$work/identity.txt" "$work/etc/identity.txt"
    expect_exit 0 checked
    finds warning identity-here "$work/etc/identity.txt"
    mends identity-here "shred"
    rm "$work/etc/identity.txt"
    walferry keygen -o "$work/etc/identity.txt" 2>/dev/null
    expect_exit 1 checked
    finds failed identity-match "no recipient"
    chmod 600 "$work/etc/identity.txt"
    checked_as uploader "$configuration" || true
    finds skipped identity-match "may not read"
    echo "AGE-SECRET-KEY-NONSENSE" >"$work/etc/identity.txt"
    checked || true
    finds warning identity-match
    rm "$work/etc/identity.txt"
    install -d -m 700 "$work/private"
    variant "s|^recipients = .*|&\nidentity_file = \"$work/private/identity.txt\"|"
    checked_as uploader "$other" || true
    finds skipped identity-here "not to be seen"
    expect_exit 0 checked_with "$other"
    finds passed identity-here "no identity at $work/private/identity.txt nor at /root/"
}
try "an identity on a host that archives is found, and one that opens nothing" identities

writers() {
    variant "s|^\[encryption\]|[signing]\nkey_file = \"$work/etc/writer.key\"\n\n&|"
    checked_with "$other" --no-server || true
    finds failed writer-key "$work/etc/writer.key"
    walferry --config "$other" init >/dev/null
    chown "$uploader_uid:$spool_gid" "$work/etc/writer.key"
    expect_exit 0 checked_with "$other" --no-server
    finds passed writer-key
    without_uploader
    checked_among_users "$other" --no-server || true
    finds skipped writer-key "the uploader's user is not known"
    local stranger
    walferry --config "$other" config --json >/dev/null
    variant "s|^\[encryption\]|[signing]\nkey_file = \"$work/etc/other.key\"\n\n&|"
    stranger=$(walferry --config "$other" init | grep -o 'walferry-writer1[a-z0-9]*' | head -n 1)
    variant "s|^\[encryption\]|[signing]\nkey_file = \"$work/etc/writer.key\"\ntrusted_writers = [\"$stranger\"]\n\n&|"
    expect_exit 1 checked_with "$other" --no-server
    finds failed trusted-writers "does not hold this host's own public key"
}
try "a writer key that is missing, and one that restoring would refuse, are found" writers

# --- stores

refusals() {
    begin_other_stores
    faulty denied 'any status 403 AccessDenied'
    faulty strangers 'any status 403 InvalidAccessKeyId'
    faulty regions 'any region eu-north-1'
    faulty nobucket 'any status 404 NoSuchBucket'
    faulty readonly 'put status 403 AccessDenied'
    faulty keeper 'delete status 403 AccessDenied'
    faulty full 'put status 507'
    faulty flips 'get flip'
    faulty picky 'any status 400 InvalidRequest'
    faulty website 'any web-page'
    faulty skewed 'any skew'
    faulty broken 'any status 500 InternalError'
    faulty hangs 'any hang'
    faulty_tls untrusted 'tls server'
    printf '[[store]]\nname = "dead"\ntype = "s3"\nendpoint = "http://127.0.0.1:1"\nbucket = "wal"\ncredentials_file = "%s"\n' \
        "$work/keys" >>"$other"
    local began=$SECONDS
    expect_exit 3 checked_with "$other" --no-server
    expect_at_most 40 $((SECONDS - began)) seconds
    finds_in denied failed store-rights AccessDenied
    finds_in strangers failed store-key InvalidAccessKeyId
    finds_in regions failed store-region eu-north-1
    finds_in nobucket failed store-bucket NoSuchBucket
    finds_in readonly failed store-rights "put prod"
    finds_in keeper warning store-delete AccessDenied
    mends store-rights 's3:PutObject'
    finds_in full failed store-full 507
    finds_in flips integrity store-damage "came back as something else"
    finds_in picky failed store-endpoint InvalidRequest
    finds_in website failed store-trouble || finds_in website failed store-endpoint
    finds_in skewed failed store-clock RequestTimeTooSkewed
    finds_in broken failed store-trouble InternalError
    finds_in hangs failed store-unreachable "no answer" || finds_in hangs failed no-answer
    finds_in untrusted failed store-certificate certificate
    finds_in dead failed store-unreachable "Failed to connect"
}
try "each way in which a store refuses, lies or hangs has its own name, side by side within seconds" refusals

real_refusals() {
    begin_other_stores
    real unknown ceph wal-ceph 's/^aws_access_key_id.*/aws_access_key_id = nobody/'
    real secret ceph wal-ceph 's/^aws_secret.*/aws_secret_access_key = wrong/'
    real missing swift wal-missing ''
    real elsewhere swift wal-swift '' eu-nowhere-1
    real hidden ceph wal-ceph ''
    chown root:root "$work/keys-hidden"
    chmod 600 "$work/keys-hidden"
    real restored ceph wal-ceph ''
    sed 's/^aws_secret.*/aws_secret_access_key = wrong/' "$work/keys-restored" >"$work/keys-of-restore"
    chmod 640 "$work/keys-of-restore"
    echo "restore_credentials_file = \"$work/keys-of-restore\"" >>"$other"
    checked_with "$other" --no-server || true
    finds_in unknown failed store-key InvalidAccessKeyId
    finds_in secret failed store-key SignatureDoesNotMatch
    finds_in missing failed store-bucket NoSuchBucket
    finds_in elsewhere failed store-region AuthorizationHeaderMalformed
    finds_in hidden failed store-credentials "Permission denied"
    finds_in restored failed store-restore-keys SignatureDoesNotMatch
    finds_in restored passed store-rights
    finds_in restored skipped second-uploader
    chmod 600 "$work/keys-of-restore"
    chown root:root "$work/keys-of-restore"
    checked_as uploader "$other" || true
    finds_in restored skipped store-restore-keys "may not read"
    rm "$work/keys-of-restore"
    checked_with "$other" --no-server || true
    finds_in restored failed store-restore-keys "$work/keys-of-restore"
    # The uploader's own, with a mode that root would not take: it reads them itself.
    chown "$uploader_uid" "$work/keys-restored"
    chmod 600 "$work/keys-restored"
    checked_with "$other" --no-server || true
    finds_in restored passed store-credentials
    finds_in restored passed store-rights
}
try "wrong keys, a missing bucket and a wrong region are told apart at Ceph and Swift" real_refusals

versions_kept() {
    fetch_objects ceph wal-ceph --keep-versions
    begin_other_stores
    real versions ceph wal-ceph ''
    # No CA file of that name, and one that holds none.
    real unread ceph wal-ceph ''
    echo "ca_file = \"$work/etc/no-ca.pem\"" >>"$other"
    # https to a port without TLS.
    real scheme ceph wal-ceph ''
    sed -i '/^name = "scheme"/,/^bucket/s|"http://|"https://|' "$other"
    local round
    for round in 1 2; do
        checked_with "$other" --no-server || true
        finds_in versions passed store-delete
        finds_in unread failed store-certificate "cannot read the CA file"
        finds_in scheme failed store-unreachable
        mends store-unreachable 'speaks no TLS'
    done
    expect_equal "" "$(fetch_objects ceph wal-ceph --versions versions/)" "versions and delete markers that checks left"
}
try "a check leaves no version and no delete marker in a bucket that keeps versions" versions_kept

directories() {
    begin_other_stores
    printf '[[store]]\nname = "gone"\ntype = "directory"\npath = "%s"\n' "$work/not-mounted" >>"$other"
    printf '[[store]]\nname = "locked"\ntype = "directory"\npath = "%s"\n' "$work/private" >>"$other"
    printf '[[store]]\nname = "plain"\ntype = "s3"\nendpoint = "http://192.0.2.1"\nallow_http = true\nbucket = "wal"\ncredentials_file = "%s"\n' \
        "$work/keys" >>"$other"
    checked_with "$other" --no-server || true
    finds_in gone failed store-bucket "$work/not-mounted"
    finds_in locked failed store-rights "Permission denied"
    finds_in plain warning store-plain-http "plain http"
}
try "directory stores that are missing or locked, and plain http to another host, are found" directories

clocks() {
    expect_exit 1 checked_at +8m
    finds_in ceph failed store-clock "8 min"
    checked_at +2m || true
    finds_in ceph warning store-clock "2 min"
    checked_at +25m || true
    finds_in ceph failed store-clock "clock"
}
checked_at() { # FROM_NOW
    faketime -f "$1" walferry check --uploader "$uploader_uid:$spool_gid" --json --no-server >"$work/found.json"
}
if command -v faketime >/dev/null && [ -z "${WALFERRY_SANITIZED:-}" ]; then
    try "a clock that is wrong is found, also before a store refuses its signatures" clocks
else
    skip "a clock that is wrong" "faketime is not installed, or cannot be loaded before a sanitizer"
fi

second_uploader() {
    local key later_key
    key=$(fetch_objects ceph wal-ceph - | grep '/wal/' | sort | tail -n 1)
    later_key=$(dirname "$key")/0000000100000000000000EE-00112233445566778899aabbccddeeff-00000000-00112233445566778899aabbccddeeff.zst
    echo x >"$work/foreign"
    fetch_objects ceph wal-ceph --put "$later_key" "$work/foreign"
    expect_exit 1 checked --no-server
    finds_in ceph failed second-uploader "which this host has never had"
    fetch_objects ceph wal-ceph --delete "$later_key"
    later_key=$(dirname "$key")/$(basename "$key" | cut -d- -f1)-00112233445566778899aabbccddeeff-00000000-00112233445566778899aabbccddeeff.zst
    fetch_objects ceph wal-ceph --put "$later_key" "$work/foreign"
    expect_exit 3 checked --no-server
    finds_in ceph integrity second-uploader "another content"
    fetch_objects ceph wal-ceph --delete "$later_key"
    expect_exit 0 checked --no-server
    # One that lags behind.
    local earlier
    end_segments 2
    as uploader walferry drain
    earlier=$(fetch_objects ceph wal-ceph - | grep '/wal/.*/0' | sort | head -n 1)
    later_key=$(dirname "$earlier")/$(basename "$earlier" | cut -d- -f1)-00112233445566778899aabbccddeeff-00000000-00112233445566778899aabbccddeeff.zst
    fetch_objects ceph wal-ceph --put "$later_key" "$work/foreign"
    expect_exit 3 checked --no-server
    finds_in ceph integrity second-uploader "$(basename "$earlier" | cut -d- -f1) has another content"
    fetch_objects ceph wal-ceph --delete "$later_key"
    expect_exit 0 checked --no-server
}
try "a second uploader is found by what it left in a store, ahead of this host or behind" second_uploader

lost_objects() {
    local key
    expect_exit 0 checked --no-server
    finds_in ceph passed lost-objects "was seen in its listings since"
    key=$(fetch_objects ceph wal-ceph - | grep '/wal/.*/0' | sort | head -n 1)
    fetch_objects ceph wal-ceph "$work/fetched" >/dev/null
    fetch_objects ceph wal-ceph --delete "$key"
    expect_exit 3 checked --no-server
    finds_in ceph integrity lost-objects "lost 1 segment that was verified there, such as $(basename "$key" | cut -d- -f1)"
    finds_in swift passed lost-objects
    mends lost-objects "verify --heal"
    # It stays a finding until the object is back, and needs no more than that.
    expect_exit 3 checked --no-server
    fetch_objects ceph wal-ceph --put "$key" "$work/fetched/$key"
    expect_exit 0 checked --no-server
    finds_in ceph passed lost-objects
}
try "what a store has lost of that which was verified there is found, and when it is back" lost_objects

damaged_objects() {
    local key
    key=$(fetch_objects ceph wal-ceph - | grep '/wal/.*/0' | sort | head -n 1)
    echo nonsense >"$work/nonsense"
    fetch_objects ceph wal-ceph --put "$key" "$work/nonsense"
    as uploader walferry verify --only ceph --all >"$work/verified" || [ $? = 3 ]
    expect_exit 3 checked --no-server
    finds_in ceph integrity damaged-objects "1 object is damaged, such as $key"
    mends damaged-objects "verify --heal"
    as uploader walferry verify --only ceph --heal >"$work/verified"
    grep -q "healed from store swift: $key" "$work/verified"
    expect_exit 0 checked --no-server
    finds_in ceph passed damaged-objects
    # What was lost comes back in the same way.
    key=$(fetch_objects ceph wal-ceph - | grep '/wal/.*/0' | sort | sed -n 2p)
    fetch_objects ceph wal-ceph --delete "$key"
    expect_exit 3 as uploader walferry verify --only ceph
    as uploader walferry verify --only ceph --heal >"$work/verified"
    fetch_objects ceph wal-ceph - >"$work/listed"
    grep -qF "$(basename "$key" | cut -d- -f1,2)" "$work/listed"
    expect_exit 0 checked --no-server
}
try "what verify has found damaged is found, and healed from the other store" damaged_objects

# --- the ledger

ledger_contents() {
    local sysid last
    end_segments 3
    as uploader walferry drain
    sysid=$(ls "$spool/ready")
    cp -a "$spool/ledger" "$work/ledger-before"
    ledger_sql "insert into conflict (segment, ours, theirs, seen_at) select max(id), 'a', 'b', '2026-01-01T00:00:00.000Z' from segment"
    expect_exit 3 checked --no-server
    finds integrity conflicts "1 unsettled conflict"
    ledger_sql "delete from conflict"
    ledger_sql "delete from segment where id = (select min(id) + 1 from segment)" ||
        ledger_sql "pragma foreign_keys = off; delete from segment where id = (select min(id) + 1 from segment)"
    expect_exit 3 checked --no-server
    finds integrity gaps "1 segment is missing between"
    last=$(ledger_sql "select max(id) from segment where removed_at is not null")
    ledger_sql "update segment set removed_at = null where id = $last; update upload set state = 'pending' where segment = $last"
    expect_exit 3 checked --no-server
    finds integrity lost-segments "has left the spool"
    rm -r "$spool/ledger"
    cp -a "$work/ledger-before" "$spool/ledger"
    expect_exit 0 checked --no-server
}
try "conflicts, gaps and lost segments exit with 3" ledger_contents

ledger_itself() {
    ledger_sql 'pragma wal_checkpoint(truncate)' >/dev/null
    mv "$spool/ledger/ledger.db" "$work/ledger.db"
    rm -f "$spool"/ledger/ledger.db-*
    expect_exit 1 checked --no-server
    finds failed ledger
    head -c 8192 /dev/urandom >"$spool/ledger/ledger.db"
    expect_exit 1 checked --no-server
    finds failed ledger
    finds skipped second-uploader
    finds skipped lost-objects
    cp "$work/ledger.db" "$spool/ledger/ledger.db"
    walferry init >/dev/null
    ledger_sql "insert into store (name, type, endpoint, bucket, prefix, added_at) values ('old', 's3', '', '', '', '2026-01-01T00:00:00.000Z')"
    expect_exit 1 checked --no-server
    finds failed stores-changed "store old is in the ledger"
    mends stores-changed "walferry stores retire old"
    as uploader walferry stores retire old >/dev/null
    expect_exit 0 checked --no-server
}
try "a ledger that is missing or damaged is found, and a store that vanished from the configuration" ledger_itself

ledger_migrates() {
    local holder sentence
    cp -a "$spool/ledger" "$work/ledger-before"
    ledger_sql "insert into segment (id, system_identifier, name, fingerprint, kind, timeline, size, spooled_at, removed_at)
        select 3000000, system_identifier, '00000001.history', printf('%032d', 0), 'history', 1, 1, spooled_at, spooled_at from segment limit 1;
        pragma user_version = 4"
    expect_exit 0 checked --no-server
    finds warning ledger "which the next drain does"
    mends ledger "while a drain is at work"
    # As a migration holds it.
    mkfifo "$work/statements"
    as uploader sqlite3 "$spool/ledger/ledger.db" <"$work/statements" >"$work/locked" &
    holder=$!
    exec 8>"$work/statements"
    printf 'begin immediate;\nselect 1;\n' >&8
    wait_for 20 grep -q 1 "$work/locked"
    sentence="is being brought from format 4 to"
    expect_exit 0 checked --no-server
    finds warning ledger "$sentence"
    expect_in "$sentence" as uploader walferry list
    expect_in "$sentence" as uploader walferry status
    exec 8>&-
    wait "$holder"
    rm -r "$spool/ledger" "$work/statements"
    mv "$work/ledger-before" "$spool/ledger"
    expect_exit 0 checked --no-server
}
try "while a large ledger is brought to a new format, check and the other commands say that" ledger_migrates

backlog_found() {
    end_segments 1
    expect_exit 0 checked --no-server
    touch -d '-20 minutes' "$spool"/ready/*/0*
    ledger_sql "update run set finished_at = '2026-01-01T00:00:00.000Z', exit_code = 4, message = 'store swift was down' where id = (select max(id) from run)"
    expect_exit 1 checked --no-server
    finds failed backlog "the oldest for 20 min"
    finds failed drain "is the timer running?"
    ledger_sql "update run set finished_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    checked --no-server || true
    finds warning drain "store swift was down"
    ledger_sql "update run set finished_at = null, started_at = '2026-01-01T00:00:00.000Z' where id = (select max(id) from run)"
    expect_exit 1 checked --no-server
    finds failed drain "was killed; something waits"
    ledger_sql "delete from run"
    expect_exit 1 checked --no-server
    finds failed drain "no drain has ever run here"
    touch "$spool"/ready/*/0*
    expect_exit 0 checked --no-server
    finds warning drain "no drain has ever run here"
    flock --no-fork "$spool" sleep 60 &
    local holder=$!
    wait_for 10 lock_found
    kill "$holder"
    as uploader walferry drain --wait 10
    expect_exit 0 checked --no-server
}
lock_found() { checked --no-server || true && finds failed spool-lock "holds the spool's lock"; }
try "segments that wait for too long, a timer that does not run and a lock that somebody else holds are found" backlog_found

backups_found() {
    expect_exit 0 checked --no-server
    finds warning backups "knows of no base backup"
    as uploader walferry backup >/dev/null
    expect_exit 0 checked --no-server
    finds passed backups "0 s old" || finds passed backups " s old"
    ledger_sql "update backup set stopped_at = '2026-01-01T00:00:00.000Z'"
    expect_exit 0 checked --no-server
    finds warning backups "d "
}
earlier_cluster() { # created in 1970, and replaced
    ledger_sql "insert into backup (id, system_identifier, name, pid, began_at, started_at, stopped_at, timeline, start_lsn,
            stop_lsn, first_segment, last_segment, segments, size) values (99, '42', '20200101T000000Z-00000001', 1,
            '2020-01-01T00:00:00.000Z', '2020-01-01T00:00:00.000Z', '2020-01-01T00:01:00.000Z', 1, '0/1', '0/2', '0', '0', 0, 0);
        insert into backup_upload (backup, store, state, label_key, verified_at)
            select 99, id, 'verified', 'key', '2020-01-01T00:01:00.000Z' from store"
    expect_exit 1 checked
    finds failed backups "an earlier system identifier, 42"
    ledger_sql 'delete from backup_upload where backup = 99; delete from backup where id = 99'
}
try "a base backup of a cluster that was replaced counts as none" earlier_cluster
try "a base backup that is missing or old is found, and a new one passes" backups_found

retention_told() {
    expect_exit 0 checked --no-server
    finds passed retention "nothing expires"
    ledger_sql "update store set added_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-40 days');
        update upload set verified_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 days') where segment = (select max(segment) - 1 from upload where state = 'verified')"
    checked --no-server || true
    finds warning retention "it grows by "
    cp "$configuration" "$work/without"
    { printf '\n[retention]\nrecovery_window = "30d"\n'; } >>"$configuration"
    checked --no-server || true
    finds passed retention "recovery_window=30d"
    cp "$work/without" "$configuration"
}
try "a store from which nothing ever leaves is told once it has held WAL for a month" retention_told

everything() { all_provoked Keys Stores "What is on its way"; }
check "whatever check can say about keys, stores and the ledger was provoked here" everything
