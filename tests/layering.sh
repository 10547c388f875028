#!/usr/bin/env bash
# Includes point one way: programs -> common/{codec,store} -> common; archive-push and archive-get -> common without
# settings.
# CMake's targets enforce it when linking; a header alone would slip through there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
wrong=0

# check "FILES" REGEX: every quoted include of these files must start with a match of REGEX.
check() {
    local found
    found=$(grep -nE '^#include "' $1 /dev/null | grep -vE "#include \"($2)" || true)
    if [ -n "$found" ]; then
        printf '%s\n' "$found" >&2
        wrong=1
    fi
}

here() { find "$1" -maxdepth "${2:-9}" -name '*.[ch]pp' | sort; }

check "$(here common 1)" 'common/[^/"]+"|common/wal/|sql/'
check "$(here common/wal)" 'common/[^/"]+"|common/wal/'
check "$(here common/codec)" 'common/[^/"]+"|common/wal/|common/codec/'
check "$(here common/store)" 'common/[^/"]+"|common/store/'
check "$(here archive-push)" 'common/[^/"]+"|archive-push/|sql/'
check "$(here archive-get)" 'common/[^/"]+"|archive-get/'
check "$(here uploader)" 'common/|uploader/|sql/'

# The settings bring a TOML reader along, which push must not link, nor what recovery starts for every segment.
if grep -n '#include "common/settings' $(here common 1 | grep -v /settings) $(here archive-push) $(here archive-get) >&2; then wrong=1; fi
exit $wrong
