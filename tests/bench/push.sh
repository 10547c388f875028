#!/usr/bin/env bash
# push.sh BUILD [--quick] [ROUNDS]: walferry-archive-push as PostgreSQL sees it: against a plain durable copy F and
# against other archivers, on this disk and on XFS, with a large ledger, a full spool, no drain, and a busy drain.
. "$(dirname "$0")/../lib/bench.sh"
rounds=$(in_rounds 100 3)
bench=$programs/push-bench
push=$work/bin/walferry-archive-push
yardstick=$programs/push-yardstick
make_cluster
start_stores bench barman pgbackrest

push_bench() { # MODE FOLDER [ROUNDS]
    mkdir -p "$2"
    "$bench" "$1" "$push" "$yardstick" "$2" "${3:-$rounds}"
}

# What others do, against F and push. FOLDER is on the filesystem that is measured.
contenders() { # FOLDER
    local kind
    printf 'cp, nothing synced\t%s/cp/%%f\tcp %%p %s/cp/%%f\n' "$1" "$1"
    printf 'F: plain durable copy\t%s/F/%%f\t%s copy %%p %s/F %%f\n' "$1" "$yardstick" "$1"
    printf 'walferry-archive-push\t%s/spool/ready/%s/%%f\t%s --spool %s/spool %%p\n' "$1" "$system_identifier" "$push" "$1"
    for kind in none zst zst+cipher zst+cipher-async; do
        printf 'pgBackRest, local, %s\t-\tpgbackrest --config=%s/%s.conf --stanza=main archive-push %%p\n' \
            "$kind" "$1" "$kind"
    done
}
pgbackrest_repositories() { # FOLDER
    local kind cipher_lines
    mapfile -t cipher_lines < <(pgbackrest_cipher_lines)
    for kind in none zst zst+cipher zst+cipher-async; do
        local lines=("repo1-path=$1/repo-$kind" compress-level=3)
        case $kind in none) lines+=(compress-type=none) ;; *) lines+=(compress-type=zst) ;; esac
        case $kind in *cipher*) lines+=("${cipher_lines[@]}") ;; esac
        case $kind in *async) lines+=(archive-async=y) ;; esac
        pgbackrest_configuration "$1/$kind.conf" "${lines[@]}"
        pgbackrest --config="$1/$kind.conf" --stanza=main --no-online stanza-create >/dev/null
    done
}
contest() { # FOLDER ROUNDS
    "$programs/contest" "$work/pg/data/pg_wal" "$system_identifier" "$wal_magic" "$2" "$results" "$1/contenders"
}
others() { # FOLDER TITLE
    local folder=$1/others
    results=$work/results-$(basename "$1")
    mkdir -p "$folder"/{cp,F}
    begin_configuration "$folder/walferry.toml" "$folder/spool"
    printf '[[store]]\nname = "none"\ntype = "directory"\npath = "%s"\n' "$folder/cp" >>"$folder/walferry.toml"
    walferry --config "$folder/walferry.toml" init >/dev/null 2>&1
    pgbackrest_repositories "$folder"
    contenders "$folder" >"$folder/contenders"
    contest "$folder" $((rounds / 3 > 0 ? rounds / 3 : 1))
    heading "archive_command on $2; $(machine)"
    measure table "$results"
    measure ratio "$results" seconds walferry-archive-push 'F: plain durable copy' 0.85 'push / F'
    rm -rf "$folder"
}
into_s3() {
    local folder=$work/s3 cipher_lines s3_lines
    results=$work/results-s3
    mkdir -p "$folder"
    mapfile -t s3_lines < <(pgbackrest_s3_lines ceph pgbackrest)
    mapfile -t cipher_lines < <(pgbackrest_cipher_lines)
    pgbackrest_configuration "$folder/s3.conf" "${s3_lines[@]}" "${cipher_lines[@]}" compress-type=zst compress-level=3
    pgbackrest --config="$folder/s3.conf" --stanza=main --no-online stanza-create >/dev/null
    barman_environment ceph
    {
        printf 'pgBackRest, S3 over TLS, zst + cipher\t-\tpgbackrest --config=%s/s3.conf --stanza=main archive-push %%p\n' "$folder"
        printf 'barman-cloud-wal-archive, S3, gzip\t-\t%s s3://barman/bench main %%p\n' "${barman[*]}"
    } >"$folder/contenders"
    contest "$folder" $((rounds / 10 > 0 ? rounds / 10 : 1))
    heading "archive_command straight into S3 (no spool, no second store); $(machine)"
    measure table "$results"
}

heading "push and F, $rounds rounds; $(machine)"
push_bench plain "$work/plain"
others "$work" "$(stat -f -c %T "$work")"
into_s3

million_rows() {
    push_bench plain "$work/rows" 1 >/dev/null
    sqlite3 "$work/rows/spool/ledger/ledger.db" "insert into segment (system_identifier, name, fingerprint, kind, timeline, size, spooled_at)
        with recursive n (i) as (select 1 union all select i + 1 from n where i < $1)
        select '7301234567890123456', printf('00000002%08X%08X', i / 256, i % 256), printf('%032x', i), 'wal', 2, 16777216,
            '2026-01-01T00:00:00.000Z' from n"
    heading "push and F with $1 rows in the ledger"
    push_bench plain "$work/rows"
}
spooled_files() {
    local ready=$work/files/spool/ready/7301234567890123456
    push_bench plain "$work/files" 1 >/dev/null
    /usr/bin/python3 - "$ready" "$1" <<'PYTHON'
import sys
for i in range(int(sys.argv[2])):
    open(f"{sys.argv[1]}/00000002{i // 256:08X}{i % 256:08X}", "w").close()
PYTHON
    heading "push and F with $1 files in the spool"
    push_bench plain "$work/files"
    rm -rf "$work/files"
}
million_rows "$([ -n "$quick" ] && echo 10000 || echo 1000000)"
spooled_files "$([ -n "$quick" ] && echo 1000 || echo 100000)"

row=$([ -n "$quick" ] && echo 100 || echo 10000)
heading "$row pushes of 1 MiB in a row, no drain"
push_bench row "$work/row" "$row"
rm -rf "$work/row"

beside_a_drain() { # SEGMENTS
    local spool=$work/beside/spool segment
    push_bench plain "$work/beside" 1 >/dev/null
    begin_configuration "$work/etc/beside.toml" "$spool"
    add_s3_store "$work/etc/beside.toml" ceph bench
    add_s3_store "$work/etc/beside.toml" swift bench
    walferry --config "$work/etc/beside.toml" init >/dev/null 2>&1
    system_identifier=7301234567890123456 make_segments "$work/beside/segments" "$1" 100000 16 noise
    for segment in "$work"/beside/segments/*; do
        "$push" --spool "$spool" --system-identifier 7301234567890123456 "$segment"
    done
    walferry --config "$work/etc/beside.toml" drain >"$work/beside/drain.log" 2>&1 &
    local drain=$!
    heading "push and F beside a drain at full tilt (two S3 stores, incompressible segments)"
    push_bench beside "$work/beside"
    if gone "$drain"; then echo 'the drain was done before the pushes were: take more segments'; fi
    stop_process "$drain"
}
beside_a_drain "$([ -n "$quick" ] && echo 4 || echo 128)"
rm -rf "$work/beside"

mount_xfs() { # FOLDER REFLINK
    truncate -s 12G "$1.img"
    mkfs.xfs -q -m "reflink=$2" "$1.img"
    mkdir "$1"
    if ! mount -o loop "$1.img" "$1" 2>"$work/why"; then
        heading "SKIPPED: cannot mount an XFS image here: $(cat "$work/why")"
        return 1
    fi
    later "umount '$1'"
}
on_xfs() {
    # Where the filesystem can clone, copy_file_range does, and F is no copy any more.
    mount_xfs "$work/xfs" 0 || return 0
    heading "push and F on XFS without cloning, $rounds rounds"
    push_bench plain "$work/xfs/plain"
    others "$work/xfs" 'XFS, from another filesystem'
    mount_xfs "$work/xfs-reflink" 1 || return 0
    heading "push with and without cloning on XFS, $rounds rounds"
    push_bench clone "$work/xfs-reflink/clone"
}
on_xfs
