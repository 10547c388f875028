# Stores of a test's own and the configuration that names them. Sourced after world.sh.

# start_s3 ceph|swift BUCKET: the server's address and keys are in $work/NAME/env afterwards.
start_s3() {
    later "bash '$tests/s3/$1/stop.sh' '$work/$1' --wipe"
    S3_BUCKETS=$2 S3_OWNER=$$ bash "$tests/s3/$1/start.sh" "$work/$1" >"$work/$1.log" 2>&1 ||
        { cat "$work/$1.log" && return 1; }
}

control_s3() { bash "$tests/s3/$1/ctl.sh" "$work/$1" "$2"; } # ceph|swift pause|resume|crash|up

# Files that the uploader reads: owned by root, readable by the spool's group.
for_uploader() { # FILE
    chown "root:$spool_gid" "$1"
    chmod 640 "$1"
}

# begin_configuration FILE SPOOL: a cluster, a key pair in FILE's folder, no store yet.
begin_configuration() {
    local folder
    folder=$(dirname "$1")
    mkdir -p "$folder"
    [ -e "$folder/identity.txt" ] || walferry keygen -o "$folder/identity.txt" 2>/dev/null
    cat >"$1" <<TOML
cluster = "main"
spool = "$2"
work_dir = "/var/tmp"

[encryption]
recipients = ["$(sed -n 's/^# public key: //p' "$folder/identity.txt")"]
TOML
    for_uploader "$1"
}

# add_directory_store FILE NAME
add_directory_store() {
    install -d -o "$uploader_uid" -g "$spool_gid" -m 750 "$work/stores/$2"
    cat >>"$1" <<TOML

[[store]]
name = "$2"
type = "directory"
path = "$work/stores/$2"
TOML
}

# add_s3_store FILE ceph|swift BUCKET [LINE]...
add_s3_store() {
    local file=$1 name=$2 bucket=$3 credentials
    shift 3
    credentials=$(dirname "$file")/$name.credentials
    (
        . "$work/$name/env"
        printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$S3_ACCESS_KEY" "$S3_SECRET_KEY" \
            >"$credentials"
        cat >>"$file" <<TOML

[[store]]
name = "$name"
type = "s3"
endpoint = "$S3_ENDPOINT"
region = "$S3_REGION"
bucket = "$bucket"
prefix = "prod"
credentials_file = "$(basename "$credentials")"
TOML
        printf '%s\n' "$@" >>"$file"
    )
    for_uploader "$credentials"
}

# fetch_objects ceph|swift BUCKET FOLDER: every object of the bucket, with a client that is not walferry's.
# fetch_objects ceph|swift BUCKET --put KEY FILE, fetch_objects ceph|swift BUCKET --delete KEY
fetch_objects() {
    (
        . "$work/$1/env"
        export S3_ENDPOINT S3_ACCESS_KEY S3_SECRET_KEY S3_REGION
        python3 "$tests/lib/s3_fetch.py" "${@:2}"
    )
}

# open_objects FOLDER IDENTITY REFERENCE: each WAL object in FOLDER hashes to its name, is opened by age and zstd
# and holds, byte for byte, the file of its name in REFERENCE; prints how many there were.
open_objects() {
    local object name sha count=0
    while read -r object; do
        name=$(basename "$object")
        sha=${name##*-}
        expect_equal "${sha%.zst.age}" "$(sha256sum "$object" | cut -c1-32)" "hash of $name" || return 1
        name=${name%%-*}
        age -d -i "$2" "$object" | zstd -dcq | cmp - "$3/$name" || { echo "differs: $object" && return 1; }
        count=$((count + 1))
    done < <(find "$1" -path '*/wal/*' -type f -name '*.zst.age')
    echo "$count"
}

# Segments that wait in a spool.
waiting() { find "$1/ready" -type f | wc -l; }
