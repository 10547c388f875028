#!/usr/bin/env bash
# The rooms and their arrows are the lines of cmake/Rooms.cmake: each room may include itself, what its USES names, and sql/;
# each of those stands above it in that file, so that no arrow points upward or closes a circle; and none stands there
# that no include needs. Prints them. Linking holds the sources to the same lines; a header alone would slip through there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rooms() { # a line each: ROOM USED…
    sed '/^ *#/d' cmake/Rooms.cmake | tr '\n' ' ' | grep -oE 'walferry_room\([^)]*\)' |
        sed -E 's/walferry_room\(//; s/\)//; s/LIBRARIES.*//; s/ USES / /; s/ +/ /g; s/ $//' | grep -v '^folder'
}

includes() { # ROOM: the rooms that its files include, once each
    find "$1" -maxdepth 1 -name '*.[ch]pp' -exec sed -nE 's|^#include "([^"]+)/[^/"]+"|\1|p' {} + | sort -u
}

wrong=0
complain() {
    echo "$*" >&2
    wrong=1
}

declare -A built=()
while read -r room used; do
    for other in $used; do
        [ -n "${built[$other]:-}" ] || complain "$room uses $other, which does not stand above it in cmake/Rooms.cmake"
    done
    built[$room]=1
    included=$(includes "$room")
    for other in $included; do
        case " $room sql $used " in *" $other "*) continue ;; esac
        complain "$room includes $other, which its USES does not name:"
        grep -nE "^#include \"$other/[^/\"]+\"" "$room"/*.[ch]pp >&2
    done
    for other in $used; do
        grep -qxF "$other" <<<"$included" || complain "$room names $other among its USES and includes nothing of it"
    done
    printf '%-18s -> %s\n' "$room" "$used"
done < <(rooms)
[ "${#built[@]}" -gt 20 ] || complain "cmake/Rooms.cmake was not understood"

# The settings bring a TOML reader along, which push must not link, nor what recovery starts for every segment.
for program in archive-push archive-get; do
    for other in $(rooms | sed -n "s/^$program //p"); do
        case $other in common | common/os | common/wal | common/ledger | common/spool | common/program) ;; *) complain "$program uses $other" ;; esac
    done
done

# A folder with sources that is no room would be built by no rule.
while read -r folder; do
    [ -n "${built[$folder]:-}" ] || complain "$folder has sources and is no room of cmake/Rooms.cmake"
done < <(git ls-files '*.cpp' '*.hpp' | grep -vE '^(tests|packaging|demo)/' | xargs -n1 dirname | sort -u)

# What Catch2 3 (Debian 13) no longer has, and a build on Debian 12 would not tell: tests/catch.hpp bridges the rest.
if grep -rnE '\bMatchers::Contains\b|\bApprox\(|#include <catch2/' --include='*.cpp' tests | grep -v '^tests/catch_main.cpp' >&2; then wrong=1; fi
exit $wrong
