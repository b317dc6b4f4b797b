"""The daemons of a cluster as processes: started in sessions of their own, found again by pid file.

A pid file holds the pid and the process's start time, so that a pid that was given to somebody else meanwhile is
never taken for the daemon.
"""

import os
import signal
import subprocess
import time

from .layout import Failure

TERM_GRACE_S = 10


def _stat(pid):
    """(state, start time) of a process; None when there is none."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        return fields[0], fields[19]
    except (FileNotFoundError, ProcessLookupError):
        return None


def _pid_file(layout, daemon):
    return layout.path("pid", daemon)


def start(layout, suite, daemon):
    kind, ident = daemon.split(".", 1)
    argv = suite.argv(layout, [f"ceph-{kind}", "-f", "-i", ident, "-c", layout.conf])
    with open(layout.path("log", f"{daemon}.out"), "ab") as out:
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd="/")
    stat = _stat(p.pid)
    with open(_pid_file(layout, daemon), "w") as f:
        f.write(f"{p.pid} {stat[1] if stat else 0}\n")
    return p


def pid(layout, daemon):
    """The living daemon's pid, or None."""
    try:
        with open(_pid_file(layout, daemon)) as f:
            number, started = f.read().split()
    except (FileNotFoundError, ValueError):
        return None
    stat = _stat(number)
    if not stat or stat[1] != started or stat[0] in "ZX":
        return None
    return int(number)


def state(layout, daemon):
    p = pid(layout, daemon)
    stat = _stat(p) if p else None
    if not stat:
        return "down", None
    return ("paused" if stat[0] == "T" else "up"), p


def running(layout):
    return [d for d in layout.daemons() if pid(layout, d)]


def send(layout, daemon, sig):
    p = pid(layout, daemon)
    if not p:
        return False
    try:
        os.kill(p, sig)
    except ProcessLookupError:
        return False
    return True


def _wait_gone(layout, daemons, seconds):
    end = time.monotonic() + seconds
    while True:
        reap()
        left = [d for d in daemons if pid(layout, d)]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.02)


def reap():
    """Collects children that ended, so that none stays as a zombie of this process."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def stop(layout, daemons, hard=False):
    """TERM, then KILL for what is still there. With `hard` KILL at once (nothing of its data is wanted)."""
    for d in daemons:
        if not hard:
            send(layout, d, signal.SIGTERM)
        send(layout, d, signal.SIGKILL if hard else signal.SIGCONT)
    left = _wait_gone(layout, daemons, TERM_GRACE_S)
    for d in left:
        send(layout, d, signal.SIGKILL)
    left = _wait_gone(layout, left, TERM_GRACE_S)
    if left:
        raise Failure(f"still running after SIGKILL: {', '.join(f'{d} (pid {pid(layout, d)})' for d in left)}")
    for d in daemons:
        if os.path.exists(_pid_file(layout, d)):
            os.unlink(_pid_file(layout, d))


def stop_all(layout, hard=False):
    """Monitors last: the others tell them that they go."""
    live = running(layout)
    if not hard:
        stop(layout, [d for d in live if not d.startswith("mon.")])
    stop(layout, running(layout), hard)
    return live
