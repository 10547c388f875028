#!/usr/bin/env bash
# WAL segments of 1, 16 and 64 MiB.
. "$(dirname "$0")/../lib/integration.sh" "$1"

for size in 1 16 64; do
    spool=$work/spool-$size
    configuration=$work/etc-$size/walferry.toml
    begin_configuration "$configuration" "$spool"
    add_directory_store "$configuration" "a-$size"
    add_directory_store "$configuration" "b-$size"
    export WALFERRY_CONFIG=$configuration
    walferry init --owner postgres --group "$spool_gid" >/dev/null
    rm -rf "$work/reference"
    pg_create "$work/pg-$size" $size
    pg_archive_to "$work/pg-$size" "$spool"
    pg_start "$work/pg-$size"

    archived_and_restored() {
        pg_bench "$work/pg-$size" -i -q -s 2 >/dev/null 2>&1
        pg_sql "$work/pg-$size" 'checkpoint'
        pg_archive_all "$work/pg-$size"
        pg_bench "$work/pg-$size" -n -c 2 -T 2 >/dev/null 2>&1
        pg_archive_all "$work/pg-$size"
        pg_stop "$work/pg-$size"
        as uploader walferry drain
        expect_equal 0 "$(waiting "$spool")" "waiting segments"
        local archived store
        archived=$(find "$work/reference" -type f | wc -l)
        [ "$archived" -ge 2 ]
        expect_equal $((size << 20)) "$(stat -c %s "$(find "$work/reference" -type f | head -n 1)")" "segment size"
        for store in "a-$size" "b-$size"; do
            expect_equal "$archived" \
                "$(open_objects "$work/stores/$store" "$work/etc-$size/identity.txt" "$work/reference")" "objects in $store"
        done
    }
    check "segments of $size MiB are archived, stored twice and opened by stock tools" archived_and_restored
done
