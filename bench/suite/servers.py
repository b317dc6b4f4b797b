"""File servers on CephFS that copy a tree in and out: how long it takes, and what CPU the server's processes use."""

import filecmp
import os
import random
import subprocess
import sys
import time

from .stats import Failure

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "consumers"))

import servers  # noqa: E402

COPY_S = 600
LEAVES_S = 20
PER_DIRECTORY = 50
SIZES = range(512, 8193, 4)
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def make_tree(top, files):
    """Small files of random sizes, the same each time."""
    dice = random.Random(files)
    for i in range(files):
        where = os.path.join(top, f"d{i // PER_DIRECTORY:03}")
        os.makedirs(where, exist_ok=True)
        with open(os.path.join(where, f"f{i:05}"), "wb") as f:
            f.write(dice.randbytes(dice.choice(SIZES)))


def same_tree(a, b):
    for where, _, names in os.walk(a):
        other = os.path.join(b, os.path.relpath(where, a))
        _, differ, errors = filecmp.cmpfiles(where, other, names, shallow=False)
        if differ or errors:
            return False
    return True


def processes(session):
    """Those of a session that run, and the CPU ticks of all and of their children that ended."""
    running, ticks = [], 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                words = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(words[3]) == session:
            running += [pid] if words[0] != "Z" else []
            ticks += sum(int(w) for w in words[11:15])
    return running, ticks


class Samba:
    """smbclient, one connection for the whole tree; smbd has a process for it, which mounts CephFS and unmounts it."""

    command = staticmethod(servers.samba)

    def ready(self, port):
        self.run(port, "ls")

    def run(self, port, commands):
        argv = ["smbclient", "//127.0.0.1/share", "-p", str(port), "-N", "-s", "/dev/null", "-c", commands]
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COPY_S)

    def put(self, port, here, there):
        return self.run(port, f"prompt off; recurse; mkdir {there}; cd {there}; lcd {here}; mput *")

    def get(self, port, here, there):
        os.mkdir(here)
        return self.run(port, f"prompt off; recurse; cd {there}; lcd {here}; mget *")


class Ganesha:
    """libnfs, one process for the whole tree."""

    command = staticmethod(servers.ganesha)

    def ready(self, port):
        """It listens before the export is there."""
        until = time.monotonic() + LEAVES_S
        while subprocess.run(["nfs-ls", servers.nfs_url(port)], capture_output=True).returncode:
            if time.monotonic() > until:
                raise Failure("ganesha has no export")
            time.sleep(0.2)

    def run(self, verb, port, here, there):
        argv = servers.nfs_tree(verb, servers.nfs_url(port), f"/{there}", here)
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COPY_S)

    def put(self, port, here, there):
        return self.run("put", port, here, there)

    def get(self, port, here, there):
        return self.run("get", port, here, there)


KINDS = {"samba": Samba, "ganesha": Ganesha}


class Running:
    """A server of that kind, on that library (None: the real one), with its files in `where`."""

    def __init__(self, kind, library, where, mds):
        os.makedirs(where)
        self.mds = mds
        self.kind, self.port = KINDS[kind](), servers.free_port()
        argv = servers.on(library, os.path.join(where, "cephring.log"), self.kind.command(where, self.port))
        self.process = servers.serve(argv, self.port, os.path.join(where, "out"))
        if not self.process:
            raise Failure(f"{kind} does not start: {where}/out")

    def __enter__(self):
        try:
            self.kind.ready(self.port)
            self.quiet = self.settled(None)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        pids = processes(self.process.pid)[0]
        servers.stop(self.process)
        self.mds.evict(pids)  # Ganesha on the real library does not unmount

    def settled(self, count):
        """When the processes of a connection have ended: how many are left."""
        until = time.monotonic() + LEAVES_S
        last = None
        while time.monotonic() < until:
            now = len(processes(self.process.pid)[0])
            if now == last if count is None else now <= count:
                break
            last = now
            time.sleep(0.2)
        return now

    def copy(self, verb, here, there):
        """Seconds that passed, CPU seconds of the server's processes."""
        before = processes(self.process.pid)[1]
        began = time.monotonic()
        try:
            done = getattr(self.kind, verb)(self.port, here, there)
        except subprocess.TimeoutExpired:
            raise Failure(f"{verb}: not done in {COPY_S} s")
        took = time.monotonic() - began
        if done.returncode or "NT_STATUS" in done.stdout + done.stderr:
            raise Failure(f"{verb}: {(done.stdout + done.stderr).strip()[-300:]}")
        self.settled(self.quiet)
        return took, (processes(self.process.pid)[1] - before) * TICK_S
