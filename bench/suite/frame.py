"""What every suite's script has around its measuring: options, where things are, the end of a run."""

import argparse
import os
import platform
import shlex
import signal
import subprocess
import sys
import time

from . import plot, report
from .progress import Progress
from .session import Session
from .stats import Failure, rounded

REPO = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
CLIENTS = ["libcephfs", "cephring"]


def options(suite, words, rounds):
    """A parser with what all suites understand."""
    p = argparse.ArgumentParser(prog=f"bench/{suite}", description=words)
    p.add_argument("--quick", action="store_true", help="fewer operations in a round")
    p.add_argument("--json", metavar="FILE", help="write all numbers there")
    p.add_argument("--out", metavar="DIR", help=f"percentile logs and the picture (default BUILD/bench-{suite})")
    p.add_argument("--cluster-conf", metavar="FILE", default=os.environ.get("CEPH_CONF"), help="default $CEPH_CONF")
    p.add_argument("--devcluster", metavar="PATH", help="where `PATH env` names the cluster, when there is no CEPH_CONF")
    p.add_argument("--build", metavar="DIR", default=os.path.join(REPO, "build"), help="where the workers were built")
    p.add_argument("--client", action="append", choices=CLIENTS, help="only this one (default both)")
    p.add_argument("--rounds", type=int, metavar="N", help=f"default {rounds}")
    return p


def cluster_conf(args):
    if args.cluster_conf:
        if not os.access(args.cluster_conf, os.R_OK):
            raise Failure(f"{args.cluster_conf} cannot be read: is the cluster gone?")
        return args.cluster_conf
    if args.devcluster:
        done = subprocess.run([args.devcluster, "env"], capture_output=True, text=True)
        for line in done.stdout.splitlines():
            if line.startswith("export CEPH_CONF="):
                return shlex.split(line.split("=", 1)[1])[0]
        raise Failure(f"{args.devcluster} env: {done.stderr.strip() or 'names no CEPH_CONF'}")
    raise Failure("no cluster: `./dev cluster start` makes one; or CEPH_CONF of another")


def programs(args, suite, helpers=()):
    """Where the build put the workers (by client) and the helpers (by name). libcephfs makes the data."""
    exes = {c: worker_of(args, suite, c) for c in args.client + ["libcephfs"]}
    exes.update({k: built(args, f"bench-{k}") for k in helpers})
    return exes


def worker_of(args, suite, client):
    return built(args, f"{suite}-{client}", " (package libcephfs-dev)" if client == "libcephfs" else "")


def built(args, name, hint=""):
    path = os.path.join(args.build, "bench", name)
    if not os.access(path, os.X_OK):
        raise Failure(f"{path} is not built: `./dev build`{hint}")
    return path


def run(suite, args, helpers, measure, publish, others=None, find=programs):
    """others: further workers, by client; find: gives all of them. measure(args, session, exes, progress) gives what publish(args, session, extra) shows; the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    args.client = args.client or CLIENTS
    progress, session, began = Progress(), None, time.monotonic()
    try:
        exes = find(args, suite, helpers)
        args.out = os.path.abspath(args.out or os.path.join(args.build, f"bench-{suite}"))
        os.makedirs(args.out, exist_ok=True)
        exes.update(others or {})
        session = Session(cluster_conf(args), exes, progress)
        extra = {"load_before": os.getloadavg()[0]} | measure(args, session, exes, progress)
        progress.done()
        publish(args, session, extra | {"took_s": rounded(time.monotonic() - began)})
        return 1 if session.failed else 0
    except Failure as e:
        progress.done()
        print(f"bench: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        progress.done()
        return 130
    finally:
        if session:
            session.close()


def conclude(args, session, rows, extra, picture):
    """Failures, the JSON file, percentile logs, and the picture: (file name, title, workloads, marks)."""
    for (workload, client), words in session.failed.items():
        print(f"\nFAILED  {client}  {workload}: {words}")
    extra |= {"rounds": args.rounds, "quick": args.quick, "kernel": platform.release(), "cpus": os.cpu_count()}
    extra |= {"failed": [{"workload": w, "client": c, "words": e} for (w, c), e in session.failed.items()]}
    if args.json:
        report.write_json(args.json, list(rows.values()), extra)
    if extra["load_before"] > 0.5:
        print(f"\nThe machine was not quiet when this began (load {extra['load_before']:.1f}): measure again.")
    print(f"\n{args.rounds} rounds in {extra['took_s']:.0f} s; percentile logs in {args.out}")
    name, title, workloads, marks = picture
    logs = report.write_logs(args.out, session.series)
    shown = [c for c in CLIENTS + ["floor"] if any(k[1] == c for k in logs)]
    svg = os.path.join(args.out, name)
    drawn = plot.draw(svg, title, logs, workloads, shown, marks)
    print(svg if drawn is True else drawn)
