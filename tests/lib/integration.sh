# What every integration test begins with: . "$(dirname "$0")/../lib/integration.sh" PROGRAMS
set -euo pipefail
: "${WALFERRY_TESTS_LONG:=}" # a script can be run by itself too
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
programs=$(cd "$1" && pwd)
for part in report world postgres server_tools stores; do . "$tests/lib/$part.sh"; done
