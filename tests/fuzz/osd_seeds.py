#!/usr/bin/env python3
"""Writes seeds for the fuzz targets of the OSD messages, one folder for each target, from the captured messages.

usage: osd_seeds.py OUT

corpus/ holds those of them that reach code the others do not: fuzz_osd_reply -merge=1 corpus/osd_reply OUT/osd_reply
"""
import sys
from pathlib import Path

MESSAGES = Path(__file__).resolve().parent.parent / "data" / "osd" / "messages.txt"
REPLY_VERSION = 8


def records():
    """(title, front, data) of each message."""
    title, front = "", b""
    for line in MESSAGES.read_text().splitlines():
        if line.startswith("## "):
            if front:
                yield title, front, b""
            title, front = line[3:], b""
        elif line.startswith("front: "):
            front = bytes.fromhex(line[7:])
        elif line.startswith("data:") and front:
            yield title, front, bytes.fromhex(line[5:].strip())
            front = b""
    if front:
        yield title, front, b""


def seeds(title, front, data):
    """(target, bytes) for one message."""
    if "MOSDOpReply" in title:
        yield "osd_reply", bytes([REPLY_VERSION, (len(data) + 15) >> 4]) + front
        if title.startswith("sparse"):
            yield "osd_reply", data
    elif "MOSDBackoff" in title:
        yield "osd_backoff", front


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out, count = Path(sys.argv[1]), 0
    for record in records():
        for target, data in seeds(*record):
            (out / target).mkdir(parents=True, exist_ok=True)
            (out / target / f"captured-{count}").write_bytes(data)
            count += 1
    print(f"{count} seeds in {out}")


if __name__ == "__main__":
    main()
