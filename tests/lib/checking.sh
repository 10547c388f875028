# A sound set-up for walferry check, and how to ask what a check found. Sourced after integration.sh and
# fault/lib/faulty_stores.sh; stores ceph and swift run already.

sources=$tests/..
spool=$work/spool
configuration=$work/etc/walferry.toml
export WALFERRY_CONFIG=$configuration
pg=$work/pg
socket=$work/socket
push="$work/bin/walferry-archive-push --spool $spool %p"

make_sound_setup() {
    begin_configuration "$configuration" "$spool"
    mv "$work/etc/identity.txt" "$work/identity.txt"
    sed -i "1i [server]\nconninfo = \"host=$socket user=postgres\"\n" "$configuration"
    sed -i '/^cluster/{h;d};/^spool/{H;d};/^work_dir/{H;d}' "$configuration"
    sed -i "1i cluster = \"main\"\nspool = \"$spool\"\nwork_dir = \"/var/tmp\"\n" "$configuration"
    add_s3_store "$configuration" ceph wal-ceph
    add_s3_store "$configuration" swift wal-swift
    walferry init --owner postgres --group "$spool_gid" >/dev/null
    install -d -o postgres -m 755 "$socket"
    pg_create "$pg"
    pg_settings "$pg" "unix_socket_directories = '$socket'" 'archive_mode = on' "archive_command = '$push'" \
        'archive_timeout = 1min'
    pg_start "$pg"
    pg_archive_all "$socket"
}

# checked [OPTION]...: by root; what it found is in $work/found.json.
checked() { checked_with "$configuration" "$@"; }
checked_with() { # FILE [OPTION]...
    local status=0
    walferry --config "$1" check --uploader "$uploader_uid:$spool_gid" --json "${@:2}" >"$work/found.json" || status=$?
    show_found
    return $status
}
show_found() {
    jq -r '.findings[] | select(.verdict != "passed") | "\(.verdict) \(.id): \(.subject): \(.found)"' "$work/found.json"
}

checked_as() { # WHO FILE [OPTION]...
    local status=0
    as "$1" walferry --config "$2" check --json "${@:3}" >"$work/found.json" || status=$?
    show_found
    return $status
}

# try SENTENCE FUNCTION: a check of its own, from a server that archives as it should.
try() {
    server_has archive_command "$push" || alter archive_command "$push"
    check "$@"
}

# finds VERDICT ID [TEXT]: the last check came to it, with that text in what was found.
finds() { finds_in '' "$@"; }
finds_in() { # STORE VERDICT ID [TEXT]
    jq -e --arg store "$1" --arg verdict "$2" --arg id "$3" --arg text "${4:-}" \
        'any(.findings[]; .verdict == $verdict and .id == $id and (.found | contains($text))
            and ($store == "" or .subject == "store " + $store))' "$work/found.json" >/dev/null &&
        echo "$3 $2" >>"$work/provoked" && return 0
    echo "no $2 $3 \"${4:-}\" ${1:+of store $1 }in what was found"
    return 1
}

# fixes ID TEXT: its remedy holds that text.
mends() {
    jq -e --arg id "$1" --arg text "$2" 'any(.findings[]; .id == $id and .remedy != null and (.remedy | contains($text)))' \
        "$work/found.json" >/dev/null && return 0
    jq -r --arg id "$1" '.findings[] | select(.id == $id) | "\(.id): to fix: \(.remedy)"' "$work/found.json"
    return 1
}

# alter SETTING VALUE: until the running server has it.
alter() {
    pg_sql "$socket" "alter system set $1 = '$2'"
    pg_sql "$socket" 'select pg_reload_conf()' >/dev/null
    wait_for 10 server_has "$1" "$2"
}
server_has() { [ "$(pg_sql "$socket" "show $1")" = "$2" ]; }
back() { # SETTING
    pg_sql "$socket" "alter system reset $1"
    pg_sql "$socket" 'select pg_reload_conf()' >/dev/null
    wait_for 10 server_has "$1" ''
}

# An archiver that has ended, for another library or a command that was killed, is started again by the server only
# after a while.
restart_server() {
    pg_stop "$pg"
    pg_start "$pg"
}

# variant SED: $other is the configuration with that change.
other=$work/etc/other.toml
variant() {
    sed "$1" "$configuration" >"$other"
    for_uploader "$other"
}

# begin_other_stores: $other has a spool of its own and no store yet.
begin_other_stores() {
    sed "/^\[\[store\]\]/,\$d; s|^spool = .*|spool = \"$work/other-spool\"|" "$configuration" >"$other"
    for_uploader "$other"
    printf '[default]\naws_access_key_id = key\naws_secret_access_key = %s\n' "$secret" >"$work/keys"
    for_uploader "$work/keys"
}

# faulty NAME PLAN: a store of that name that does so; a plan of s3_server.py.
faulty() { add_planned "$1" http "$2"; }
faulty_tls() { add_planned "$1" https "$2"; }
add_planned() { # NAME SCHEME PLAN
    cat >>"$other" <<TOML
[[store]]
name = "$1"
type = "s3"
endpoint = "$2://127.0.0.1:$(set_plan "$1" "$3")"
bucket = "wal"
prefix = "prod"
credentials_file = "$work/keys"

TOML
}

# real NAME ceph|swift BUCKET SED [REGION]: a store of a real server, with its keys changed so.
real() {
    (
        . "$work/$2/env"
        printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$S3_ACCESS_KEY" "$S3_SECRET_KEY" |
            sed "$4" >"$work/keys-$1"
        cat >>"$other" <<TOML
[[store]]
name = "$1"
type = "s3"
endpoint = "$S3_ENDPOINT"
region = "${5:-$S3_REGION}"
bucket = "$3"
prefix = "$1"
credentials_file = "$work/keys-$1"
TOML
    )
    for_uploader "$work/keys-$1"
}

ledger_sql() { as uploader sqlite3 "$spool/ledger/ledger.db" "$1"; }

# all_provoked AREA...: what the program can find in these areas of docs/check.md, and each way in which it can find it
# (warned of, failed, skipped), was made so by a check of this script and recognised.
all_provoked() {
    findings_of_areas "$@" | sort >"$work/ids"
    findings_in_sources | sort -u | join "$work/ids" - | sort -u >"$work/known"
    expect_at_least 10 "$(wc -l <"$work/known")" "ways to find something"
    sort -u "$work/provoked" | comm -13 - "$work/known" >"$work/unprovoked"
    [ ! -s "$work/unprovoked" ] || { echo "never provoked:" && cat "$work/unprovoked" && return 1; }
}
findings_of_areas() { # AREA...
    local area
    for area in "$@"; do
        sed -n "/^### $area\$/,/^\$/s/^| \`\([a-z-]*\)\` .*/\1/p" "$sources/docs/check.md" | grep .
    done
}
# "archive-mode failed" for each place in the sources that may say so.
findings_in_sources() {
    cat "$sources"/host/check/*.cpp "$sources/walferry/commands/check.cpp" | tr -d '\n' | tr -s ' ' |
        grep -oE 'findings\.(warn|fail|skip|contradiction)\( ?(console::)?finding_id::[a-z_]+' |
        sed -E 's/.*\.([a-z]*)\(.*finding_id::(.*)/\2 \1/; y/_/-/
                s/ warn$/ warning/; s/ fail$/ failed/; s/ skip$/ skipped/; s/ contradiction$/ integrity/'
    # Chosen at run time.
    printf '%s\n' 'drain warning' 'drain failed' 'backups warning' 'backups failed' 'server-group warning' 'server-group failed' \
        'configuration failed' 'recipients failed' 'store-damage integrity'
    sed -nE 's/.*finding_id::(store_[a-z_]+).*/\1/p' "$sources/host/check/store_verdict.cpp" | tr _ - |
        grep -v store-damage | sed 's/$/ failed/'
}

# No user walferry, and nobody but the server's user in the spool's group: for checked_among_users alone.
without_uploader() {
    grep -v '^walferry:' /etc/passwd >"$work/passwd"
    grep -v '^walferry:' /etc/group >"$work/group"
    echo "spoolers:x:$spool_gid:postgres" >>"$work/group"
}
checked_among_users() { # FILE [OPTION]...
    local status=0
    unshare -m sh -c 'mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/group" /etc/group && shift && exec "$@"' sh \
        "$work" walferry --config "$1" check --json "${@:2}" >"$work/found.json" || status=$?
    show_found
    return $status
}

# end_segments COUNT: with something in each.
end_segments() {
    local i
    for ((i = 0; i < $1; i++)); do
        pg_sql "$socket" "select pg_logical_emit_message(true, '', ''), pg_switch_wal()" >/dev/null
    done
    pg_archive_all "$socket"
}

# nothing_missing: what a check made the server archive to elsewhere is pushed again, so that no gap is left.
nothing_missing() {
    local segment last
    last=$(pg_sql "$socket" 'select last_archived_wal from pg_stat_archiver')
    for segment in "$pg"/data/pg_wal/0*; do
        [[ ${segment##*/} > $last ]] || [[ ${segment##*/} == *.* ]] ||
            as postgres "$work/bin/walferry-archive-push" --spool "$spool" "$segment"
    done
    as uploader walferry drain
}
