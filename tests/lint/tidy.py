#!/usr/bin/env python3
"""tests/lint/tidy.py BUILD CLANG_TIDY FILE...: clang-tidy over the files, as BUILD/compile_commands.json compiles them.

A file that it found clean is not looked at again while nothing that it is compiled from changes: its preprocessed text
with comments, the options and the rules are the name of an empty file in the cache (WALFERRY_TIDY_CACHE, by default
~/.cache/walferry-tidy). Ends with 1 when something was found.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

build, tidy = pathlib.Path(sys.argv[1]), sys.argv[2]
cache = pathlib.Path(os.environ.get("WALFERRY_TIDY_CACHE", pathlib.Path.home() / ".cache/walferry-tidy"))
cache.mkdir(parents=True, exist_ok=True)
version = subprocess.run([tidy, "--version"], check=True, capture_output=True).stdout
rules = pathlib.Path(".clang-tidy").read_bytes()
commands = {entry["file"]: entry for entry in json.loads((build / "compile_commands.json").read_text())}


def preprocessed(entry):
    words = shlex.split(entry["command"])
    if os.path.basename(words[0]) == "ccache":
        words = words[1:]
    output = words.index("-o")
    del words[output : output + 2]
    words.remove("-c")
    text = subprocess.run(words + ["-E", "-C", "-P"], cwd=entry["directory"], check=True, capture_output=True).stdout
    return text, " ".join(words)


def inspect(name):
    """What clang-tidy said of a file, and whether it was asked."""
    entry = commands.get(os.path.abspath(name))
    if entry is None:
        return f"{name}: no target compiles it\n", False
    text, options = preprocessed(entry)
    options = options.replace(os.getcwd(), ".")
    clean = cache / hashlib.sha256(b"\0".join([version, rules, options.encode(), text])).hexdigest()
    if clean.exists():
        clean.touch()
        return "", False
    asked = subprocess.run([tidy, "-p", str(build), "--quiet", name], capture_output=True, text=True)
    if asked.returncode == 0:
        clean.touch()
        return "", True
    return asked.stdout or asked.stderr, True


def forget_old():
    for entry in cache.iterdir():
        if entry.stat().st_mtime < time.time() - 30 * 86400:
            entry.unlink(missing_ok=True)


found = asked = 0
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for said, was_asked in pool.map(inspect, sys.argv[3:]):
        asked += was_asked
        if said:
            found += 1
            sys.stdout.write(said)
forget_old()
print(f"clang-tidy: {len(sys.argv) - 3} files, {asked} of them changed since they were found clean; problems in {found}")
sys.exit(found != 0)
