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
SESSION, REQUEST, FORWARD, REPLY, CAPS, LEASE, SNAP, QUOTA = 22, 24, 25, 26, 0x310, 0x311, 0x312, 0x314
LISTINGS = (0x305, 0x402)
# the byte by which fuzz_extras chooses
EXTRAS = {0x1301: 0, 0x110: 1, 0x106: 2}
METADATA, MKSNAP = 3, 0x1400
# whose clients agreed upon snap realms with a header
WRAPPED = ("ceph18", "ceph20")
# the byte by which fuzz_lease_snap_quota chooses
SMALL = {LEASE: 0, SNAP: 1, QUOTA: 2, FORWARD: 3}


def records(path):
    """(type, header version, front, data) of each message of a file."""
    data, at = gzip.decompress(path.read_bytes()), 0
    while at < len(data):
        kind, version, front, middle, bulk = struct.unpack_from("<HH4xIII", data, at)
        at += 20
        end = at + front + middle + bulk
        yield kind, version, data[at:at + front], data[end - bulk:end]
        at = end


def blobs(front):
    """The trace, the extra and the snap realms of a reply."""
    at = 15
    for _ in range(3):
        size = struct.unpack_from("<I", front, at)[0]
        yield front[at + 4:at + 4 + size]
        at += 4 + size


def realms(kind, front):
    """The snap realms that a message tells of, or nothing."""
    if kind == REPLY:
        return list(blobs(front))[2]
    if kind == SNAP:
        inos, children, size = struct.unpack_from("<III", front, 12)
        return front[24 + 8 * (inos + children):][:size]
    if kind == CAPS:
        return front[176:][:struct.unpack_from("<I", front, 60)[0]]
    return b""


def sized(trace):
    return struct.pack("<H", len(trace)) + trace


def reply_seeds(front):
    op, extra = struct.unpack_from("<I", front)[0], list(blobs(front))[1]
    yield "reply", front
    if extra and op in LISTINGS:
        yield "readdir", extra
    if op in EXTRAS:
        yield "extras", bytes([EXTRAS[op]]) + extra


def seeds(name, kind, version, front, data):
    """(target, bytes) for one message."""
    if kind == REPLY:
        yield from reply_seeds(front)
    elif kind == CAPS:
        yield "caps", bytes([version]) + front
    elif kind == SESSION:
        yield "session", bytes([version]) + front
    elif kind in SMALL:
        yield "lease_snap_quota", bytes([SMALL[kind]]) + front
    elif kind == REQUEST and struct.unpack_from("<I", front, 22)[0] == MKSNAP:
        yield "extras", bytes([METADATA]) + data[6:]
    if realms(kind, front):
        yield "realm", bytes([name in WRAPPED]) + realms(kind, front)
        yield "realm_trace", bytes([0x80 * (name in WRAPPED), 0]) + sized(realms(kind, front))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out, count = Path(sys.argv[1]), 0
    for path in sorted(MESSAGES.glob("*.msgs.gz")):
        name = path.name.split(".")[0]
        for record in records(path):
            for target, data in seeds(name, *record):
                (out / target).mkdir(parents=True, exist_ok=True)
                (out / target / f"{name}-{count}").write_bytes(data)
                count += 1
    print(f"{count} seeds in {out}")


if __name__ == "__main__":
    main()
