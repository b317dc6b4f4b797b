"""The numbers of a report come from these few functions: ranks, percentile logs, marks of strace, CPU shares, times on the
wire, the relay's delay; and the order in which a round does things."""

import importlib.machinery
import importlib.util
import itertools
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
BENCH = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
sys.path.insert(0, BENCH)

from suite import cluster, duel, report, rows, session, stats, wire, workers  # noqa: E402

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


class Workers(unittest.TestCase):
    def test_one_that_hangs_says_nothing_later(self):
        helper = workers.Helper(["sh", "-c", "echo '{\"a\": 1}'; exec sleep 60"])
        self.addCleanup(helper.close)
        self.assertEqual(helper.answer(10), {"a": 1})
        with self.assertRaisesRegex(stats.Failure, "did not answer"):
            helper.answer(0.05)
        self.assertEqual(helper.process.poll(), -9)


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


def looked(requests, seconds, threads, machine, at_ns, osd_ns=0):
    return {"osd_ns": osd_ns, "requests": requests, "seconds": seconds, "bytes_in": 0, "bytes_out": 0, "threads": threads,
            "machine": machine, "at_ns": at_ns}


class Cluster(unittest.TestCase):
    def test_cpu_of_a_name(self):
        before = looked(1, 1.0, {(1, 2, "m"): 5}, (10, 100), 1000)
        after = looked(4, 1.5, {(1, 2, "m"): 9, (1, 3, "m"): 3, (1, 4, "idle"): 0}, (40, 140), 3000, 700)
        self.assertEqual(
            cluster.difference(before, after),
            {"requests": 3, "seconds": 0.5, "bytes_in": 0, "bytes_out": 0, "threads": {"m": 4}, "cpu_ns": {"m": 7},
             "osd_ns": 700, "window_ns": 2000, "machine_busy": 0.75},
        )

    def test_price_of_bytes(self):
        s = stats.Series()
        s.rounds = [{"bytes": 1 << 30, "copied": 1 << 20, "wall_ns": 2 * 10**9, "cpu_ns": 5 * 10**8}]
        self.assertEqual(rows.own_part(s), {"mb_s": 536.9, "cpu_s_gib": 0.5, "copied_byte": 0.0009766})

    def test_no_tick_is_no_share(self):
        at = looked(0, 0.0, {}, (10, 100), 0)
        self.assertIsNone(cluster.difference(at, at)["machine_busy"])

    def test_ticks_of_this_machine(self):
        busy, every = cluster.machine_ticks()
        self.assertLess(0, busy)
        self.assertLessEqual(busy, every)


def answer(ops, wall_ns, cpu_ns, mds_cpu, window_ns):
    mds = {"requests": 2 * ops, "seconds": ops * 3e-6, "threads": {}, "cpu_ns": mds_cpu, "window_ns": window_ns,
           "machine_busy": 0.5}
    return {"ops": ops, "wall_ns": wall_ns, "cpu_ns": cpu_ns, "took": [1000], "mds": mds}


class Rows(unittest.TestCase):
    def of(self, *rounds):
        s = stats.Series()
        s.rounds = list(rounds)
        return s.row("w", "c") | rows.mds_part(s) | rows.own_part(s)

    def test_mds_cpu_is_all_but_what_answers_us(self):
        row = self.of(answer(10, 1000000, 500000, {"ms_dispatch": 300000, "log": 100000, "admin_socket": 9}, 1000000))
        self.assertEqual((row["mds_cpu_us_op"], row["mds_cores"], row["client_cores"]), (40.0, 0.4, 0.5))
        self.assertEqual((row["mds_us_op"], row["mds_requests_op"], row["machine_busy"]), (3.0, 2.0, 0.5))

    def test_too_short_for_the_mds(self):
        row = self.of(answer(10, 1000, 500, {"ms_dispatch": 300000}, 1000000))
        self.assertEqual((row["mds_cpu_us_op"], row["mds_cores"], row["machine_busy"]), (None, None, None))
        self.assertEqual(row["client_cores"], 0.5)

    def test_wall_of_an_operation(self):
        row = self.of(answer(10, 50000, 1, {}, 50000), answer(10, 30000, 1, {}, 50000), answer(10, 20000, 1, {}, 50000))
        self.assertEqual((row["wall_us_op"], row["ops_s"]), (3.0, 333300.0))

    def test_calls_that_return_before_all_is_done(self):
        self.assertEqual(self.of(answer(10, 50000, 1, {}, 50000) | {"acts_ns": 20000})["acts_us_op"], 2.0)

    def test_cpu_that_was_not_measured(self):
        s = stats.Series()
        s.rounds = [duel.answer([3000, 1000, 2000]) | {"taken": [7000]}]
        row = s.row("w", "c") | rows.mds_part(s) | rows.own_part(s)
        self.assertEqual((row["p50_us"], row["p99_us"], row["cpu_us_op"], row["taken_us"]), (2.0, 3.0, None, 7.0))

    def test_targets_both_ways(self):
        self.assertEqual([rows.at_most("", v, 2)["met"] for v in (2, 2.1, None)], [True, False, None])
        self.assertEqual([rows.at_least("", v, 2)["met"] for v in (2, 1.9, None)], [True, False, None])

    def test_line_beside_another_workload(self):
        found = {("a_2t", "us"): {"p50_us": 1.0}, ("a", "them"): {"p50_us": 4.0}, ("a_2t", "floor"): {"p50_us": 0.5}}
        line = report.Line(found, "a_2t", "us", "them", "a")
        self.assertEqual(line.compared("p50_us"), [4.0, 1.0, 0.25])
        self.assertEqual(report.cells([line], lambda x: [x.floor["p50_us"]]), [["a_2t / a", "0.50"]])
        self.assertEqual(report.Line(found, "a_2t", "us", "them").compared("p50_us"), [None, 1.0, None])


class Wire(unittest.TestCase):
    def test_from_the_last_question_to_the_first_answer(self):
        seen = [
            (10, (800, 5, 300)),  # to the client
            (20, (5, 800, 40)),   # only an acknowledgement
            (30, (800, 5, 200)),
            (35, (900, 6, 500)),  # another client's
            (90, (5, 800, 250)),
            (99, (5, 800, 250)),
        ]
        self.assertEqual(wire.answer_ns(seen, {5}), 60)
        self.assertIsNone(wire.answer_ns(seen, {7}))
        self.assertIsNone(wire.answer_ns(seen[4:], {5}))

    def test_segment(self):
        ethernet, tcp = bytes(12) + b"\x08\x00", struct.pack(">HH", 6800, 40000) + bytes(8) + b"\x80" + bytes(19)
        ip = b"\x45\x00" + struct.pack(">H", 20 + 32 + 70) + bytes(5) + b"\x06" + bytes(10)
        self.assertEqual(wire.segment(ethernet + ip + tcp), (6800, 40000, 70))
        self.assertIsNone(wire.segment(ethernet + ip[:9] + b"\x11" + ip[10:] + tcp))
        self.assertIsNone(wire.segment((ethernet + ip + tcp)[:50]))

    def test_ports_of_a_process(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port)) as client:
                mine = client.getsockname()[1]
                self.assertIn(mine, wire.ports_between(os.getpid(), [os.getpid()]))
                self.assertIn((wire.LISTEN, port, 0), wire.sockets(os.getpid()))
            self.assertNotIn(port, wire.ports_between(os.getpid(), [os.getpid()]))

    @unittest.skipUnless(os.geteuid() == 0, "listening needs root")
    def test_sees_what_passes(self):
        listener = wire.Wire()
        self.addCleanup(listener.close)
        with socket.create_server(("127.0.0.1", 0)) as server:
            with socket.create_connection(server.getsockname()) as client:
                there, _ = server.accept()
                with there:
                    listener.seen()
                    client.sendall(bytes(300))
                    there.recv(1000)
                    there.sendall(bytes(200))
                    client.recv(1000)
                    took = wire.answer_ns(listener.seen(), {server.getsockname()[1]})
        self.assertIsNotNone(took)
        self.assertLess(0, took)


class Metadata(unittest.TestCase):
    """The order of steps: each cell makes what it needs, and takes it away."""

    def setUp(self):
        path = os.path.join(BENCH, "metadata")
        loader = importlib.machinery.SourceFileLoader("metadata_suite", path)
        spec = importlib.util.spec_from_loader("metadata_suite", loader)
        self.suite = importlib.util.module_from_spec(spec)
        sys.modules["metadata_suite"] = self.suite  # dataclasses look it up
        self.addCleanup(sys.modules.pop, "metadata_suite")
        loader.exec_module(self.suite)

    def steps(self, client, *only):
        make = self.suite.Steps(client, self.suite.QUICK, set(only or self.suite.GROUPS), itertools.count(5), 4)
        return make.all(0)

    def test_every_row_has_a_place_and_a_peer(self):
        measured = {c: [s.workload for s in self.steps(c) if s.workload and s.measured] for c in ("cephring", "libcephfs")}
        for names in measured.values():
            self.assertEqual(len(names), len(set(names)))
            self.assertEqual(set(names) - set(self.suite.MARKS), set())
        for name in measured["cephring"]:
            self.assertIn(self.suite.peer_of(name) or name, measured["libcephfs"])

    def test_mounts_are_paired(self):
        for client in ("cephring", "libcephfs"):
            lines = [s.line.split()[0] for s in self.steps(client) if not s.workload]
            self.assertEqual(lines, ["up", "down"] * (len(lines) // 2))

    def test_only_one_verb_still_makes_and_removes(self):
        words = [(s.line.split()[0], s.measured) for s in self.steps("libcephfs", "rename") if s.workload][:5]
        expected = [("room", False), ("create", False), ("rename", True), ("unlink", False), ("leave", False)]
        self.assertEqual(words, expected)

    def test_removal_knows_the_names(self):
        for only, renamed in ((("unlink",), False), (("unlink", "rename"), True)):
            removal = [s for s in self.steps("libcephfs", *only) if s.workload == "unlink_8"][0]
            self.assertEqual("renamed=1" in removal.line, renamed)

    def test_directories_are_used_once(self):
        rooms = [s.line for s in self.steps("cephring") if s.line.startswith("room")]
        self.assertEqual(len(rooms), len(set(rooms)))

    def test_nothing_wanted_is_nothing_done(self):
        self.assertEqual(self.steps("cephring", "revoke"), [])


class Steps(unittest.TestCase):
    def test_what_needs_a_failed_one_fails_too(self):
        run = session.Session.__new__(session.Session)
        run.failed = {("create", "us"): "words"}
        self.assertFalse(run.possible("us", session.Step("create", "create")))
        self.assertFalse(run.possible("us", session.Step("unlink", "unlink", needs=("create",))))
        self.assertFalse(run.possible("us", session.Step("leave", "leave", False, ("create",))))
        self.assertTrue(run.possible("them", session.Step("unlink", "unlink", needs=("create",))))
        self.assertEqual(run.failed[("unlink", "us")], "not without create")
        self.assertNotIn(("leave", "us"), run.failed)


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
