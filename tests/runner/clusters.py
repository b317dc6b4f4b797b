"""Cluster tests: programs that print TAP and want a real Ceph.

The first line of tests/cluster/NAME.c names the layout: `/* cluster: --mds 2 --mon 3; timeout: 300 */`. Tests mostly
wait, so some clusters run side by side: each takes one test after another of its layout, and before each it is brought
back to HEALTH_OK; when none is left of that layout, a cluster of another one follows.
"""

import glob
import json
import os
import re
import subprocess
import threading
import time
import traceback

from . import programs
from .builds import RACED, RACES, REPO, TESTED

DEVCLUSTER = os.path.join(REPO, "tools", "devcluster")
TIMEOUT_S = 120
START_S = 240
WIDTH = max(2, os.cpu_count() or 2) + 1  # clusters at a time
BUILT = [(TESTED, "cluster"), (RACES, "cluster-tsan")]
HEAD = re.compile(r"/\*\s*cluster:\s*([^;*]*?)\s*(?:;\s*timeout:\s*(\d+)\s*)?\*/")


def find(pattern):
    """[(layout, name, timeout, wants a client of this machine's Ceph)] of the tests, those with most time first."""
    tests = []
    for source in sorted(glob.glob(os.path.join(REPO, "tests", "cluster", "*.c"))):
        name = os.path.basename(source)[:-2]
        if pattern and pattern not in name:
            continue
        with open(source) as f:
            text = f.read()
        head = HEAD.match(text)
        if not head:
            tests.append((None, name, 0, False))
            continue
        old_client = "libcephfs.h" in _with_includes(source, set())
        tests.append((" ".join(head[1].split()), name, int(head[2] or TIMEOUT_S), old_client))
    return sorted(tests, key=lambda t: (-t[2], t[1]))


def _with_includes(source, seen):
    """A file's text and that of the headers beside it that it includes."""
    seen.add(source)
    with open(source) as f:
        text = f.read()
    for name in re.findall(r'#\s*include\s*"([^"/]+)"', text):
        header = os.path.join(os.path.dirname(source), name)
        if header not in seen and os.path.exists(header):
            text += _with_includes(header, seen)
    return text


def run(tally, suite, pattern, keep):
    waiting = []
    for layout, name, timeout, old_client in find(pattern):
        if layout is None:
            tally.add(f"cluster/{name}", False, "its first line is not /* cluster: LAYOUT */")
            continue
        # libcephfs of this machine knows keys of type 1 only. A test that has its header and does without it says
        # --keys default; this machine's Ceph has one type.
        if suite == "bookworm":
            layout = layout.replace("--keys default", "").strip()
        elif old_client and "--keys" not in layout:
            layout += " --keys mixed"
        waiting.append((layout, name, timeout))
    queue = Queue(tally, suite, keep, waiting)
    workers = [threading.Thread(target=queue.work) for _ in range(min(WIDTH, len(waiting)))]
    for w in workers:
        w.start()
    try:
        for w in workers:
            w.join()
    except BaseException:
        queue.waiting.clear()
        programs.end_all()
        for w in workers:
            w.join()  # each wipes its cluster
        raise
    for words in queue.broken:
        tally.add("cluster: the runner", False, words)


class Queue:
    """The tests that nobody has taken yet."""

    def __init__(self, tally, suite, keep, waiting):
        self.tally, self.suite, self.keep, self.waiting = tally, suite, keep, waiting
        self.lock = threading.Lock()
        self.started = 0
        self.serving = []  # layouts that have a cluster
        self.broken = []

    def take(self, layout):
        """The next of this layout, or None."""
        with self.lock:
            for n, test in enumerate(self.waiting):
                if test[0] == layout:
                    return self.waiting.pop(n)
        return None

    def new_layout(self):
        """One that has no cluster yet, or else a second one; None when nothing waits."""
        with self.lock:
            layouts = [layout for layout, _, _ in self.waiting]
            fresh = [layout for layout in layouts if layout not in self.serving]
            if not layouts:
                return None
            self.serving.append((fresh or layouts)[0])
            self.started += 1
            return self.serving[-1], f"test-{os.getpid()}-{self.started}"

    def work(self):
        try:
            while new := self.new_layout():
                layout, name = new
                Group(self.tally, name, self.suite, layout).run(lambda layout=layout: self.take(layout), self.keep)
                self.serving.remove(layout)
        except Exception:
            self.broken.append(traceback.format_exc())


def _living():
    """{pid: command line} of all processes."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline") as f:
                command = f.read()
        except OSError:
            continue
        if command:
            found[pid] = command
    return found


class Group:
    def __init__(self, tally, name, suite, layout):
        self.tally = tally
        self.name = name
        self.start_args = ["start", "--quiet", "--suite", suite] + layout.split()

    def devcluster(self, *args):
        return programs.run([DEVCLUSTER, args[0], "--name", self.name, *args[1:]], START_S)

    def run(self, take, keep):
        try:
            while test := take():
                _, name, timeout = test
                for where, label in BUILT[: 2 if name in RACED else 1]:
                    if self.heal(name):
                        self.one(name, timeout, where, label)
                        self.forget_clients()
        finally:
            if keep:
                print(f"  kept: tools/devcluster env --name {self.name}", flush=True)
            else:
                self.end()

    def end(self):
        """The cluster goes, and nothing of it may stay."""
        if not os.path.isdir(self.dir()):
            return  # never started, and reported so
        before = self.processes()
        status, out = self.devcluster("wipe")
        left = [p for p in before if p in _living()]
        self.tally.add(f"cluster {self.name}: wipe leaves nothing running", status == 0 and before and not left, f"{left}\n{out}")

    def processes(self):
        """Pids of this cluster's daemons: those whose command line names its ceph.conf."""
        conf = os.path.join(self.dir(), "ceph.conf")
        return [pid for pid, command in _living().items() if conf in command]

    def dir(self):
        base = os.environ.get("CEPHRING_CLUSTERS") or os.path.join(REPO, "build-clusters")
        return os.path.join(base, self.name)

    def heal(self, test):
        """A whole cluster before each test; a new one where the last test left what cannot be mended."""
        status, out = self.devcluster(*self.start_args)
        if status != 0:
            self.devcluster("wipe")
            status, out = self.devcluster(*self.start_args)
        if status != 0:
            self.tally.add(f"cluster/{test}", False, f"no cluster:\n{out}")
        return status == 0

    def ceph(self, *args):
        """What a command of the ceph tool says in JSON; None when it fails."""
        done = subprocess.run(
            [DEVCLUSTER, "ceph", "--name", self.name, *args, "-f", "json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=START_S,
        )
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else None

    def forget_clients(self):
        """Sessions that a test left (it was killed, or killed somebody) would hold up the next one for a minute."""
        status = self.ceph("fs", "status") or {"mdsmap": []}
        for rank in {m["rank"] for m in status["mdsmap"] if "rank" in m}:
            for session in self.ceph("tell", f"mds.{rank}", "session", "ls") or ():
                self.devcluster("ceph", "tell", f"mds.{rank}", "session", "evict", f"id={session['id']}")

    def env(self):
        out = subprocess.run([DEVCLUSTER, "env", "--name", self.name], capture_output=True, text=True, check=True).stdout
        pairs = (line[len("export ") :].split("=", 1) for line in out.splitlines())
        return {key: value.strip("'") for key, value in pairs}

    def one(self, name, timeout, where, label):
        program = os.path.join(where, "tests", "cluster_" + name)
        if not os.path.exists(program):
            self.tally.add(f"{label}/{name}", False, f"{program} is not built: tests/meson.build must list it")
            return
        env = self.env()
        env["LSAN_OPTIONS"] = f"suppressions={REPO}/tests/cluster/leaks.supp:print_suppressions=0"
        began = time.monotonic()
        status, out = programs.run([program], timeout, env)
        self.tally.program(f"{label}/{name}", out, status, out, time.monotonic() - began)
