#!/usr/bin/python3
"""Runs a command and notes what it took; prints such notes as a table.

measure.py run RESULTS LABEL COMMAND…   appends one line to RESULTS: label, seconds, core-seconds, KiB of memory
measure.py note RESULTS LABEL MILLISECONDS   appends what was measured elsewhere, as seconds
measure.py table RESULTS                medians by label, in order of their first appearance
measure.py growth SIZE=RESULTS…         medians of seconds, a column for each size, and the most memory
measure.py ratio RESULTS FIELD LABEL OTHER BAR TITLE   the medians' ratio, and whether it meets the bar
measure.py limit RESULTS FIELD LABEL BAR TITLE         the same for a greatest value, such as memory
measure.py middle RESULTS FIELD LABEL BAR TITLE        the same for a median of seconds
FIELD is seconds, cores or kib. Core-seconds are user and system time of the process and of the children it waited
for, from wait4(); memory is the largest of its processes.
"""
import os
import statistics
import sys
import time

FIELDS = {"seconds": 0, "cores": 1, "kib": 2}


def run(results, label, *command):
    begun = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - begun
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        sys.exit(f"{label}: exit {code}: {' '.join(command)}")
    append(results, label, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def append(results, label, seconds, cores, kib):
    with open(results, "a", encoding="utf-8") as file:
        file.write(f"{label}\t{seconds:.6f}\t{cores:.6f}\t{kib}\n")


def read(results):
    rows = {}
    with open(results, encoding="utf-8") as file:
        for line in file:
            label, *numbers = line.rstrip("\n").split("\t")
            rows.setdefault(label, []).append([float(number) for number in numbers])
    return rows


def median(rows, label, field):
    return statistics.median(row[FIELDS[field]] for row in rows[label])


def p99(values):
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


def growth(*columns):
    sizes = [column.split("=", 1)[0] for column in columns]
    tables = [read(column.split("=", 1)[1]) for column in columns]
    print(f"{'seconds (MiB of memory at the largest)':52}" + "".join(f"{int(size):>13,}" for size in sizes))
    for label in tables[0]:
        cells = "".join(f"{median(rows, label, 'seconds'):13.3f}" if label in rows else f"{'':13}" for rows in tables)
        kib = max((row[2] for row in tables[-1].get(label, [])), default=0)
        print(f"{label:52}{cells}" + (f"  ({kib / 1024:.0f})" if kib else ""))


def table(results):
    print(f"{'':44} {'rounds':>6} {'seconds':>9} {'p99':>9} {'core-s':>8} {'MiB':>6}")
    for label, values in read(results).items():
        seconds = [row[0] for row in values]
        cores = statistics.median(row[1] for row in values)
        kib = max(row[2] for row in values)
        print(f"{label:44} {len(values):6} {statistics.median(seconds):9.3f} {p99(seconds):9.3f} "
              f"{f'{cores:8.2f}' if cores else '       -'} {f'{kib / 1024:6.0f}' if kib else '     -'}")


def verdict(title, value, unit, bar):
    print(f"{title:58} {value:8.2f}{unit}   bar {float(bar):g}{unit}   {'met' if value <= float(bar) else 'missed'}")


def ratio(results, field, label, other, bar, title):
    rows = read(results)
    verdict(title, median(rows, label, field) / median(rows, other, field), "", bar)


def limit(results, field, label, bar, title):
    largest = max(row[FIELDS[field]] for row in read(results)[label])
    verdict(title, largest / 1024 if field == "kib" else largest, " MiB" if field == "kib" else " s", bar)


def middle(results, field, label, bar, title):
    value = median(read(results), label, field)
    verdict(title, value * 1000, " ms", float(bar) * 1000)


def note(results, label, milliseconds):
    append(results, label, float(milliseconds) / 1000, 0, 0)


{"run": run, "note": note, "table": table, "growth": growth, "ratio": ratio, "limit": limit,
 "middle": middle}[sys.argv[1]](*sys.argv[2:])
