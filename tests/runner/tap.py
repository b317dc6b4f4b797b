"""Counting: every test is one TAP line of some program, and what a program fails to say counts as failed."""

import re
import sys
import threading

RESULT = re.compile(r"^(ok|not ok)\b\s*(\d+)?\s*-?\s*(.*)$")


class Tally:
    def __init__(self, verbose=False):
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.verbose = verbose
        self.lock = threading.RLock()  # one program's lines stay together

    def add(self, name, ok, words=""):
        with self.lock:
            self._add(name, ok, words)

    def _add(self, name, ok, words):
        if ok:
            self.passed += 1
            if self.verbose:
                print(f"  ok  {name}", flush=True)
            return
        self.failed.append(name)
        print(f"  FAILED  {name}", flush=True)
        for line in words.rstrip().splitlines():
            print(f"      {line}", flush=True)

    def skip(self, name, why):
        self.skipped.append(name)
        print(f"  skipped  {name}: {why}", flush=True)

    def program(self, name, text, status, output="", seconds=0):
        """Counts a program by its TAP. `status` is its exit code or words about its end; `output` is shown when it
        failed."""
        with self.lock:
            self._program(name, text, status, output, seconds)

    def _program(self, name, text, status, output, seconds):
        before = len(self.failed), self.passed
        seen, planned = self._lines(name, text)
        if planned is None:
            self.add(f"{name}: states its plan", False, "no line '1..N': it ended early or printed no TAP")
        elif seen != planned:
            self.add(f"{name}: runs its plan", False, f"{seen} results of {planned} planned")
        failed = len(self.failed) - before[0]
        if status != 0 and not failed:
            self.add(f"{name}: ends well", False, f"exit: {status}")
            failed = 1
        said = [line for line in output.splitlines() if not re.match(r"(ok\b|1\.\.\d)", line)]
        if failed and said:
            print(_indent(said), flush=True)
        if not failed:
            took = f", {seconds:.0f} s" if seconds else ""
            print(f"  ok  {name} ({self.passed - before[1]}{took})", flush=True)

    def _lines(self, name, text):
        """Counts the result lines; (results, planned or None)."""
        seen, planned = 0, None
        lines = text.splitlines()
        for n, line in enumerate(lines):
            plan = re.match(r"^1\.\.(\d+)", line)
            if plan:
                planned = int(plan[1])
                continue
            m = RESULT.match(line)
            if not m:
                continue
            seen += 1
            what = f"{name}: {m[3]}"
            skip = re.search(r"#\s*skip\b:?\s*(.*)", m[3], re.I)
            if skip and m[1] == "ok":
                self.skip(what, skip[1])
            else:
                self.add(what, m[1] == "ok", "\n".join(_notes(lines[n + 1 :])))
        return seen, planned

    def end(self):
        """The last lines; the exit code."""
        if self.failed:
            print("\nfailed:")
            for name in self.failed:
                print(f"  {name}")
        if self.skipped:
            print(f"\nskipped, and not counted: {len(self.skipped)}")
        if not self.passed and not self.failed:
            self.failed.append("nothing ran")
            print("\nnothing ran: that is a failure")
        sys.stdout.flush()
        print(f"{self.passed} passed, {len(self.failed)} failed", flush=True)
        return 1 if self.failed else 0


def _notes(lines):
    """The comment lines right behind a result."""
    for line in lines:
        if not line.startswith((" ", "#")):
            return
        yield line


def _indent(lines, most=400):
    if len(lines) > most:
        lines = lines[: most // 2] + [f"... {len(lines) - most} lines left out ..."] + lines[-most // 2 :]
    return "\n".join("      | " + line for line in lines)
