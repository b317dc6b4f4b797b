#!/usr/bin/env python3
"""Writes seeds for the fuzz targets of frames, maps, logins and texts, one folder for each target.

usage: proto_seeds.py OUT

They come from tests/data. corpus/ holds those of them that reach code the others do not:
fuzz_frame -merge=1 corpus/frame OUT/frame
"""
import gzip
import json
import struct
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
VECTORS = DATA / "vectors"
# the byte by which fuzz_monmap chooses
MAPS = {4: 0, 103: 1, 14: 3, 20: 4, 62: 5}
MDSMAP = 21
# the session key of fuzz_cephx
SESSION = bytes.fromhex("b60aaa584ece023f").ljust(32, b"\0")

CONFS = [
    "[global]\n\tfsid = a\n\tmon host = [v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0]\n[client]\nkeyring = /etc/$cluster.$name.keyring\n",
    "# c\n[client.admin] ; x\nkey = \"a # b\" # d\nrun_dir = ${home}/$host \\\n $pid\na = $b\nb = $a\n",
    "\ufefffirst-key = 'q'\\\r\nx\\#y = z\\\\\n[ osd ]\n",
]
KEYRINGS = [
    "[client.admin]\n\tkey = AQBSngJrcPorCxAAGkgTUpYmzK00GEjjMat33A==\n\tcaps mds = \"allow *\"\n",
    "[client.admin]\nkey = AgAzrgJr2Qv0CCAAuFhIe9GHFOr52mYkhsKkon1ibTac9Jhq7N79Q6jxyvg=\n",
    "AQBSngJrcPorCxAAGkgTUpYmzK00GEjjMat33A==",
]
MONHOSTS = [
    "10.0.0.1,10.0.0.2:3300;10.0.0.3:6789 mon-a:3301",
    "[v2:10.0.0.1:3300/0,v1:10.0.0.1:6789/0],[v2:[fd00::1]:3300/0]",
    "[::1]:3300 v2:[fe80::1] any:h v1:h fd00::5",
]
ARGS = ["--id a -c /etc/x.conf --keyring=/k -m '10.0.0.1 10.0.0.2'", "--no-mon-config --client-mount-timeout 5 -n\\ x"]


def records(path):
    """(type, front) of each message of a file."""
    data, at = gzip.decompress(path.read_bytes()), 0
    while at < len(data):
        kind, front, middle, bulk = struct.unpack_from("<H6xIII", data, at)
        at += 20
        yield kind, data[at:at + front]
        at += front + middle + bulk


def map_seeds():
    seen = set()
    for path in sorted((DATA / "messages").glob("*.msgs.gz")):
        for kind, front in records(path):
            if (kind, len(front)) in seen:
                continue
            seen.add((kind, len(front)))
            if kind == 4:
                yield "monmap", bytes([0]) + front[4:]
            elif kind in MAPS:
                yield "monmap", bytes([MAPS[kind]]) + front
            elif kind == MDSMAP:
                yield "mdsmap", bytes([2]) + front


def frame_seeds():
    for path in sorted(VECTORS.glob("*.frame")):
        yield "frame", b"\0" + path.read_bytes()
        yield "frame", b"\1" + path.read_bytes()
    # control frames in the clear, and the same as plain text to encrypt
    for path in sorted(VECTORS.glob("*crc*.bin")):
        data, at = path.read_bytes(), 26
        while at < len(data):
            tag, count, size = struct.unpack_from("<BBI", data, at)
            if count != 1:
                break
            end = at + 32 + size + 4
            yield "frame", b"\1" + data[at:end]
            if path.name.startswith("mon"):
                yield "frame", b"\2" + data[at:end - 4]
            at = end


def op(code, body=b"", usage=0):
    return bytes([usage << 4 | code, len(body)]) + body


def tickets(entries, code):
    script = op(0, struct.pack("<BI", 1, len(entries)))
    for entry in entries:
        # the session key is the one that the target seals with
        body = bytes.fromhex(entry["session_blob"]["plaintext"])[9:]
        body = body[:13] + (SESSION if entry["service"] == 32 else body[13:45]) + body[45:]
        script += op(0, struct.pack("<IB", entry["service"], 1)) + op(code, body, 0)
        ticket = entry["ticket"]
        if entry["ticket_encrypted"]:
            script += op(0, b"\1") + op(2, bytes.fromhex(ticket["plaintext"])[9:], 2)
        else:
            ticket = bytes.fromhex(ticket)
            script += op(0, b"\0" + struct.pack("<I", len(ticket)) + ticket)
    return script


def cephx_seeds():
    keys = json.loads((VECTORS / "aes256k_keys.json").read_text())
    for name, what in (("mon", 4), ("secure", 5)):
        done = keys[name]["auth_done"]
        script = op(0, bytes.fromhex("000100000000")) + tickets(done["auth_ticket"], 1)
        script += op(3) + op(2, bytes.fromhex(done["cbl"]["plaintext"])[9:], 1) + op(4)
        script += op(3) + tickets(done["extra"], 2) + op(4)
        yield "cephx", bytes([what]) + script
        yield "cephx", bytes([7]) + op(0, bytes.fromhex("000200000000")) + tickets(done["extra"][:2], 2)
    reply = b"\2" + struct.pack("<QI", 42, 64) + bytes(64)
    for flag in (2, 6, 10, 14):
        yield "cephx", bytes([flag]) + op(2, reply, 4)
        yield "cephx", bytes([flag]) + op(5, b"\1abcdefgh", 3)


def text_seeds():
    for target, texts in (("conf", CONFS), ("keyring", KEYRINGS), ("monhost", MONHOSTS), ("args", ARGS)):
        for text in texts:
            yield target, text.encode()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out, count = Path(sys.argv[1]), {}
    for source in (map_seeds, frame_seeds, cephx_seeds, text_seeds):
        for target, data in source():
            count[target] = count.get(target, 0) + 1
            (out / target).mkdir(parents=True, exist_ok=True)
            (out / target / f"seed-{count[target]}").write_bytes(data)
    print(", ".join(f"{n} {target}" for target, n in count.items()))


if __name__ == "__main__":
    main()
