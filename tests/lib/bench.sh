# What every benchmark begins with: . "$(dirname "$0")/../lib/bench.sh" BUILD [--quick] [--against BUILD] [ARGUMENT]...
# Sets $quick (yes or empty), $against (the other build's programs, or empty) and $arguments. Times are taken by tests/bench/measure.py into $results.
set -euo pipefail
export LC_ALL=C.UTF-8
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(cd "$1" && pwd)
programs=$build/bin
quick=
against=
arguments=()
for argument in "${@:2}"; do
    case $argument in
    --quick) quick=yes ;;
    --against) against=next ;;
    *)
        if [ "$against" = next ]; then
            against=$(cd "$argument/bin" && pwd)
        else
            arguments+=("$argument")
        fi
        ;;
    esac
done
# Servers of other users, loop mounts and dropped caches are part of what is measured.
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "SKIPPED: benchmarks need root" && exit 0; }
    exec sudo --preserve-env=WALFERRY_BENCH_DIR bash "$0" "$@"
fi
for part in report world postgres stores; do . "$tests/lib/$part.sh"; done

# in_rounds FULL QUICK: how many, unless the first argument says so.
in_rounds() { echo "${arguments[0]:-$([ -n "$quick" ] && echo "$2" || echo "$1")}"; }
measure() { /usr/bin/python3 "$tests/bench/measure.py" "$@"; }
heading() { printf '\n== %s\n' "$*"; }
machine() {
    echo "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r)," \
        "$(stat -f -c %T "$work"), $(date -u +%F)"
}

# run_measured LABEL COMMAND...
run_measured() {
    measure run "$results" "$@" >>"$work/measured.log" 2>&1 || { tail -n 20 "$work/measured.log" && return 1; }
}
# run_measured_as WHO LABEL COMMAND...
run_measured_as() {
    local identity
    identity_of "$1"
    run_measured "$2" setpriv "${identity[@]}" env HOME=/nonexistent "${@:3}"
}

# A data directory of PostgreSQL's making, for all tools that look at one; sets $system_identifier and $wal_magic.
make_cluster() {
    pg_create "$work/pg"
    system_identifier=$("$postgres_bin/pg_controldata" "$work/pg/data" | sed -n 's/^Database system identifier: *//p')
    wal_magic=$(od -An -tx2 -N2 "$(find "$work/pg/data/pg_wal" -maxdepth 1 -type f | head -n 1)" | tr -d ' ')
}

# make_segments FOLDER COUNT FIRST MIB KIND
make_segments() {
    mkdir -p "$1"
    "$programs/wal-maker" "$1" "$system_identifier" "$2" "$3" "$4" "$5" "$wal_magic"
}

start_stores() { # BUCKET...: Ceph and Swift, also with TLS
    bash "$tests/s3/make-ca.sh" "$work/ca"
    chmod 755 "$work/ca"
    export S3_TLS_CERT=$work/ca/server.pem S3_TLS_KEY=$work/ca/server.key
    start_s3 ceph "$*"
    start_s3 swift "$*"
}

# Objects of earlier rounds go: Ceph keeps them in memory.
empty_bucket() { # ceph|swift BUCKET
    (
        . "$work/$1/env"
        /usr/bin/python3 - "$S3_ENDPOINT" "$S3_ACCESS_KEY" "$S3_SECRET_KEY" "$S3_REGION" "$2" <<'PYTHON'
import sys
import boto3
endpoint, key, secret, region, bucket = sys.argv[1:]
# One by one: the request that names many needs an MD5 of its own, which newer versions of boto3 do not send.
for each in boto3.resource("s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret,
                           region_name=region).Bucket(bucket).objects.all():
    each.delete()
PYTHON
    )
}

# fresh_spool SPOOL FOLDER: holds what FOLDER holds, pushed.
fresh_spool() {
    rm -rf "$1"
    walferry init --owner "$(id -u)" --group "$(id -g)" >/dev/null 2>&1
    local segment
    for segment in "$2"/*; do
        walferry-archive-push --spool "$1" --system-identifier "$system_identifier" "$segment"
    done
}

# to_tls FILE: the same configuration, over TLS.
to_tls() {
    local store
    for store in ceph swift; do
        (
            . "$work/$store/env"
            sed -i "s,^endpoint = \"$S3_ENDPOINT\",endpoint = \"$S3_TLS_ENDPOINT\"\nca_file = \"$work/ca/ca.pem\"," "$1"
        )
    done
}

# pgBackRest on the cluster of make_cluster. pgbackrest_configuration FILE LINE...
pgbackrest_configuration() {
    install -d -o postgres -g postgres "$work/pgbackrest"
    {
        printf '[global]\nlock-path=%s\nspool-path=%s\nlog-path=%s\n' "$work/pgbackrest" "$work/pgbackrest" "$work/pgbackrest"
        printf 'log-level-console=error\nlog-level-file=off\n'
        printf '%s\n' "${@:2}"
        printf '[main]\npg1-path=%s\n' "$work/pg/data"
    } >"$1"
    chown postgres "$1"
}
pgbackrest_s3_lines() { # ceph|swift BUCKET
    (
        . "$work/$1/env"
        printf '%s\n' repo1-type=s3 repo1-path=/repo "repo1-s3-bucket=$2" repo1-s3-endpoint=localhost \
            "repo1-storage-port=$S3_TLS_PORT" repo1-s3-uri-style=path "repo1-s3-region=$S3_REGION" \
            "repo1-s3-key=$S3_ACCESS_KEY" "repo1-s3-key-secret=$S3_SECRET_KEY" "repo1-storage-ca-file=$work/ca/ca.pem"
    )
}
pgbackrest_cipher_lines() { printf '%s\n' repo1-cipher-type=aes-256-cbc repo1-cipher-pass=only-for-the-benchmark; }
pgbackrest_create() { as postgres pgbackrest --config="$1" --stanza=main --no-online stanza-create; }

# barman_environment ceph|swift: sets $barman, the words before its command's own.
barman_environment() {
    . "$work/$1/env"
    barman=(env AWS_ACCESS_KEY_ID="$S3_ACCESS_KEY" AWS_SECRET_ACCESS_KEY="$S3_SECRET_KEY" AWS_DEFAULT_REGION="$S3_REGION"
        barman-cloud-wal-archive --endpoint-url "$S3_ENDPOINT" -z)
}
