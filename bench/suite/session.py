"""A run of a suite: rounds through every client, interleaved, each round in a fresh process on the same cluster.

A round is a list of steps; a step is a line for the worker (`up`, `down`, or a workload). Clients never have the file
system mounted at the same time, so none takes caps away from another. Before and after each workload the MDS is asked
for its counters; nothing else of ours runs while a workload does.
"""

import dataclasses
import os
import subprocess
import tempfile

from . import cluster, workers
from .stats import Failure, Series


STEP_S = 300  # a workload that has not ended by then hangs


@dataclasses.dataclass
class Step:
    workload: str = ""     # name of the row; empty: a command that cannot fail alone (up, down)
    line: str = ""
    measured: bool = True  # False: a workload that others need, and no row
    needs: tuple = ()      # names of workloads without which this one is pointless


class Session:
    def __init__(self, conf, exes, progress):
        self.conf = conf
        self.exes = exes          # client -> path of its worker
        self.progress = progress
        self.mds = cluster.Mds(conf)
        self.series = {}          # (workload, client) -> Series
        self.failed = {}          # (workload, client) -> words
        self.scratch = tempfile.TemporaryDirectory(prefix="cephring-bench-")

    def close(self):
        self.scratch.cleanup()

    def of(self, workload, client):
        return self.series.setdefault((workload, client), Series())

    # ---- timed rounds ----

    def round(self, client, steps, title, before=()):
        """One worker runs all steps. A workload that fails is noted and left out of later rounds."""
        worker = workers.Worker(self.exes[client], self.conf, before=before)
        try:
            for step in steps:
                if not self.possible(client, step):
                    continue
                self.progress.say(f"{title}  {client}  {step.workload or step.line}")
                if step.workload:
                    self.measure(worker, client, step)
                else:
                    worker.ask(step.line)
        except Failure as e:
            self.fail_rest(client, steps, step, e)
        finally:
            worker.close()

    def possible(self, client, step):
        if (step.workload, client) in self.failed:
            return False
        for need in step.needs:
            if (need, client) in self.failed:
                if step.workload and step.measured:
                    self.failed[step.workload, client] = f"not without {need}"
                return False
        return True

    def measure(self, worker, client, step):
        path = os.path.join(self.scratch.name, "samples")
        try:
            if not step.measured:
                worker.ask(step.line, timeout=STEP_S)
                return
            looked = self.mds.look()
            got = worker.ask(f"{step.line} out={path}", timeout=STEP_S)
        except Failure as e:
            if worker.process.poll() is not None:
                raise
            self.failed[step.workload, client] = str(e)
            return
        got["mds"] = cluster.difference(looked, self.mds.look())
        self.of(step.workload, client).add(got, path)

    def fail_rest(self, client, steps, at, error):
        """The worker is gone, or cannot mount: everything from here on failed."""
        for step in steps[steps.index(at):]:
            if step.workload:
                self.failed.setdefault((step.workload, client), f"{at.workload or at.line}: {error}")

    # ---- rounds that count system calls ----

    def count(self, client, steps, title):
        """The kernel's tracepoint where it lets us; else strace, which is slower and counts the same."""
        self.progress.say(f"{title}  {client}")
        try:
            worker = workers.Worker(self.exes[client], self.conf, mode="count")
        except Failure:
            return self.count_strace(client, steps)
        try:
            for step, got in self.ask_counting(worker, client, steps):
                self.counted(client, step, got)
        finally:
            worker.close()
        return "kernel tracepoint raw_syscalls:sys_enter"

    def ask_counting(self, worker, client, steps):
        answers = []
        for step in steps:
            if not self.possible(client, step):
                continue
            try:
                answers.append((step, worker.ask(step.line, timeout=STEP_S)))
            except Failure as e:
                self.failed[step.workload or step.line, client] = f"counting system calls: {e}"
                break
        return answers

    def counted(self, client, step, got):
        if step.workload and step.measured:
            self.of(step.workload, client).counted.append(got)

    def count_strace(self, client, steps):
        log = os.path.join(self.scratch.name, "strace")
        before = ["strace", "-f", "-qq", "-s", "16", "-o", log]
        try:
            worker = workers.Worker(self.exes[client], self.conf, mode="mark", before=before)
        except (FileNotFoundError, Failure):
            return "not counted: no tracepoints (root?) and no strace"
        try:
            answers = self.ask_counting(worker, client, steps)
        finally:
            worker.close()
        counts = iter(workers.count_marked(log))
        for step, got in answers:
            if got.get("samples"):
                # each sample of a mount is a stretch of its own
                stretches = got["samples"] if step.line.split()[0] == "mount" else 1
                got["calls"] = sum(next(counts) for _ in range(stretches))
                self.counted(client, step, got)
        return "strace -f"

    # ---- the floor ----

    def floor(self, exe, workload, asked, port, n, before=()):
        """Bare round trips: `asked` is what floor.c takes."""
        path = os.path.join(self.scratch.name, "samples")
        argv = list(before) + [exe, "ask", str(port), path, f"n={n}"] + [f"{k}={v}" for k, v in asked.items()]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise Failure(f"floor of {workload}: {done.stderr.strip()}")
        return done.stdout, path
