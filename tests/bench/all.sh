#!/usr/bin/env bash
# all.sh BUILD [--quick]: every benchmark, one after the other.
set -euo pipefail
here=$(dirname "$0")
for name in push drain backlog follow ledger rebuild; do bash "$here/$name.sh" "$@"; done
