#!/usr/bin/env bash
# start.sh DIRECTORY [PORT]: one-node Ceph (a monitor, an OSD in memory, radosgw) on 127.0.0.1, without systemd,
# authentication between its parts, or root. PORT is for http; without it, or where https is wanted, free ones are
# found. Prints DIRECTORY/env when it is ready.
# From the environment, all optional:
#   S3_ACCESS_KEY S3_SECRET_KEY S3_REGION   S3_BUCKETS="alpha beta"   S3_DNS_NAME (suffix of virtual hosts)
#   S3_TLS_CERT S3_TLS_KEY (PEM files: https as well)   S3_OWNER (a pid: everything ends when it does)
#   CEPH_OBJECTSTORE (memstore)   CEPH_CAPACITY (bytes)   CEPH_CLIENT_OPTIONS (lines for section [client])
. "$(dirname "$0")/../lib.sh"
S3_ACCESS_KEY=${S3_ACCESS_KEY:-ceph-access-key}
S3_SECRET_KEY=${S3_SECRET_KEY:-ceph-secret-key-0123456789abcdefghij}
S3_REGION=${S3_REGION:-us-east-1}
objectstore=${CEPH_OBJECTSTORE:-memstore}
capacity=${CEPH_CAPACITY:-8589934592}
claim "${1:?usage: start.sh DIRECTORY [PORT]}"
wanted_port=${2:-}

new_uuid() { cat /proc/sys/kernel/random/uuid; }

# Everything that Ceph would keep in /etc, /run or /var is pointed into BASE; sockets are switched off, because their
# paths may be 107 bytes long at most.
write_configuration() {
    local monitor_port=$1 http_port=$2 https_port=$3 front
    front="endpoint=127.0.0.1:$http_port"
    [ -z "$https_port" ] ||
        front+=" ssl_endpoint=127.0.0.1:$https_port ssl_certificate=$S3_TLS_CERT ssl_private_key=$S3_TLS_KEY"
    cat >"$BASE/ceph.conf" <<CONF
[global]
fsid = $cluster_id
mon host = [v2:127.0.0.1:$monitor_port/0]
ms bind ipv6 = false
ms bind msgr1 = false
ms mon client mode = crc
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = false
keyring = /dev/null
setuser match path =
run dir = $BASE/run
crash dir = $BASE/log
admin socket =
log file = $BASE/log/\$name.log
log to stderr = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon allow pool delete = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1
mon osd min in ratio = 0
rgw rados pool pg num min = 1

[mon]
mon data = $BASE/mon/\$id
mon cluster log file = $BASE/log/cluster.log
mon cluster log to stderr = false
mon compact on start = false
paxos propose interval = 0.05
paxos min wait = 0.01

[osd]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd data = $BASE/osd/\$id
osd journal = $BASE/osd/\$id/journal
osd objectstore = $objectstore
osd crush update on start = true
osd crush initial weight = 1.0
osd class update on start = false
osd class dir = $(dirname "$(find /usr/lib /usr/lib64 -name 'libcls_rgw.so*' -print -quit)")
osd class load list = *
osd class default list = *
osd op num shards = 2
osd max object size = 134217728
osd memory target = 1073741824
memstore device bytes = $capacity
bluestore block size = $capacity
bluestore cache size = 268435456
bluestore fsck on mount = false

[client]
rgw data = $BASE/rgw
rgw frontends = beast $front
rgw enable apis = s3, admin
rgw dns name = ${S3_DNS_NAME:-localhost}
rgw thread pool size = 64
rgw num rados handles = 1
rgw run sync thread = false
rgw enable usage log = false
rgw enable ops log = false
rgw dynamic resharding = false
rgw override bucket index max shards = 1
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw gc processor max time = 5
rgw lc debug interval = -1
${CEPH_CLIENT_OPTIONS:-}
CONF
}

start_once() {
    local monitor_port http_port https_port osd_id
    read -r monitor_port http_port https_port < <(free_ports 3)
    [ -z "$wanted_port" ] || http_port=$wanted_port
    [ -n "${S3_TLS_CERT:-}" ] || https_port=''
    cluster_id=$(new_uuid)
    osd_id=$(new_uuid)
    rm -rf "$BASE"/{mon,osd,rgw,run}
    mkdir -p "$BASE"/{mon,osd/0,rgw,run}
    export CEPH_CONF=$BASE/ceph.conf
    write_configuration "$monitor_port" "$http_port" "$https_port"

    monmaptool --create --clobber --fsid "$cluster_id" --addv a "[v2:127.0.0.1:$monitor_port/0]" "$BASE/monmap" \
        >"$BASE/log/monmap.out" 2>&1 || return 1
    ceph-mon -i a --mkfs --monmap "$BASE/monmap" >"$BASE/log/mon-mkfs.out" 2>&1 || return 1
    spawn mon ceph-mon -i a -f
    timeout 30 ceph --connect-timeout 20 osd new "$osd_id" >"$BASE/log/osd-new.out" 2>&1 || return 1
    ceph-osd -i 0 --mkfs --osd-uuid "$osd_id" >"$BASE/log/osd-mkfs.out" 2>&1 || return 1
    spawn osd ceph-osd -i 0 -f
    # Waits for the OSD, and makes the pools on the way.
    timeout 60 radosgw-admin user create --uid=tester --display-name=tester --access-key="$S3_ACCESS_KEY" \
        --secret-key="$S3_SECRET_KEY" --max-buckets=0 >"$BASE/log/user.out" 2>&1 || return 1

    echo "CEPH_CONF=$CEPH_CONF spawn front radosgw -n client.rgw -f" >"$BASE/front.command"
    # shellcheck disable=SC1091
    . "$BASE/front.command"
    await_http front "http://127.0.0.1:$http_port" || return 1
    [ -z "$https_port" ] || await_http front "https://127.0.0.1:$https_port" || return 1
    # shellcheck disable=SC2086
    make_buckets "http://127.0.0.1:$http_port" "$S3_REGION" ${S3_BUCKETS:-} || return 1
    write_env "$http_port" "$https_port"
}

trap '[ $? = 0 ] || stop_all KILL' EXIT
start_with_free_ports start_once
[ -z "${S3_OWNER:-}" ] || guard "$S3_OWNER"
cat "$BASE/env"
