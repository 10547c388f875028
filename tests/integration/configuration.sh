#!/usr/bin/env bash
# The configuration file as an administrator meets it: the sample, what is wrong, what is in force.
. "$(dirname "$0")/../lib/integration.sh" "$1"

walferry keygen -o "$work/identity.txt" 2>/dev/null
recipient=$(sed -n 's/^# public key: //p' "$work/identity.txt")
file=$work/walferry.toml

sample() {
    walferry config --sample >"$file"
    expect_exit 2 walferry --config "$file" config
    expect_in 'encryption.recipients: entry 1: "age1..." is no recipient' walferry --config "$file" config
    sed -i "s/\"age1...\", \"age1...\"/\"$recipient\"/" "$file"
    walferry --config "$file" config
}
check "the sample is refused until its place-holders are filled in, then it is right" sample

in_force() {
    walferry --config "$file" config --json >"$work/json"
    expect_equal "$recipient" "$(jq -r '.encryption.recipients[0]' "$work/json")" recipient
    expect_equal 5s "$(jq -r '.store[0].connect_timeout' "$work/json")" "a default"
    expect_equal "$work/r2.credentials" "$(jq -r '.store[0].credentials_file' "$work/json")" "a file beside the configuration"
    walferry --config "$file" config >"$work/again.toml"
    walferry --config "$work/again.toml" config --json | jq -S . >"$work/again.json"
    jq -S . "$work/json" | diff - "$work/again.json"
}
check "what is in force is printed as TOML that can be read back, and as JSON" in_force

printf 'jobs = 99\ncolour = 1\nwork_dir = "%s\xc3\xa4"\n' "$(printf 'x%.0s' {1..59})" >"$work/wrong.toml"
all_problems() {
    expect_exit 2 walferry --config "$work/wrong.toml" config 2>"$work/problems"
    expect_equal 5 "$(wc -l <"$work/problems")" "lines"
    grep -qF "$work/wrong.toml:1:8: jobs: must be a whole number from 1 to 64" "$work/problems"
    grep -qF "$work/wrong.toml:2:1: colour: is no key known here" "$work/problems"
    expect_exit 2 walferry --config "$work/wrong.toml" config --json >"$work/json"
    expect_equal 5 "$(jq '.problems | length' "$work/json")" problems
}
check "everything that is wrong with a file is listed, with line and key" all_problems

every_command() {
    local command
    for command in drain list conflicts stores 'settle 000000010000000000000001' 'cat 000000010000000000000001'; do
        expect_exit 2 walferry --config "$work/wrong.toml" $command
        expect_in 'wrong.toml:1:8: jobs' walferry --config "$work/wrong.toml" $command
        expect_exit 2 walferry --config "$work/none.toml" $command
    done
}
check "every command stops with exit 2 and the first problem of a wrong file" every_command

environment() {
    WALFERRY_CONFIG=$work/wrong.toml expect_exit 2 walferry config
    WALFERRY_CONFIG=$work/wrong.toml expect_exit 0 walferry --config "$file" config
    chmod o+w "$file"
    expect_in 'everybody may write it' walferry --config "$file" config
}
check "WALFERRY_CONFIG names the file, --config wins, and one that everybody may write is refused" environment

# A pipe whose reader has left, as `head` does, and a disk that is full.
output_ends() {
    python3 - "$work/bin/walferry" <<'PY'
import os, subprocess, sys
read, write = os.pipe()
os.close(read)
left = subprocess.run([sys.argv[1], "config", "--help"], stdout=write, stderr=subprocess.PIPE)
assert (left.returncode, left.stderr) == (0, b""), left
PY
    expect_exit 1 walferry config --help >/dev/full
    expect_in "cannot write to standard output" sh -c 'walferry config --help >/dev/full'
}
check "a reader who leaves early is no failure, a full disk behind standard output is one" output_ends
