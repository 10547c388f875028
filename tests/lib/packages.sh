# Which Debian packages are needed for what, and how they get here. Sourced by ./dev.

build_packages=(
    g++ cmake ninja-build pkgconf ccache libcurl4-openssl-dev libssl-dev libsqlite3-dev libzstd-dev libsodium-dev
    libcli11-dev libpq-dev libarchive-dev libisal-dev libtomlplusplus-dev nlohmann-json3-dev libpugixml-dev libxxhash-dev
)
package_packages=(debhelper dpkg-dev)
demo_packages=(postgresql age zstd util-linux)
test_packages=(
    debhelper dpkg-dev lintian man-db mmdebstrap systemd-container
    catch2 zlib1g-dev python3 python3-yaml curl openssl sqlite3 strace jq procps psmisc faketime e2fsprogs xfsprogs btrfs-progs
    radosgw ceph-mon ceph-osd ceph-common
    patroni etcd-server python3-etcd python3-psycopg2
    swift-proxy swift-account swift-container swift-object python3-swift memcached
)
valgrind_packages=(valgrind)
# What is measured beside walferry, and what empties buckets between rounds.
bench_packages=(pgbackrest barman-cli-cloud python3-boto3)
# The formatter's version decides what formatted means, so it is the one of Debian 12 wherever there is one.
clang_format=clang-format-14 clang_tidy=clang-tidy-14
if ! command -v clang-format-14 >/dev/null && ! apt-cache show clang-format-14 >/dev/null 2>&1; then
    clang_format=clang-format clang_tidy=clang-tidy
fi
lint_packages=("$clang_format" "$clang_tidy")
# libFuzzer comes with clang's runtime, which Debian does not install with clang by itself.
clang_compiler=clang++-14 clang_packages=(clang-14 libclang-rt-14-dev)
if ! command -v clang++-14 >/dev/null && ! apt-cache show clang-14 >/dev/null 2>&1; then
    clang_compiler=clang++ clang_packages=(clang libclang-rt-dev)
fi

# can_fuzz: whether the compiler links what libFuzzer runs.
can_fuzz() {
    command -v "$clang_compiler" >/dev/null &&
        [ -n "$(find "$("$clang_compiler" -print-resource-dir)" -name 'libclang_rt.fuzzer*' -print -quit 2>/dev/null)" ]
}

missing_packages() {
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${binary:Package}\n' 2>/dev/null | sed -n 's/^installed //p' | sed 's/:.*//' | sort -u)
    printf '%s\n' "$@" | sort -u | comm -23 - <(printf '%s\n' "$installed")
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

can_be_root() {
    [ "$(id -u)" = 0 ] && return 0
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }
}

# Package lists that are missing, or older than a day, are fetched again.
lists_are_fresh() {
    [ -n "$(find /var/lib/apt/lists -maxdepth 0 -mtime -1 2>/dev/null)" ] &&
        [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' -print -quit)" ]
}

# install_packages PACKAGE...: nothing to do takes a moment; otherwise no service is started or enabled by it, and
# no PostgreSQL cluster is created.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} = 0 ] && return 0
    if ! can_be_root; then
        say "dev: these packages are missing, and there is neither root nor sudo to install them:"
        say "  ${missing[*]}"
        say "dev: an administrator can run: apt-get install --no-install-recommends ${missing[*]}"
        exit 1
    fi
    say "installing: ${missing[*]}"
    lists_are_fresh || as_root apt-get -q update >&2
    as_root bash -s -- "${missing[@]}" <<'INSTALL'
set -euo pipefail
made=()
tidy() { [ ${#made[@]} = 0 ] || rm -f -- "${made[@]}"; }
trap tidy EXIT
# invoke-rc.d asks this before it starts anything. One that is there already is somebody's decision.
if [ ! -e /usr/sbin/policy-rc.d ]; then
    made+=(/usr/sbin/policy-rc.d)
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
fi
no_cluster=/etc/postgresql-common/createcluster.d/walferry-dev.conf
if [ ! -e "$no_cluster" ]; then
    made+=("$no_cluster")
    mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' >"$no_cluster"
fi
export DEBIAN_FRONTEND=noninteractive
install() {
    apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
        install --no-install-recommends "$@"
}
install "$@" </dev/null || { apt-get -q update && install "$@" </dev/null; }
# What was not there before must not come up with the next boot either.
if command -v systemctl >/dev/null; then
    for package in memcached swift-proxy swift-account swift-container swift-object radosgw ceph-mon ceph-osd; do
        case " $* " in *" $package "*) ;; *) continue ;; esac
        mapfile -t units < <(dpkg -L "$package" | sed -n 's,.*/systemd/system/\([^@/]*\.\(service\|target\)\)$,\1,p')
        [ ${#units[@]} = 0 ] || systemctl -q disable "${units[@]}" >/dev/null 2>&1 || true
    done
fi
INSTALL
}
