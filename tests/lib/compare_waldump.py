"""compare_waldump.py RECORDS FACTS: what PostgreSQL tells of each segment's records and what its facts say are the same.

RECORDS: as pg_waldump prints them. FACTS: a line a segment, its name, a tab, and its facts as JSON. Ends with 1 and says what
differs."""
import json
import re
import sys

records_file, facts_file = sys.argv[1:]
line = re.compile(r"rmgr: (\S+)\s+len .*tx:\s+(\d+), lsn: ([0-9A-F]+)/([0-9A-F]+), prev \S+, desc: (.*)")
stamp = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)")
wrong = 0
totals = {}


def differs(segment, what, ours, theirs):
    global wrong
    totals[what] = totals.get(what, 0) + (len(theirs) if isinstance(theirs, (set, list)) else 1)
    if ours != theirs:
        wrong += 1
        print(f"{segment}: {what}: facts {ours}, pg_waldump {theirs}")


def time_of(text):
    day, clock = stamp.search(text).groups()
    whole, _, below = clock.partition(".")
    return f"{day}T{whole}.{below.ljust(6, '0')}Z"


def lsn_of(text):
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


everything = []
for text in open(records_file):
    match = line.match(text)
    if match:
        manager, xid, high, low, what = match.groups()
        everything.append((manager, int(xid), int(high, 16) << 32 | int(low, 16), what))

for row in open(facts_file):
    name, text = row.rstrip("\n").split("\t")
    facts = json.loads(text)
    begin, end = lsn_of(facts["begin"]), lsn_of(facts["end"])
    records = [r for r in everything if begin <= r[2] < end]
    if "tail" in facts:  # it ends in the next segment
        records = [r for r in records if r[2] != lsn_of(facts["tail"]["lsn"])]
    if not facts["complete"]:
        wrong += 1
        print(f"{name}: the facts are not complete")
    ends = [r for r in records if r[0] == "Transaction" and r[3].split()[0] in ("COMMIT", "ABORT", "COMMIT_PREPARED", "ABORT_PREPARED")]
    moments = [[time_of(r[3]), r[2]] for r in ends]
    commits = [m for m, r in zip(moments, ends) if r[3].startswith("COMMIT")]
    ours = lambda field: [facts[field][0], lsn_of(facts[field][1])] if facts[field] else None
    differs(name, "commits", facts["commits"], len(commits))
    differs(name, "first end", ours("first_end"), moments[0] if moments else None)
    differs(name, "last end", ours("last_end"), moments[-1] if moments else None)
    differs(name, "last commit", ours("last_commit"), commits[-1] if commits else None)
    differs(name, "greatest end", facts["greatest_end"] and facts["greatest_end"][0], max(m[0] for m in moments) if moments else None)
    events = facts["events"]
    of = lambda kind: {(lsn_of(e["lsn"])) for e in events if e["kind"] == kind}
    theirs = lambda manager, word: {r[2] for r in records if r[0] == manager and r[3].split()[0].startswith(word)}
    differs(name, "restore points", of("restore_point"), theirs("XLOG", "RESTORE_POINT"))
    differs(name, "parameters", of("parameters"), theirs("XLOG", "PARAMETER_CHANGE"))
    differs(name, "tablespaces created", of("tablespace_created"), theirs("Tablespace", "CREATE"))
    differs(name, "tablespaces dropped", of("tablespace_dropped"), theirs("Tablespace", "DROP"))
    differs(name, "databases created", of("database_created"), theirs("Database", "CREATE"))
    differs(name, "databases dropped", of("database_dropped"), theirs("Database", "DROP"))
    differs(name, "checkpoints", {lsn_of(c[0]) for c in facts["checkpoints"]},
            {r[2] for r in records if r[0] == "XLOG" and r[3].startswith(("CHECKPOINT_ONLINE", "CHECKPOINT_SHUTDOWN"))})
    here = {}
    for manager, xid, _, what in records:
        if manager == "Storage" and what.startswith("CREATE"):
            here.setdefault(xid, set()).add(what.split()[1].split("/")[-1])
    removed = set()
    for r in ends:
        files = re.search(r"rels: ([^;]*)", r[3])
        if not r[3].startswith("COMMIT") or not files:
            continue
        children = re.search(r"subxacts: ([\d ]*)", r[3])
        prepared = re.match(r"COMMIT_PREPARED (\d+)", r[3])
        own = set(here.get(int(prepared.group(1)) if prepared else r[1], set()))
        for child in children.group(1).split() if children else []:
            own |= here.get(int(child), set())
        if {f.split("/")[-1] for f in files.group(1).split()} - own:
            removed.add(r[2])
    differs(name, "commits that remove files", of("files_removed"), removed)
print(", ".join(f"{what}: {count}" for what, count in totals.items()))
sys.exit(1 if wrong else 0)
