#!/usr/bin/env python3
"""network_filesystem.py MOUNT_POINT [hang]: an empty FUSE filesystem, served until this ends; with `hang` nothing is
answered once it is mounted, as when an NFS server has gone.

Only what stat and statfs ask for is there. The numbers are those of <linux/fuse.h>.
"""
import ctypes
import errno
import os
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, STATFS, INIT, INTERRUPT, BATCH_FORGET = 1, 2, 3, 17, 26, 36, 42


def attributes():
    return struct.pack("<6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0, stat.S_IFDIR | 0o755, 2, 0, 0, 0, 4096, 0)


def answer(opcode):
    if opcode == INIT:
        return 0, struct.pack("<4I2H2I2HI7I", 7, 31, 0, 0, 1, 1, 65536, 1, 16, 0, 0, *[0] * 7)
    if opcode == GETATTR:
        return 0, struct.pack("<QII", 0, 0, 0) + attributes()
    if opcode == STATFS:
        return 0, struct.pack("<5Q4I6I", 1 << 30, 1 << 30, 1 << 30, 1 << 20, 1 << 20, 4096, 255, 4096, 0, *[0] * 6)
    return -(errno.ENOENT if opcode == LOOKUP else errno.ENOSYS), b""


def main():
    device = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    if libc.mount(b"test", sys.argv[1].encode(), b"fuse", 0, options.encode()) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    hang = sys.argv[2:] == ["hang"]
    while True:
        request = os.read(device, 1 << 20)
        opcode, unique = struct.unpack_from("<IQ", request, 4)
        if opcode in (FORGET, INTERRUPT, BATCH_FORGET) or (hang and opcode != INIT):
            continue
        status, body = answer(opcode)
        os.write(device, struct.pack("<IiQ", 16 + len(body), status, unique) + body)


main()
