"""The numbers of a report come from these few functions: ranks, percentile logs, marks of strace, the relay's delay."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))

from suite import cluster, stats, workers  # noqa: E402

FLOOR, RELAY = os.environ.get("BENCH_FLOOR"), os.environ.get("BENCH_RELAY")


class Percentiles(unittest.TestCase):
    def test_nearest_rank(self):
        ordered = list(range(1, 101))
        self.assertEqual([stats.percentile(ordered, p) for p in (1, 50, 90, 99, 99.9)], [1, 50, 90, 99, 100])

    def test_of_one_sample(self):
        self.assertEqual(stats.percentile([7], 50), 7)
        self.assertEqual(stats.percentile([7], 99.9), 7)

    def test_p50_is_the_median_of_rounds(self):
        s = stats.Series()
        s.rounds = [{"took": [t], "ops": 1, "wall_ns": t, "cpu_ns": t} for t in (1000, 9000, 2000)]
        row = s.row("w", "c")
        self.assertEqual((row["p50_us"], row["p99_us"], row["n"]), (2.0, 9.0, 3))
        self.assertIsNone(row["syscalls_op"])

    def test_log_ends_with_the_largest_and_counts_all(self):
        text = stats.hgrm([1000 * i for i in range(1, 1001)])
        points = [line.split() for line in text.splitlines()[2:] if not line.startswith("#")]
        self.assertEqual(points[0][:3], ["1.000", "0.000000000000", "1"])
        self.assertEqual(points[-1], ["1000.000", "1.000000000000", "1000"])
        values = [float(p[0]) for p in points]
        self.assertEqual(values, sorted(values))
        half = [p for p in points if p[1].startswith("0.5000")][0]
        self.assertEqual((half[0], half[3]), ("500.000", "2.00"))


class Marks(unittest.TestCase):
    def test_only_calls_inside_marks_count(self):
        log = (
            b'1 read(0, "x", 1) = 1\n'
            b'1 write(-1, "bench-begin", 11) = -1 EBADF\n'
            b"1 futex(0x1, FUTEX_WAIT <unfinished ...>\n"
            b"2 sendmsg(3, {}, 0) = 5\n"
            b"1 <... futex resumed>) = 0\n"
            b'1 write(-1, "bench-end", 9) = -1 EBADF\n'
            b"2 +++ exited with 0 +++\n"
            b'1 write(-1, "bench-begin", 11) = -1 EBADF\n'
            b'1 write(-1, "bench-end", 9) = -1 EBADF\n'
        )
        with tempfile.NamedTemporaryFile() as f:
            f.write(log)
            f.flush()
            self.assertEqual(workers.count_marked(f.name), [2, 0])


class Cluster(unittest.TestCase):
    def test_busiest_thread_of_a_name(self):
        before = {"requests": 1, "seconds": 1.0, "bytes_in": 0, "bytes_out": 0, "threads": {(1, 2, "m"): 5}}
        threads = {(1, 2, "m"): 9, (1, 3, "m"): 3, (1, 4, "idle"): 0}
        after = {"requests": 4, "seconds": 1.5, "bytes_in": 7, "bytes_out": 8, "threads": threads}
        self.assertEqual(
            cluster.difference(before, after),
            {"requests": 3, "seconds": 0.5, "bytes_in": 7, "bytes_out": 8, "threads": {"m": 4}},
        )


@unittest.skipUnless(FLOOR and RELAY, "BENCH_FLOOR and BENCH_RELAY name no programs")
class Relay(unittest.TestCase):
    """Bytes arrive whole, and never earlier than the delay."""

    def setUp(self):
        self.server = workers.Helper([FLOOR, "serve"])
        self.addCleanup(self.server.close)
        try:
            self.far = workers.Far(RELAY, 2000)
        except stats.Failure as e:
            self.skipTest(str(e))
        self.addCleanup(self.far.close)

    def ask(self, *keys):
        port = self.server.answer(10)["port"]
        with tempfile.NamedTemporaryFile() as f:
            argv = self.far.before + [FLOOR, "ask", str(port), f.name, *keys]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.stderr, "")
            return json.loads(done.stdout), stats.read_samples(f.name)

    def test_delays_both_ways(self):
        got, took = self.ask("n=20", "request=300", "reply=900")
        self.assertEqual((got["ops"], len(took)), (20, 20))
        self.assertGreaterEqual(took[0], 4_000_000)

    def test_bulk_passes_whole(self):
        got, took = self.ask("n=4", "request=100", "reply=15000000")
        self.assertEqual((got["ops"], len(took)), (4, 4))

    def test_many_connections(self):
        got, took = self.ask("n=20", "connects=3", "trips=2", "request=10", "reply=10")
        self.assertGreaterEqual(took[0], 3 * 2 * 4_000_000)


if __name__ == "__main__":
    unittest.main()
