#!/usr/bin/env bash
# stop.sh DIRECTORY [--wipe]: ends what start.sh started there.
. "$(dirname "$0")/../lib.sh"
stop "$@"
