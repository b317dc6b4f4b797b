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


def of(rows, workload, client, *keys):
    row = rows.get((workload, client), {})
    return [row.get(k) for k in keys]


def times(rows, workloads, ours, theirs, out):
    heads = ["workload", f"{theirs} p50", f"{ours} p50", "ratio", f"{theirs} p99", f"{ours} p99", "floor p50", "MDS us/op"]
    lines = []
    for w in workloads:
        (a, a99), (b, b99) = (of(rows, w, c, "p50_us", "p99_us") for c in (theirs, ours))
        floor, mds = rows.get((w, "floor"), {}), rows.get((w, ours)) or rows.get((w, theirs), {})
        lines.append([w] + [number(x) for x in (a, b, ratio(b, a), a99, b99, floor.get("p50_us"), mds.get("mds_us_op"))])
    print("Time of one operation, microseconds", file=out)
    table(heads, lines, out)


def costs(rows, workloads, ours, theirs, out):
    heads = ["workload", f"{theirs} cpu", f"{ours} cpu", "ratio"]
    heads += [f"{theirs} syscalls", f"{ours} syscalls", f"{theirs} ops/s", f"{ours} ops/s"]
    lines = []
    for w in workloads:
        a, b = (of(rows, w, c, "cpu_us_op", "syscalls_op", "ops_s") for c in (theirs, ours))
        lines.append([w] + [number(x) for x in (a[0], b[0], ratio(b[0], a[0]), a[1], b[1], a[2], b[2])])
    print("\nWhat one operation costs the client: CPU microseconds of all its threads, system calls", file=out)
    table(heads, lines, out)


def targets(checks, out):
    """checks: dicts of what, value, limit, met."""
    words = {None: "not measured", True: "met", False: "NOT MET"}
    lines = [[c["what"], number(c["value"]), f"<= {c['limit']}", words[c["met"]]] for c in checks]
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
