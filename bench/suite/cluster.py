"""The cluster as seen from its own side: the MDSs' counters, through their admin sockets, and their threads."""

import configparser
import glob
import json
import os
import socket
import struct
import time

from .stats import Failure


def command(path, words, timeout=60, **more):
    """One command to a daemon's admin socket; (answer, pid of the daemon)."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(path)
        s.sendall(json.dumps({"prefix": words, "format": "json", **more}).encode() + b"\0")
        pid = struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        text = b""
        while more := s.recv(1 << 16):
            text += more
    return json.loads(text[4:] or b"null"), pid


def mds_sockets(conf, kind="mds"):
    """Where the configuration file says that MDSs (or others) of this machine have their admin sockets."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    parser.read(conf)
    pattern = ""
    for section in ("global", kind):
        if parser.has_section(section):
            items = {k.strip().replace(" ", "_"): v for k, v in parser.items(section)}
            pattern = items.get("admin_socket") or pattern
    pattern = pattern or "/var/run/ceph/$cluster-$name.asok"
    pattern = pattern.replace("$cluster", "*").replace("$name", f"{kind}.*").replace("$type", kind).replace("$id", "*")
    return sorted(p for p in glob.glob(pattern) if "/client." not in p)


def osd_pids(conf):
    found = []
    for path in mds_sockets(conf, "osd"):
        try:
            found.append(command(path, "version")[1])
        except (OSError, ValueError):
            continue
    return found


class Mds:
    """All active MDSs together, and what the OSDs spend meanwhile."""

    def __init__(self, conf):
        self.paths = []
        self.osds = osd_pids(conf)
        for path in mds_sockets(conf):
            try:
                if command(path, "status")[0].get("state") == "up:active":
                    self.paths.append(path)
            except (OSError, ValueError):
                continue

    def settle(self):
        """Writes out what making the data left behind, so that it does not run beside the measuring."""
        for path in self.paths:
            command(path, "flush journal")

    def evict(self, pids):
        """Ends the sessions of processes that went without a word: until then others wait for what they held."""
        for path in self.paths:
            for client in command(path, "session ls")[0]:
                if client["client_metadata"].get("pid") in map(str, pids):
                    command(path, "session evict", filters=[f"id={client['id']}"])

    def look(self):
        """Counters now: requests, the seconds they took inside the MDS, bytes in and out; CPU of each thread; and
        how long this machine's CPUs were busy."""
        sums = {"requests": 0, "seconds": 0.0, "bytes_in": 0, "bytes_out": 0, "threads": {}}
        for path in self.paths:
            try:
                dump, pid = command(path, "perf dump")
            except (OSError, ValueError) as e:
                raise Failure(f"{path}: {e}")
            latency = dump["mds"]["reply_latency"]
            sums["requests"] += latency["avgcount"]
            sums["seconds"] += latency["sum"]
            for name, section in dump.items():
                if name.startswith("AsyncMessenger::Worker"):
                    sums["bytes_in"] += section["msgr_recv_bytes"]
                    sums["bytes_out"] += section["msgr_send_bytes"]
            sums["threads"].update(threads(pid))
        osd_ns = sum(ns for pid in self.osds for ns in threads(pid).values())
        return sums | {"osd_ns": osd_ns, "machine": machine_ticks(), "at_ns": time.monotonic_ns()}

    def pids(self):
        return [command(path, "status")[1] for path in self.paths]


def machine_ticks():
    """(busy, all) ticks of all CPUs since boot."""
    with open("/proc/stat") as f:
        user, nice, system, idle, iowait, *others = (int(x) for x in f.readline().split()[1:9])
    busy = user + nice + system + sum(others)
    return busy, busy + idle + iowait


def threads(pid):
    """{(pid, tid, name): CPU ns so far}"""
    found = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/comm") as f:
                name = f.read().strip()
            with open(f"/proc/{pid}/task/{tid}/schedstat") as f:
                found[(pid, tid, name)] = int(f.read().split()[0])
        except OSError:
            continue
    return found


def difference(before, after):
    """What happened between two looks. CPU by the threads' names: of the busiest of a name, and of all of them."""
    out = {k: after[k] - before[k] for k in ("requests", "seconds", "bytes_in", "bytes_out")}
    busiest, cpu_ns = {}, {}
    for key, ns in after["threads"].items():
        spent = ns - before["threads"].get(key, 0)
        if spent > 0:
            name = key[2]
            busiest[name] = max(busiest.get(name, 0), spent)
            cpu_ns[name] = cpu_ns.get(name, 0) + spent
    busy, ticks = (a - b for a, b in zip(after["machine"], before["machine"]))
    out["osd_ns"] = after.get("osd_ns", 0) - before.get("osd_ns", 0)
    out |= {"threads": busiest, "cpu_ns": cpu_ns, "window_ns": after["at_ns"] - before["at_ns"]}
    return out | {"machine_busy": busy / ticks if ticks else None}
