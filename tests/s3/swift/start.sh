#!/usr/bin/env bash
# start.sh DIRECTORY [PORT]: one-node OpenStack Swift (account, container, object and proxy server, memcached) with
# its S3 interface on 127.0.0.1, without root. DIRECTORY must be on a filesystem with user extended attributes.
# PORT is for http; without it, or where https is wanted, free ones are found. Prints DIRECTORY/env when ready.
# From the environment, all optional:
#   S3_ACCESS_KEY S3_SECRET_KEY S3_REGION   S3_BUCKETS="alpha beta"   S3_DNS_NAME (suffix of virtual hosts)
#   S3_TLS_CERT S3_TLS_KEY (PEM files: https as well)   S3_OWNER (a pid: everything ends when it does)
#   SWIFT_WORKERS
. "$(dirname "$0")/../lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
S3_ACCESS_KEY=${S3_ACCESS_KEY:-swift-access-key}
S3_SECRET_KEY=${S3_SECRET_KEY:-swift-secret-key-0123456789abcdefghi}
S3_REGION=${S3_REGION:-us-west-002}
claim "${1:?usage: start.sh DIRECTORY [PORT]}"
wanted_port=${2:-}

# defaults PORT: what all four servers have in common.
defaults() {
    cat <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $1
user = $(id -un)
workers = ${SWIFT_WORKERS:-0}
swift_dir = $BASE/etc
devices = $BASE/srv
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
recon_cache_path = $BASE/cache
backlog = 1024
log_level = WARNING
CONF
}

write_storage_server() { # KIND PORT
    {
        defaults "$2"
        cat <<CONF
[pipeline:main]
pipeline = $1-server
[app:$1-server]
use = egg:swift#$1
mb_per_sync = 0
network_chunk_size = 1048576
disk_chunk_size = 1048576
# No background updater runs here, so an object is in its container's listing before its PUT is answered.
container_update_timeout = 10
CONF
    } >"$BASE/etc/$1-server.conf"
}

write_proxy() { # FILE PORT MEMCACHED_PORT [CERTIFICATE KEY]
    {
        defaults "$2"
        [ -z "${4:-}" ] || printf 'cert_file = %s\nkey_file = %s\n' "$4" "$5"
        cat <<CONF
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats bulk s3api plainkeys copy slo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
client_chunk_size = 1048576
object_chunk_size = 1048576
conn_timeout = 2
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$3
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
[filter:s3api]
use = egg:swift#s3api
location = $S3_REGION
storage_domain = ${S3_DNS_NAME:-localhost}
dns_compliant_bucket_names = true
auth_pipeline_check = false
s3_acl = false
min_segment_size = 5242880
max_upload_part_num = 10000
[filter:plainkeys]
paste.filter_factory = plainkeys:filter_factory
user_test_tester = $S3_SECRET_KEY .admin
plain_keys = $S3_ACCESS_KEY=test:tester
CONF
        for name in catch_errors gatekeeper listing_formats bulk copy slo symlink; do
            printf '[filter:%s]\nuse = egg:swift#%s\n' "$name" "$name"
        done
    } >"$BASE/etc/$1"
}

build_rings() { # ACCOUNT_PORT CONTAINER_PORT OBJECT_PORT
    "$python" - "$BASE/etc" "$@" <<'PYTHON'
import sys
from swift.common.ring import RingBuilder

directory, *ports = sys.argv[1:]
for kind, port in zip(("account", "container", "object"), map(int, ports)):
    ring = RingBuilder(1, 1, 0)
    place = {"ip": "127.0.0.1", "port": port, "replication_ip": "127.0.0.1", "replication_port": port}
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "device": "disk", "weight": 1.0, "meta": "", **place})
    ring.rebalance()
    ring.get_ring().save(f"{directory}/{kind}.ring.gz")
PYTHON
}

await_ports() {
    "$python" - "$@" <<'PYTHON'
import socket, sys, time

for port in map(int, sys.argv[1:]):
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"nothing listens on port {port}")
            time.sleep(0.03)
PYTHON
}

start_once() {
    local account container object memcached http_port https_port kind front
    read -r account container object memcached http_port https_port < <(free_ports 6)
    [ -z "$wanted_port" ] || http_port=$wanted_port
    [ -n "${S3_TLS_CERT:-}" ] || https_port=''
    rm -rf "$BASE"/{etc,srv,cache}
    mkdir -p "$BASE"/{etc,srv/disk,cache}
    cat >"$BASE/etc/swift.conf" <<CONF
[swift-hash]
swift_hash_path_prefix = walferry
swift_hash_path_suffix = walferry
[storage-policy:0]
name = Policy-0
default = yes
CONF
    write_storage_server account "$account"
    write_storage_server container "$container"
    write_storage_server object "$object"
    write_proxy proxy-server.conf "$http_port" "$memcached"
    [ -z "$https_port" ] || write_proxy proxy-tls.conf "$https_port" "$memcached" "$S3_TLS_CERT" "$S3_TLS_KEY"
    build_rings "$account" "$container" "$object" >"$BASE/log/rings.out" 2>&1 || return 1

    export PYTHONPATH=$here
    spawn memcached memcached -l 127.0.0.1 -p "$memcached" -U 0 -u "$(id -un)" -m 64 -c 512
    for kind in account container object; do
        spawn "$kind" "$python" "/usr/bin/swift-$kind-server" "$BASE/etc/$kind-server.conf"
    done
    front="PYTHONPATH=$here spawn front $python /usr/bin/swift-proxy-server $BASE/etc"
    echo "$front/proxy-server.conf" >"$BASE/front.command"
    [ -z "$https_port" ] || echo "$front/proxy-tls.conf" >>"$BASE/front.command"
    # shellcheck disable=SC1091
    . "$BASE/front.command"
    # shellcheck disable=SC2086
    await_ports "$memcached" "$account" "$container" "$object" "$http_port" $https_port || return 1
    for kind in memcached account container object front; do [ -n "$(live "$kind")" ] || return 1; done
    # shellcheck disable=SC2086
    make_buckets "http://127.0.0.1:$http_port" "$S3_REGION" ${S3_BUCKETS:-} || return 1
    write_env "$http_port" "$https_port"
}

trap '[ $? = 0 ] || stop_all KILL' EXIT
start_with_free_ports start_once
[ -z "${S3_OWNER:-}" ] || guard "$S3_OWNER"
cat "$BASE/env"
