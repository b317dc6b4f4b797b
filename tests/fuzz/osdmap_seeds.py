#!/usr/bin/env python3
"""Writes seeds for the fuzz targets of OSD maps, one folder for each target, from tests/data/osdmaps.

usage: osdmap_seeds.py OUT

corpus/ holds those of them that reach code the others do not: fuzz_osdmap -merge=1 corpus/osdmap OUT/osdmap
"""
import gzip
import struct
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data" / "osdmaps"
LARGE = 16000


def parts(wire):
    """An input made of a map: {version, length, client's part, OSDs' part}."""
    client_len = struct.unpack_from("<I", wire, 8)[0]
    client, at = wire[12:12 + client_len], 12 + client_len
    osd_len = struct.unpack_from("<I", wire, at + 2)[0]
    return wire[6:7] + struct.pack("<I", client_len) + client + wire[at + 6:at + 6 + osd_len]


def records(path):
    data, at = gzip.decompress(path.read_bytes()), 0
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        yield data[at + 8:at + 8 + size]
        at += 8 + size


def blobs(wire):
    """Length-prefixed crush maps inside a map: by their magic."""
    at = wire.find(b"\0\0\1\0", 4)
    while at >= 0:
        size = struct.unpack_from("<I", wire, at - 4)[0]
        if 40 < size <= len(wire) - at:
            yield wire[at:at + size]
        at = wire.find(b"\0\0\1\0", at + 1)


def seeds():
    for path in sorted(DATA.glob("*.osdmap")):
        wire = path.read_bytes()
        if len(wire) > LARGE:
            continue
        yield "osdmap", parts(wire)
        for blob in blobs(wire):
            for rule in range(3):
                yield "crush", bytes([rule, 5]) + struct.pack("<I", 7) + blob
    for path in sorted(DATA.glob("msr_*.crush")):
        for rule in range(2):
            yield "crush", bytes([rule, 8]) + struct.pack("<I", 7) + path.read_bytes()
    for path in sorted(DATA.glob("*.incs.gz")):
        maps = list(records(path))
        for wire in maps[1:]:
            yield "osdmap_inc", parts(wire)
        batch = bytes(16) + struct.pack("<I", 3) + b"".join(
            struct.pack("<II", n, len(m)) + m for n, m in enumerate(maps[1:4], 2))
        yield "osdmap", b"\xff" + batch + struct.pack("<III", 1, 1, len(maps[0])) + maps[0] + struct.pack("<III", 1, 4, 0)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out, count = Path(sys.argv[1]), 0
    for target, data in seeds():
        (out / target).mkdir(parents=True, exist_ok=True)
        (out / target / f"captured-{count}").write_bytes(data)
        count += 1
    print(f"{count} seeds in {out}")


if __name__ == "__main__":
    main()
