#!/usr/bin/python3
"""wal_segments.py FOLDER COUNT: WAL segments of 1 MiB as PostgreSQL 16 begins them, half of each noise, half zeros."""
import pathlib
import random
import struct
import sys

SYSTEM_IDENTIFIER = 7301234567890123456
SIZE = 1 << 20

folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
for number in range(1, count + 1):
    header = struct.pack("<HHIQIIQII", 0xD110, 0x0002, 1, number * SIZE, 0, 0, SYSTEM_IDENTIFIER, SIZE, 8192)
    noise = random.Random(number).randbytes(SIZE // 2)
    (folder / f"0000000100000000{number:08X}").write_bytes((header + noise).ljust(SIZE, b"\0"))
