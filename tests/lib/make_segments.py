"""make_segments.py DATA SYSID FIRST COUNT [MIB [SEED]]: what push needs of a data directory.

DATA/global/pg_control, and in DATA/pg_wal COUNT segments of timeline 1 from number FIRST on, as PostgreSQL 16 would
begin them. Their bytes are noise, which is the worst that a compressor can meet; another SEED gives other bytes.
"""
import os
import random
import struct
import sys

data, sysid, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
size = int(sys.argv[5] if len(sys.argv) > 5 else 1) << 20
seed = int(sys.argv[6]) if len(sys.argv) > 6 else 0

for folder in ("global", "pg_wal"):
    os.makedirs(os.path.join(data, folder), exist_ok=True)
with open(os.path.join(data, "global", "pg_control"), "wb") as control:
    control.write(struct.pack("<Q", sysid).ljust(8192, b"\0"))
per_id = (1 << 32) // size
for number in range(first, first + count):
    name = "00000001%08X%08X" % (number // per_id, number % per_id)
    header = struct.pack("<HHIQIIQII", 0xD110, 2, 1, number * size, 0, 0, sysid, size, 8192)
    noise = random.Random("%d %d %d" % (sysid, number, seed)).randbytes(size - len(header))
    with open(os.path.join(data, "pg_wal", name), "wb") as segment:
        segment.write(header + noise)
    print(name)
