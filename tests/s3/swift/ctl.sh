#!/usr/bin/env bash
# ctl.sh DIRECTORY pause|resume|crash|up: see control in ../lib.sh.
. "$(dirname "$0")/../lib.sh"
control "$@"
