# The README's first command where nothing is prepared: a minimal Debian, an ordinary user with sudo whose home no other
# user can enter, a clone, ./dev demo. With --long on each Debian release that the README names, else on this one.
. "$(dirname "$0")/../lib/integration.sh" "$1"
. "$tests/lib/machine.sh"

lacks=$(machine_lacks)
command -v git >/dev/null || lacks="git is not installed"
git -c safe.directory='*' -C "$tests" rev-parse --git-dir >/dev/null 2>&1 || lacks="these sources are no clone"
[ -z "${WALFERRY_SANITIZED:-}" ] || lacks="it makes its own build, whatever is tested"
if [ -n "$lacks" ]; then
    skip "./dev demo on a bare machine" "$lacks"
    exit 0
fi

# What is committed, and what this working tree has changed since.
clone() {
    local from=$tests/.. to=$machine/home/admin/walferry
    git -c safe.directory='*' clone --quiet --no-hardlinks "$(git -c safe.directory='*' -C "$from" rev-parse --show-toplevel)" "$to"
    (cd "$from" && git -c safe.directory='*' ls-files --deleted -z) | (cd "$to" && xargs -0 --no-run-if-empty rm -f)
    (cd "$from" && git -c safe.directory='*' ls-files --modified --others --exclude-standard -z |
        while read -r -d '' file; do if [ -e "$file" ]; then cp --parents --preserve=mode "$file" "$to"; fi; done)
}

# A compiler cache of this test's own, kept beside the build, makes the next run quick. It begins with what this host's
# cache has, which serves where both have the same compiler.
cache=$(dirname "$programs")/bare-machine-ccache
cached=()
seed_cache() {
    local builder from
    [ ! -d "$cache" ] || return 0
    mkdir -p "$cache"
    builder=$(stat -c %U "$programs")
    from=$(runuser -u "$builder" -- ccache --get-config cache_dir 2>/dev/null) || return 0
    [ -d "$from" ] || return 0
    [ "$(du -sm "$from" | cut -f 1)" -gt 2000 ] || cp -a "$from/." "$cache"
}
mount_cache() {
    command -v ccache >/dev/null && seed_cache || return 0
    chown -R "$(stat -c %u:%g "$machine/home/admin")" "$cache"
    cached=(--bind="$cache:/var/cache/ccache" --setenv=CCACHE_DIR=/var/cache/ccache --setenv=CCACHE_MAXSIZE=2G
        --setenv=CCACHE_BASEDIR=/home/admin --setenv=CCACHE_NOHASHDIR=1)
}

# admin SCRIPT: by the ordinary user, in its clone, after a login.
admin() {
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --register=no --keep-unit --quiet --as-pid2 --console=pipe --timezone=off \
        --directory="$machine" --user=admin --chdir=/home/admin/walferry "${cached[@]}" bash -euo pipefail -c "$1" </dev/null
}

ends_well() { # what the demo shows at its end
    admin './dev demo' >"$work/demo" 2>&1 || { tail -n 60 "$work/demo" && return 1; }
    grep -q "orders has 50000 rows" "$work/demo"
}

leaves_nothing() {
    expect_equal "" "$(find "$machine/var/tmp" "$machine/tmp" -mindepth 1 -name '*walferry*')" "left behind"
    expect_equal "" "$(find "$machine/var/lib/postgresql" -name PG_VERSION)" "clusters"
    [ ! -e "$machine/usr/sbin/policy-rc.d" ]
}

configured_without_tests() {
    grep -qx 'WALFERRY_TESTS:BOOL=OFF' "$machine/home/admin/walferry/build/CMakeCache.txt"
    no chroot "$machine" dpkg-query -W catch2
    admin './dev build' >"$work/build" 2>&1 || { tail -n 60 "$work/build" && return 1; }
    admin './dev package' >"$work/package" 2>&1 || { tail -n 60 "$work/package" && return 1; }
    ls "$machine"/home/admin/walferry/build/walferry_*.deb
    no chroot "$machine" dpkg-query -W catch2
}

says_why() {
    echo 'message(FATAL_ERROR "the reason of this failure")' >>"$machine/home/admin/walferry/cmake/Dependencies.cmake"
    refused 1 'the reason of this failure' admin './dev build'
}

releases=("$(. /etc/os-release && echo "$VERSION_CODENAME")")
[ -z "$WALFERRY_TESTS_LONG" ] || mapfile -t releases < <(printf '%s\n' bookworm trixie "${releases[@]}" | sort -u)
[ -z "${WALFERRY_TEST_RELEASE:-}" ] || releases=("$WALFERRY_TEST_RELEASE")
for release in "${releases[@]}"; do
    machine=$work/$release
    if ! make_bare_machine "$release" sudo; then
        skip "./dev demo on a bare $release" "no machine could be made of this host's mirror: $(tail -n 1 "$work/machine.log")"
        continue
    fi
    add_administrator
    clone
    echo force-unsafe-io >"$machine/etc/dpkg/dpkg.cfg.d/quick"
    belongs_to_administrator
    chmod 700 "$machine/home/admin"
    mount_cache
    check "./dev demo installs what it needs and runs on a bare $release, for a user with sudo and a home of mode 700" ends_well
    check "afterwards no cluster, no file and no policy is left on $release" leaves_nothing
    check "demo, build and package on $release need nothing that only tests need" configured_without_tests
    check "a configure that fails shows its error on $release" says_why
    rm -rf "$machine"
done
