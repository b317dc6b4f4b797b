"""Processes that do the measuring: workers (bench/worker/worker.h), the floor's server, the relay. Each ends with its stdin."""

import json
import os
import re
import select
import subprocess
import time

from .stats import Failure


class Helper:
    """A process that answers in JSON lines."""

    def __init__(self, argv, before=()):
        """`before`: a command that runs it (nsenter, strace)."""
        self.name = os.path.basename(argv[0])
        self.process = subprocess.Popen(
            list(before) + argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        self.text = b""

    def answer(self, timeout):
        deadline = time.monotonic() + timeout
        while b"\n" not in self.text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                # what it may still say would be taken for the answer to something else
                self.process.kill()
                self.process.wait()
                raise Failure(f"{self.name} did not answer for {timeout:.0f} s")
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise Failure(f"{self.name} ended: {end_words(self.process.wait())}")
            self.text += more
        line, self.text = self.text.split(b"\n", 1)
        return json.loads(line)

    def close(self, patience=20):
        self.process.stdin.close()
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def end_words(code):
    return f"signal {-code}" if code < 0 else f"exit code {code}"


class Worker(Helper):
    """One client kind in one process, for one round."""

    def __init__(self, exe, conf, mode=None, before=()):
        """`exe`: the program, or a list: a command that ends with it."""
        *words, program = [exe] if isinstance(exe, str) else exe
        super().__init__([program, conf] + ([mode] if mode else []), [*before, *words])
        hello = self.answer(20)
        if "error" in hello:
            raise Failure(f"{self.name}: {hello['error']}")

    def ask(self, line, timeout=120, progress=None):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        while True:
            got = self.answer(timeout)
            if "done" in got:
                if progress:
                    progress(got["done"], got["all"])
                continue
            if "error" in got:
                raise Failure(got["error"])
            return got


class Far:
    """A network namespace from which the cluster is `delay_us` away, each way."""

    def __init__(self, relay, delay_us):
        self.delay_us = delay_us
        self.relay = Helper([relay, "0"])
        try:
            self.enter(self.relay.answer(10))
            self.means = "netem"
            if not self.netem():
                self.relay.close()
                self.relay = Helper([relay, str(delay_us)])
                self.enter(self.relay.answer(10))
                self.means = "relay"
        except BaseException:
            self.relay.close()
            raise

    def enter(self, made):
        """Redirects all that goes to loopback inside the namespace."""
        self.before = ["nsenter", "--net=" + made["netns"]]
        rules = (
            "table ip bench {\n chain out {\n  type nat hook output priority -100\n"
            f"  ip daddr 127.0.0.0/8 tcp dport != {made['port']} redirect to :{made['port']}\n }}\n}}\n"
        )
        try:
            done = subprocess.run(self.before + ["nft", "-f", "-"], input=rules, text=True, capture_output=True)
        except FileNotFoundError as e:
            raise Failure(f"no network delay without {e.filename} (package nftables)")
        if done.returncode:
            raise Failure(f"no network delay: nft: {done.stderr.strip().splitlines()[0]}")

    def netem(self):
        """True when this kernel makes the delay by itself."""
        command = ["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", f"{self.delay_us}us", "limit", "100000"]
        try:
            return subprocess.run(self.before + command, capture_output=True).returncode == 0
        except FileNotFoundError:
            return False

    def close(self):
        self.relay.close()


CALL = re.compile(rb"^\d+ +(\w+)\(")


def count_marked(path):
    """System calls inside the marks of each measured stretch, from a log of strace -f."""
    counts, inside = [], False
    with open(path, "rb") as f:
        for line in f:
            call = CALL.match(line)
            if not call:
                continue
            if call[1] == b"write" and b'"bench-begin"' in line:
                inside = True
                counts.append(0)
            elif call[1] == b"write" and b'"bench-end"' in line:
                inside = False
            elif inside:
                counts[-1] += 1
    return counts
