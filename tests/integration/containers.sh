#!/usr/bin/env bash
# packaging/container without an engine: every command line in compose.yaml and Containerfile is run as the users that stand
# there, on roots that hold what their images hold, with one spool between them. A real server as uid 70, under umask 077,
# archives by the static push; the uploader as uid 1000 brings everything to two S3 stores.
. "$(dirname "$0")/../lib/integration.sh" "$1"
kit=$tests/../packaging/container
compose=$work/compose/compose.yaml
container() { /usr/bin/python3 "$tests/lib/container.py" "$@"; }
if ! /usr/bin/python3 -c 'import yaml' 2>/dev/null; then
    skip "the container set-up" "it needs python3-yaml"
    exit 0
fi
if ! unshare --mount true 2>/dev/null; then
    skip "the container set-up" "it needs mount namespaces"
    exit 0
fi

start_s3 ceph wal
start_s3 swift wal-b2
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

# The folder as an administrator leaves it: keys, secrets, and a configuration that is filled in.
cp -r "$kit" "$work/compose"
mkdir "$work/compose/secrets" "$work/compose/volumes" "$work"/compose/volumes/{spool,data}
walferry keygen -o "$work/identity.txt" 2>/dev/null
filled_in() {
    local store
    sed -i "s,\"age1...\",\"$(sed -n 's/^# public key: //p' "$work/identity.txt")\"," "$work/compose/walferry.toml"
    sed -i "s,host=postgres,host=127.0.0.1 port=$port," "$work/compose/walferry.toml"
    for store in "ceph r2 https://ACCOUNT.r2.cloudflarestorage.com auto" "swift b2 https://s3.us-west-004.backblazeb2.com us-west-004"; do
        set -- $store
        (
            . "$work/$1/env"
            sed -i "s,\"$3\",\"$S3_ENDPOINT\",; s,\"$4\",\"$S3_REGION\"," "$work/compose/walferry.toml"
            printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$S3_ACCESS_KEY" "$S3_SECRET_KEY" \
                >"$work/compose/secrets/$2.credentials"
        )
    done
    printf 'only-here' >"$work/compose/secrets/walferry_password"
    printf 'only-here-too' >"$work/compose/secrets/postgres_password"
    printf '127.0.0.1:%s:*:walferry:only-here\n' "$port" >"$work/compose/secrets/pgpass"
    chmod 400 "$work"/compose/secrets/*
    chown 70:70 "$work"/compose/secrets/*_password
    chown 1000:1000 "$work"/compose/secrets/{pgpass,*.credentials}
}
filled_in

# What the uploader's image holds: the program, what it links, the authorities' certificates, /proc and /dev.
uploader_root=$work/uploader-image
mkdir -p "$uploader_root"/{proc,dev,usr/bin}
while read -r library; do install -D "$library" "$uploader_root$library"; done < <(ldd "$work/bin/walferry" | grep -o '/[^ ]*')
cp "$work/bin/walferry" "$uploader_root/usr/bin/"
cp -L --parents /etc/ssl/certs/ca-certificates.crt "$uploader_root"
# What the server's image holds: PostgreSQL and a shell, here this host's, its user, and the push where the Containerfile
# puts it.
postgres_root=$work/postgres-image
mkdir -p "$postgres_root"/{proc,dev,etc,usr}
for link in bin lib lib64; do ln -s "usr/$link" "$postgres_root/$link"; done
echo 'postgres:x:70:70::/:/bin/sh' >"$postgres_root/etc/passwd"
read -r _ push_source push_place < <(container stage "$kit/compose.yaml" postgres COPY)
# And one that holds nothing but the push: no libc, no /proc, no /dev, no passwd.
empty_root=$work/empty-image
install -D -m 755 "$work/bin/walferry-archive-push" "$empty_root$push_place"

# service NAME ROOT [COMMAND...]: by exec. /proc, /dev and /usr come from this host where ROOT has a place for them.
service() {
    local name=$1 root=$2 more=()
    shift 2
    [ $# = 0 ] || more=(--exec "$@")
    export tests compose push="$work/bin/walferry-archive-push" push_place
    exec unshare --mount --propagation private sh -euc '
        root=$1
        for folder in proc dev; do
            if [ -d "$root/$folder" ]; then mount --rbind "/$folder" "$root/$folder"; fi
        done
        if [ -L "$root/bin" ]; then
            mount --rbind /usr "$root/usr"
            mount -t tmpfs tmpfs "$root/usr/local"
            mkdir -p "$root$(dirname "$push_place")"
            cp "$push" "$root$push_place"
        fi
        exec /usr/bin/python3 "$tests/lib/container.py" run "$compose" "$@"' sh "$root" "$name" "${more[@]}"
}
in_postgres() { # COMMAND...: in the running one's place, as its user
    nsenter --target "$server" --mount --root --setuid 70 --setgid 70 env -i PATH="$postgres_bin:/usr/bin" PGPORT="$port" PGUSER=postgres \
        PGDATA=/var/lib/postgresql/data sh -c 'cd / && exec "$@"' sh "$@"
}
spool=$work/compose/volumes/spool/main
in_uploader() { (service uploader "$uploader_root" "$@"); }
modes() { stat -c '%a %u:%g' "$@" | sort -u; }

fits_together() {
    /usr/bin/python3 - "$kit/compose.yaml" <<'PYTHON'
import sys, yaml
compose = yaml.safe_load(open(sys.argv[1]))
for name, service in compose["services"].items():
    assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
    named = {v.split(":")[0] for v in service["volumes"] if not v.startswith("./")}
    assert named <= set(compose["volumes"]), name
    assert service["cap_drop"] == ["ALL"] and service["read_only"] and "privileged" not in service, name
    assert service["security_opt"] == ["no-new-privileges:true"], name
    assert service["pull_policy"] == "never", name
    assert service.get("restart") == (None if name == "spool" else "unless-stopped"), name
PYTHON
    test -x "$kit/walferry-role.sh" # or the image's start script would read it as a part of itself
    grep -q -- '--project-directory [^ ]*/packaging/container exec -T uploader walferry backup$' "$tests/../docs/containers.md"
    expect_equal /src/build/walferry-archive-push-static "$push_source" "what the server's image takes"
    expect_equal "walferry drain --follow" "$(container words "$kit/compose.yaml" uploader | xargs)" "the uploader's command"
    container words "$kit/compose.yaml" postgres | grep "^archive_command=.* --spool $(sed -n 's/^spool = "\(.*\)"/\1/p' "$kit/walferry.toml") %p"
    # Named in the image, so that it holds without compose, too.
    expect_equal 1000:1000 "$(container stage "$kit/compose.yaml" uploader USER)" "the image's user"
}
keys_stay_outside() { # of what is copied into the image that builds
    /usr/bin/python3 - "$tests/../.dockerignore" <<'PYTHON'
import re, sys
def pattern(line): # as Docker reads it, as far as it is used here
    one = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return re.compile(re.sub(r"\*\*/|\*|[^*]+", lambda m: one.get(m[0]) or re.escape(m[0]), line) + "(?:/.*)?")
ignored = [pattern(line) for line in open(sys.argv[1]).read().split("\n") if line and line[0] != "#"]
for path in "identity.txt", "packaging/container/identity.txt", "walferry-identity.txt", "r2.keys", "packaging/container/secrets/pgpass":
    assert any(each.fullmatch(path) for each in ignored), path
for path in "README.md", "common/codec/identity.cpp", "packaging/container/compose.yaml":
    assert not any(each.fullmatch(path) for each in ignored), path
PYTHON
}
check "what an administrator may have left in the clone does not come into an image" keys_stay_outside

check "the compose file is one whole: secrets, volumes, users and the path of the spool" fits_together

made() {
    (service spool "$uploader_root")
    expect_equal "2750 70:1000" "$(modes "$spool")" spool
    expect_equal "2770 70:1000" "$(modes "$spool"/{ready,ledger,tmp})" folders
    chmod 777 "$spool/ready"
    (service spool "$uploader_root") | grep 'mode of'
    expect_equal "2770 70:1000" "$(modes "$spool"/{ready,ledger,tmp})" folders
}
check "init with four capabilities and numbers for names makes the spool, and fixes it when run again" made

makes_keys() {
    in_uploader walferry keygen >"$work/another.txt" 2>/dev/null
    grep -q '^AGE-SECRET-KEY-1' "$work/another.txt"
    grep -q '^# public key: age1' "$work/another.txt"
}
check "a key pair is made where there is no walferry but in the image" makes_keys

# Another cluster's data directory and the same spool.
mkdir -p "$work/bare/volumes"
cp "$work"/compose/*.{yaml,toml,sh} "$work/bare/"
cp -a "$work/compose/secrets" "$work/bare/"
ln -s "$work/compose/volumes/spool" "$work/bare/volumes/spool"
python3 "$tests/lib/make_segments.py" "$work/bare/volumes/data" 7301234567890123456 1 3 >"$work/names"
chown -R 70:70 "$work/bare/volumes/data"
in_nothing() {
    local name words
    # A ledger that the uploader made belongs to the uploader: the group is what the push comes to it by.
    rm "$spool"/ledger/*
    in_uploader walferry drain >/dev/null
    expect_equal "660 1000:1000" "$(modes "$spool/ledger/ledger.db")" ledger
    compose=$work/bare/compose.yaml
    for name in $(cat "$work/names"); do
        mapfile -t words < <(container words "$compose" postgres | sed -n "s,^archive_command=,,; s,%p,pg_wal/$name,p" | tr ' ' '\n')
        (IMAGE_FOLDER=/var/lib/postgresql/data service postgres "$empty_root" "${words[@]}") >"$work/push.said" 2>&1 || { cat "$work/push.said" && return 1; }
        expect_equal '' "$(cat "$work/push.said")" "what the push says"
    done
    expect_equal "640 70:1000" "$(modes "$spool"/ready/7301234567890123456/*)" segments
    expect_equal 3 "$(sqlite3 "$spool/ledger/ledger.db" 'select count(*) from segment')" "rows in the ledger"
}
check "the static push archives in an empty root as uid 70 under umask 077, and the ledger knows it" in_nothing

archives() {
    export IMAGE_ENVIRONMENT="{\"PATH\": \"/usr/local/bin:$postgres_bin:/usr/bin\", \"PGDATA\": \"/var/lib/postgresql/data\"}"
    (service postgres "$postgres_root" initdb -U postgres -A trust --no-locale -E UTF8 --wal-segsize=1 --no-sync) >"$work/initdb.log" 2>&1 ||
        { cat "$work/initdb.log" && return 1; }
    printf '%s\n' "port = $port" "listen_addresses = '127.0.0.1'" 'fsync = off' 'wal_keep_size = 1GB' 'shared_buffers = 32MB' \
        >>"$work/compose/volumes/data/postgresql.conf"
    service postgres "$postgres_root" >"$work/server.log" 2>&1 &
    server=$!
    echo "$server" >"$work/server.pid"
    mapfile -t words < <(container healthcheck "$kit/compose.yaml" postgres)
    wait_for 60 in_postgres "${words[@]}"
    in_postgres psql -XAtqc 'create table t as select g, repeat(md5(g::text), 4) f from generate_series(1, 30000) g; select pg_switch_wal()' >"$work/lsn"
    last=$(in_postgres psql -XAtqc "select pg_walfile_name('$(cat "$work/lsn")'::pg_lsn - 1)")
    wait_for 60 archived "$last"
    no grep -E 'walferry|ERROR' "$work/server.log"
    expect_equal "640 70:1000" "$(modes "$spool"/ready/*/*)" segments
}
archived() { [ "$(in_postgres psql -XAtqc "select last_archived_wal >= '$1' from pg_stat_archiver")" = t ]; }
mkdir -p "$work/compose/volumes/data"
chown 70:70 "$work/compose/volumes/data"
later 'kill -INT $(cat "$work/server.pid")'
check "a server started by the compose file's words, uid 70 with the spool's group, archives" archives
server=$(cat "$work/server.pid")

uploads() {
    local before name store
    before=$(find "$spool/ready" -type f -printf '%f\n' | sort)
    service uploader "$uploader_root" >"$work/uploader.log" 2>&1 &
    echo $! >"$work/uploader.pid"
    wait_for 60 is_empty "$spool/ready"
    expect_at_least 6 "$(echo "$before" | wc -l)" "segments that waited"
    mkdir "$work/objects"
    for store in "ceph wal" "swift wal-b2"; do
        rm -rf "$work/objects"
        fetch_objects $store "$work/objects" >/dev/null
        for name in $before; do
            age -d -i "$work/identity.txt" "$(find "$work/objects" -name "$name-*.zst.age" | head -n 1)" | zstd -dcq |
                cmp - "$(find "$work/bare/volumes/data/pg_wal" "$work/compose/volumes/data/pg_wal" -name "$name" | tail -n 1)" ||
                [ "$(find "$work/objects" -name "$name-*.zst.age" | wc -l)" = 2 ]
        done
    done
    # Those that come meanwhile, too.
    in_postgres psql -XAtqc 'insert into t select g, $$x$$ from generate_series(1, 1000) g; select pg_switch_wal()' >/dev/null
    wait_for 60 sh -c "[ \$(sqlite3 'file:$spool/ledger/ledger.db?mode=ro' \"select count(*) from copies where state = 'verified'\") -ge $((2 * ($(echo "$before" | wc -l) + 1))) ]"
}
is_empty() { [ "$(find "$1" -type f | wc -l)" = 0 ]; }
later 'kill $(cat "$work/uploader.pid")'
check "the uploader as uid 1000 under umask 077 brings everything to both stores and empties the spool" uploads

healthy() {
    mapfile -t words < <(container healthcheck "$kit/compose.yaml" uploader)
    in_uploader "${words[@]}"
    control_s3 swift crash
    expect_exit 1 in_uploader "${words[@]}" >"$work/health"
    control_s3 swift up
    grep -A3 b2 "$work/health"
}
check "its health check passes, and fails with a reason where a store is down" healthy

backed_up() {
    in_postgres /docker-entrypoint-initdb.d/walferry-role.sh
    in_postgres sh /docker-entrypoint-initdb.d/walferry-role.sh # again
    expect_equal 1 "$(grep -c walferry "$work/compose/volumes/data/pg_hba.conf")" "lines in pg_hba.conf"
    sed -i "s/ samenet / 127.0.0.1\/32 /" "$work/compose/volumes/data/pg_hba.conf"
    sed -i '/^host .*trust$/d' "$work/compose/volumes/data/pg_hba.conf"
    in_postgres psql -XAtqc 'select pg_reload_conf()' >/dev/null
    in_uploader walferry check --switch --json >"$work/check.json" || true
    expect_equal '' "$(jq -r '.findings[] | select(.id | test("^(server|switch)-r")) | .id' "$work/check.json")" "rights that the role lacks"
    jq -r '.findings[] | .id + " " + .verdict' "$work/check.json" | tee "$work/verdicts" | grep -x 'switch-verified passed' || { cat "$work/verdicts" && return 1; }
    in_uploader walferry backup --checkpoint fast | grep 'can be restored from it alone' | wc -l | grep -x 2
}
check "a base backup from the uploader's container, by the role that the server's made" backed_up

ends() {
    local uploader
    uploader=$(cat "$work/uploader.pid")
    kill -TERM "$uploader"
    wait_for 60 gone "$uploader"
    tail -n 2 "$work/uploader.log"
    no grep -iE 'error|cannot|fail' "$work/uploader.log"
}
check "told to stop, it ends by itself" ends
