#!/usr/bin/env bash
# packaging/package.sh BUILD [OUT]: from a finished release build, OUT/*.deb, OUT/walferry-archive-push-static and a
# tarball that runs from wherever it is unpacked; OUT is BUILD unless named. ./dev package calls this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$(cd "$1" && pwd)
out=${2:-$build}
mkdir -p "$out"
out=$(cd "$out" && pwd)
version=$(sed -n 's/^project(walferry VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
stage=$(mktemp -d "${TMPDIR:-/tmp}/walferry-package.XXXXXX")
# cmake leaves a list of what it installed in the build.
trap 'rm -rf "$stage" "$build/install_manifest.txt"' EXIT

[ "$(dpkg-parsechangelog -l packaging/deb/changelog -S Version)" = "$version" ] ||
    { echo "packaging/deb/changelog is not about version $version" >&2 && exit 1; }

# debhelper wants a folder debian/ at the top of a tree.
mkdir "$stage/tree"
cp -a README.md docs "$stage/tree"
cp -a packaging/deb "$stage/tree/debian"
rm -f "$out"/walferry_*.deb "$out"/walferry-*.tar.gz
(
    cd "$stage/tree"
    export WALFERRY_BUILD=$build SOURCE_DATE_EPOCH
    SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -S Timestamp)
    # What it is built with is not looked for: a build is there.
    dpkg-buildpackage --build=binary --no-sign --no-check-builddeps >"$stage/log" 2>&1 || { cat "$stage/log" >&2 && exit 1; }
)
cp "$stage"/walferry_*.deb "$out"

cp "$build/bin/walferry-archive-push" "$out/walferry-archive-push-static"
name=walferry-$version-linux-$(uname -m)
DESTDIR=$stage/$name cmake --install "$build" --prefix / --strip >/dev/null
cp -r README.md LICENSE docs "$stage/$name"
tar -C "$stage" --owner=0 --group=0 --sort=name -czf "$out/$name.tar.gz" "$name"

printf 'made %s\n' "$out"/walferry_*.deb "$out/walferry-archive-push-static" "$out/$name.tar.gz"
