#!/usr/bin/env bash
# Whoever knows a recipient, which is public, and can write to a store can put WAL there that decrypts. Where writers
# sign and the restoring side names them, it is refused, and the true segment from another store is used.
. "$(dirname "$0")/../lib/integration.sh" "$1"
sysid=7301234567890123456
data=$work/data
make_segments() { python3 "$tests/lib/make_segments.py" "$data" $sysid "$@"; }

# host NAME STORE...: a configuration and spool of its own, with a writer key; its public half is in $work/etc/NAME.pub.
host() {
    local name=$1 store
    begin_configuration "$work/etc/$name.toml" "$work/spool-$name"
    printf '\n[signing]\nkey_file = "%s.key"\n' "$name" >>"$work/etc/$name.toml"
    for store in "${@:2}"; do add_directory_store "$work/etc/$name.toml" "$store"; done
    walferry --config "$work/etc/$name.toml" init --owner postgres --group "$spool_gid" |
        sed -n 's/.*hosts that restore: \(.*\))$/\1/p' >"$work/etc/$name.pub"
    for_uploader "$work/etc/$name.key"
}
archive() { # HOST SEGMENT
    as postgres walferry-archive-push --spool "$work/spool-$1" --system-identifier $sysid "$data/pg_wal/$2"
    as uploader walferry --config "$work/etc/$1.toml" drain >/dev/null 2>&1 || [ $? = 3 ]
}
# get TRUSTED NAME: as user postgres, into $work/pgdata/pg_wal; what it says is in $work/said.
get() {
    { sed '/^\[signing\]/,/^key_file/d; /^\[\[store\]\]/,$d; s,^recipients,identity_file = "identity.txt"\n&,; s,^spool = .*,spool = "/nonexistent",' \
        "$work/etc/honest.toml" && echo "[signing]" && echo "trusted_writers = [\"$(cat "$work/etc/$1.pub")\"]" &&
        sed -n '/^\[\[store\]\]/,$p' "$work/etc/honest.toml"; } >"$work/restoring/walferry.toml"
    chmod 644 "$work/restoring/walferry.toml"
    (cd "$work/pgdata" && as postgres walferry-archive-get --no-prefetch --no-spool --config "$work/restoring/walferry.toml" "$2" \
        pg_wal/RECOVERYXLOG >"$work/said" 2>&1)
}

host honest one two
host forger one
mapfile -t names < <(make_segments 1 2 1)
install -d -o postgres -g postgres -m 700 "$work/pgdata" "$work/pgdata/global" "$work/pgdata/pg_wal" "$work/restoring"
install -o postgres -g postgres -m 600 "$data/global/pg_control" "$work/pgdata/global/pg_control"
install -o postgres -g postgres -m 600 "$work/etc/identity.txt" "$work/restoring/identity.txt"
archive honest "${names[0]}"
cp "$data/pg_wal/${names[0]}" "$work/true"
chmod -R a+rX "$work/stores"

true_one_comes() {
    get honest "${names[0]}"
    cmp "$work/true" "$work/pgdata/pg_wal/RECOVERYXLOG"
    rm "$work/pgdata/pg_wal/RECOVERYXLOG"
}
check "a segment signed by a trusted writer comes back" true_one_comes

stranger() {
    expect_exit 255 get forger "${names[0]}"
    expect_in "who is not trusted" cat "$work/said"
    expect_equal '' "$(find "$work/pgdata/pg_wal" -type f)" "restored"
}
check "one that was signed by somebody else does not, although it decrypts" stranger

# The honest object is gone from one store, and a forgery with the same content under another signature stands there.
forged_copy() {
    find "$work/stores/one" -name "${names[0]}-*" -delete
    archive forger "${names[0]}"
    expect_equal 1 "$(find "$work/stores/one" -name "${names[0]}-*" | wc -l)" "objects in store one"
    chmod -R a+rX "$work/stores"
    true_one_comes
    expect_in "store one" cat "$work/said"
    expect_in "who is not trusted" cat "$work/said"
}
check "a forgery in one store is said, and the other store's object is used" forged_copy

# The forger's own content under that name: a person must choose, unless only one of the writers is trusted.
forged_content() {
    make_segments 1 1 1 77 >/dev/null
    find "$work/stores" -name "${names[0]}-*" -path '*one*' -delete
    rm -rf "$work/spool-forger"
    walferry --config "$work/etc/forger.toml" init --owner postgres --group "$spool_gid" >/dev/null
    archive forger "${names[0]}"
    chmod -R a+rX "$work/stores"
    true_one_comes
    expect_in "signed by no trusted writer and is left alone" cat "$work/said"
    cat "$work/etc/honest.pub" >"$work/etc/both.pub"
    printf '", "%s' "$(cat "$work/etc/forger.pub")" >>"$work/etc/both.pub"
    tr -d '\n' <"$work/etc/both.pub" >"$work/etc/all.pub"
    expect_exit 255 get all "${names[0]}"
    expect_in "different contents" cat "$work/said"
}
check "a forged content beside the true one changes nothing, unless its writer is trusted, too" forged_content

only_forged() {
    make_segments 2 1 1 78 >/dev/null
    archive forger "${names[1]}"
    chmod -R a+rX "$work/stores"
    expect_exit 255 get honest "${names[1]}"
    expect_in "who is not trusted" cat "$work/said"
    expect_equal '' "$(find "$work/pgdata/pg_wal" -type f)" "restored"
}
check "a forged segment that nobody else has is never replayed" only_forged
