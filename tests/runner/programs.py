"""Running one test program with a time limit, its whole process group ended when it passes."""

import os
import signal
import subprocess
import time

SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


_live = set()  # processes that are waited for, of all threads


def start(argv, env=None, cwd=None):
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=dict(SANITIZER_ENV, **os.environ, **(env or {})),
        cwd=cwd,
        start_new_session=True,
    )


def finish(proc, timeout):
    """(exit code or words, output)."""
    _live.add(proc)
    try:
        out, _ = proc.communicate(timeout=timeout)
        status = proc.returncode
    except subprocess.TimeoutExpired:
        _end_group(proc)
        out, _ = proc.communicate()
        return f"killed after {timeout} s", out
    except BaseException:
        _end_group(proc)
        raise
    finally:
        _live.discard(proc)
    if status < 0:
        return f"killed by {signal.Signals(-status).name}", out
    return status, out


def end_all():
    """What other threads wait for ends now."""
    for proc in list(_live):
        _end_group(proc)


def _end_group(proc):
    try:
        os.killpg(proc.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(argv, timeout, env=None, cwd=None):
    return finish(start(argv, env, cwd), timeout)


def run_many(jobs, timeout, width):
    """Runs (name, argv, env) jobs, `width` at a time; yields (name, status, output) in their order."""
    waiting, live = list(jobs), []
    try:
        while waiting or live:
            while waiting and len(live) < width:
                name, argv, env = waiting.pop(0)
                live.append((name, start(argv, env), time.monotonic() + timeout))
            name, proc, end = live.pop(0)
            status, out = finish(proc, max(1, end - time.monotonic()))
            yield name, status, out
    finally:
        for _, proc, _ in live:
            _end_group(proc)
            proc.wait()
