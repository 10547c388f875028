#!/usr/bin/env bash
# tests/valgrind/run.sh PROGRAMS [CATCH_ARGUMENT...]: the unit tests, or those that the arguments choose, under valgrind's
# memcheck. Exit 1 when a test fails, 9 when memory was misused or lost.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- '~[contract]'
export WALFERRY_BIN_DIR=${WALFERRY_BIN_DIR:-$programs}
# Programs that tests start run outside valgrind; what is forked and not executed is watched silently, or its last words
# would stand between ours. What is still reachable at the end was kept on purpose.
exec valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect \
    --errors-for-leak-kinds=definite,indirect --child-silent-after-fork=yes --num-callers=30 \
    --suppressions="$here/libraries.supp" "$programs/walferry-tests" "$@"
