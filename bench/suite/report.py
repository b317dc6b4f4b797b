"""What a reader sees: tables on the terminal, the JSON file, percentile logs."""

import json
import os

from .stats import hgrm


def number(x):
    """About three digits that matter."""
    if x is None:
        return "-"
    if x >= 99.95:
        return f"{x:.0f}"
    return f"{x:.1f}" if x >= 9.995 else f"{x:.2f}" if x >= 0.0995 else f"{x:.3f}"


def ratio(ours, theirs):
    return None if ours is None or not theirs else ours / theirs


def table(heads, rows, out):
    """Columns as wide as they must be; the first to the left, the others to the right."""
    cells = [heads] + rows
    widths = [max(len(r[i]) for r in cells) for i in range(len(heads))]
    for k, r in enumerate(cells):
        line = [r[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(r[1:], widths[1:])]
        print("  ".join(line).rstrip(), file=out)
        if k == 0:
            print("  ".join("-" * w for w in widths), file=out)


class Line:
    """A line of the tables: a workload of ours beside one of the peer's, usually the same."""

    def __init__(self, rows, workload, ours, theirs, peer=None):
        self.name = workload
        self.ours = rows.get((workload, ours), {})
        self.theirs = rows.get((peer or workload, theirs), {})
        self.floor = rows.get((workload, "floor"), {})
        self.peer = peer

    def pair(self, key):
        return self.theirs.get(key), self.ours.get(key)

    def compared(self, key):
        """Theirs, ours, and the ratio: smaller is better."""
        a, b = self.pair(key)
        return [a, b, ratio(b, a)]


def cells(lines, values):
    """The peer's name is told where the workload is another one."""
    return [[x.name + (f" / {x.peer}" if x.peer else "")] + [number(v) for v in values(x)] for x in lines]


def times(lines, ours, theirs, out):
    heads = ["workload", f"{theirs} p50", f"{ours} p50", "ratio", f"{theirs} p99", f"{ours} p99", "floor p50", "MDS us/op"]

    def values(x):
        mds = x.ours.get("mds_us_op") if x.ours else x.theirs.get("mds_us_op")
        return x.compared("p50_us") + [*x.pair("p99_us"), x.floor.get("p50_us"), mds]

    print("Time of one operation, microseconds", file=out)
    table(heads, cells(lines, values), out)


def costs(lines, ours, theirs, out):
    heads = ["workload", f"{theirs} cpu", f"{ours} cpu", "ratio"]
    heads += [f"{theirs} syscalls", f"{ours} syscalls", f"{theirs} ops/s", f"{ours} ops/s"]

    def values(x):
        return x.compared("cpu_us_op") + [*x.pair("syscalls_op"), *x.pair("ops_s")]

    print("\nWhat one operation costs the client: CPU microseconds of all its threads, system calls", file=out)
    table(heads, cells(lines, values), out)


def rates(lines, ours, theirs, out):
    """Who is the bottleneck: `cores` are CPUs kept busy over the wall time, `machine` the share of all CPUs."""
    heads = ["workload", f"{theirs} ops/s", f"{ours} ops/s", "times", "MDS us/op", "MDS us/op", "MDS cores", "MDS cores"]
    heads += ["own cores", "own cores", "machine", "machine"]

    def values(x):
        a, b = x.pair("ops_s")
        more = [v for key in ("mds_cpu_us_op", "mds_cores", "client_cores", "machine_busy") for v in x.pair(key)]
        return [a, b, ratio(b, a)] + more

    print(f"\nRates, and who is busy; in pairs: with {theirs}, with {ours}. MDS: CPU of all its threads", file=out)
    table(heads, cells(lines, values), out)


def targets(checks, out):
    """checks: dicts of what, value, limit, at_least, met."""
    words = {None: "not measured", True: "met", False: "NOT MET"}
    lines = [
        [c["what"], number(c["value"]), f"{'>=' if c['at_least'] else '<='} {c['limit']}", words[c["met"]]] for c in checks
    ]
    print("\nTargets (ratio to libcephfs unless it says otherwise)", file=out)
    table(["what", "reached", "target", ""], lines, out)


def write_json(path, rows, extra):
    with open(path, "w") as f:
        json.dump({"rows": rows, **extra}, f, indent=1)
        f.write("\n")


def write_logs(directory, series):
    """One percentile distribution for each workload and client; {(workload, client): path}"""
    paths = {}
    for (workload, client), s in series.items():
        every = s.pooled()
        if not every:
            continue
        path = os.path.join(directory, f"{workload}.{client}.hgrm")
        with open(path, "w") as f:
            f.write(hgrm(every))
        paths[workload, client] = path
    return paths
