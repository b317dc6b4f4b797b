#!/usr/bin/env python3
"""Writes seeds for the fuzz targets of the MDS messages, one folder for each target, from the captured messages.

usage: mds_seeds.py OUT

corpus/ holds those of them that reach code the others do not: fuzz_reply -merge=1 corpus/reply OUT/reply
"""
import gzip
import struct
import sys
from pathlib import Path

MESSAGES = Path(__file__).resolve().parent.parent / "data" / "messages"
SESSION, FORWARD, REPLY, CAPS, LEASE, SNAP, QUOTA = 22, 25, 26, 0x310, 0x311, 0x312, 0x314
LISTINGS = (0x305, 0x402)
# the byte by which fuzz_lease_snap_quota chooses
SMALL = {LEASE: 0, SNAP: 1, QUOTA: 2, FORWARD: 3}


def records(path):
    """(type, header version, front) of each message of a file."""
    data, at = gzip.decompress(path.read_bytes()), 0
    while at < len(data):
        kind, version, front, middle, bulk = struct.unpack_from("<HH4xIII", data, at)
        at += 20
        yield kind, version, data[at:at + front]
        at += front + middle + bulk


def listing(front):
    """The extra of a READDIR or LSSNAP reply, or nothing."""
    if struct.unpack_from("<I", front)[0] not in LISTINGS:
        return b""
    at = 15
    at += 4 + struct.unpack_from("<I", front, at)[0]
    size = struct.unpack_from("<I", front, at)[0]
    return front[at + 4:at + 4 + size]


def seeds(kind, version, front):
    """(target, bytes) for one message."""
    if kind == REPLY:
        yield "reply", front
        if listing(front):
            yield "readdir", listing(front)
    elif kind == CAPS:
        yield "caps", bytes([version]) + front
    elif kind == SESSION:
        yield "session", bytes([version]) + front
    elif kind in SMALL:
        yield "lease_snap_quota", bytes([SMALL[kind]]) + front


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out, count = Path(sys.argv[1]), 0
    for path in sorted(MESSAGES.glob("*.msgs.gz")):
        for record in records(path):
            for target, data in seeds(*record):
                (out / target).mkdir(parents=True, exist_ok=True)
                (out / target / f"{path.name.split('.')[0]}-{count}").write_bytes(data)
                count += 1
    print(f"{count} seeds in {out}")


if __name__ == "__main__":
    main()
