"""From samples to the numbers of a row. Samples are integers of nanoseconds; results are microseconds."""

import array
import math
import statistics


class Failure(Exception):
    """An error to be shown as one sentence."""


def read_samples(path):
    samples = array.array("Q")
    with open(path, "rb") as f:
        samples.frombytes(f.read())
    return sorted(samples)


def percentile(ordered, p):
    """Nearest rank: the smallest sample that at least p percent do not exceed."""
    if not ordered:
        return None
    rank = max(1, math.ceil(p / 100 * len(ordered) - 1e-9))
    return ordered[min(rank, len(ordered)) - 1]


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def us(ns):
    return None if ns is None else ns / 1000


class Series:
    """All rounds of one workload through one client."""

    def __init__(self):
        self.rounds = []   # answers of the worker, each with its sorted "took"
        self.counted = []  # answers of the rounds that counted system calls

    def add(self, answer, path):
        answer["took"] = read_samples(path)
        self.rounds.append(answer)

    def pooled(self):
        return sorted(s for r in self.rounds for s in r["took"])

    def per_op(self, key):
        """Median over rounds of what one operation cost."""
        return median([r[key] / r["ops"] for r in self.rounds if r.get("ops") and r.get(key) is not None])

    def calls_op(self):
        ops = sum(c["ops"] for c in self.counted)
        return sum(c["calls"] for c in self.counted) / ops if ops else None

    def of_rounds(self, key):
        return median([r.get(key) for r in self.rounds])

    def p50_us(self):
        """Median over rounds of the rounds' medians."""
        return us(median([percentile(r["took"], 50) for r in self.rounds]))

    def row(self, workload, client):
        every = self.pooled()
        return {
            "workload": workload,
            "client": client,
            "n": sum(r["ops"] for r in self.rounds),
            "p50_us": rounded(self.p50_us()),
            "p90_us": rounded(us(percentile(every, 90))),
            "p99_us": rounded(us(percentile(every, 99))),
            "p999_us": rounded(us(percentile(every, 99.9))),
            "ops_s": rounded(median([r["ops"] * 1e9 / r["wall_ns"] for r in self.rounds if r["wall_ns"]])),
            "wall_us_op": rounded(us(self.per_op("wall_ns"))),
            "acts_us_op": rounded(us(self.per_op("acts_ns"))),
            "cpu_us_op": rounded(us(self.per_op("cpu_ns"))),
            "syscalls_op": rounded(self.calls_op()),
        }


def rounded(x):
    """Four significant digits are more than a benchmark knows."""
    return None if x is None else float(f"{x:.4g}") if x else 0.0


def hgrm(ordered):
    """The text form of an HdrHistogram percentile distribution, in microseconds."""
    lines = ["       Value     Percentile TotalCount 1/(1-Percentile)", ""]
    n = len(ordered)
    for level in levels(n):
        rank = min(n, max(1, math.ceil(level * n - 1e-9)))
        tail = f"{1 / (1 - level):14.2f}" if level < 1 else ""
        lines.append(f"{ordered[rank - 1] / 1000:12.3f} {level:2.12f} {rank:10d} {tail}".rstrip())
    mean = statistics.fmean(ordered) / 1000
    deviation = statistics.pstdev(ordered) / 1000
    lines.append(f"#[Mean    = {mean:12.3f}, StdDeviation   = {deviation:12.3f}]")
    lines.append(f"#[Max     = {ordered[-1] / 1000:12.3f}, Total count    = {n:12d}]")
    return "\n".join(lines) + "\n"


def levels(n, ticks=5):
    """Percentile levels, `ticks` for each halving of the distance to 1, until one sample is left."""
    level = 0.0
    while level < 1 and (1 - level) * n >= 1:
        yield level
        halvings = math.floor(math.log2(1 / (1 - level)) + 1e-9) + 1
        level += 1 / (ticks * 2**halvings)
    yield 1.0
