# What the tests of local trouble share: a spool and two directory stores, segments to push, and what must hold when
# the trouble is over. Sourced after integration.sh.

configuration=$work/etc/walferry.toml
export WALFERRY_CONFIG=$configuration
sysid=7301234567890123456
data=$work/data

# begin_trouble SPOOL: made as on a real host, by root for postgres and the uploader.
begin_trouble() {
    spool=$1
    begin_configuration "$configuration" "$spool"
    add_directory_store "$configuration" one
    add_directory_store "$configuration" two
    walferry init --owner postgres --group "$spool_gid" >/dev/null
    ready=$spool/ready/$sysid
}

# make_segments FIRST COUNT [MIB [SEED]]: in the data directory, readable by everybody; prints their names.
make_segments() { python3 "$tests/lib/make_segments.py" "$data" $sysid "$@"; }

# fresh_segments COUNT: sets $names to segments that no check has used yet.
fresh_segments() {
    local first
    first=$(cat "$work/next" 2>/dev/null || echo 1)
    echo $((first + $1)) >"$work/next"
    mapfile -t names < <(make_segments "$first" "$1")
}

push() { as postgres timeout -k 5 60 walferry-archive-push --spool "$spool" "$data/pg_wal/$1"; }
drain() { as uploader timeout -k 5 120 walferry drain "$@"; }

push_all() { # NAME...
    local name
    for name in "$@"; do push "$name"; done
}

# nothing_lost NAME...: each is whole in the spool or, for whoever has a key, in both stores.
nothing_lost() {
    local name object store
    for name in "$@"; do
        if [ -e "$ready/$name" ]; then
            cmp "$ready/$name" "$data/pg_wal/$name"
            continue
        fi
        for store in one two; do
            object=$(find "$work/stores/$store" -name "$name-*.zst.age" | head -n 1)
            [ -n "$object" ] || { echo "$name left the spool and is not in store $store" && return 1; }
            age -d -i "$work/etc/identity.txt" "$object" | zstd -dcq | cmp - "$data/pg_wal/$name"
        done
    done
}

# converges NAME...: the next drain brings everything home.
converges() {
    drain
    expect_equal 0 "$(waiting "$spool")" "waiting segments"
    nothing_lost "$@"
}
