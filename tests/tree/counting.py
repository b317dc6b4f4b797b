#!/usr/bin/python3
"""The counter of all tests, tested: what a program does not say never counts as passed."""

import contextlib
import io
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))

from runner.tap import Tally  # noqa: E402

# name, TAP, exit status, expected (passed, failed, skipped)
CASES = [
    ("a whole program", "1..2\nok 1 - a\nok 2 - b\n", 0, (2, 0, 0)),
    ("a failing line", "1..2\nok 1 - a\nnot ok 2 - b\n# why\n", 1, (1, 1, 0)),
    ("a plan at the end", "ok 1 - a\n1..1\n", 0, (1, 0, 0)),
    ("results missing", "1..3\nok 1 - a\n", 0, (1, 1, 0)),
    ("no plan", "ok 1 - a\n", 0, (1, 1, 0)),
    ("nothing at all", "", 0, (0, 1, 0)),
    ("a crash after the last line", "1..1\nok 1 - a\n", "killed by SIGSEGV", (1, 1, 0)),
    ("a skip", "1..1\nok 1 - a # SKIP no such feature\n", 0, (0, 0, 1)),
    ("a failing skip", "1..1\nnot ok 1 - a # SKIP\n", 1, (0, 1, 0)),
]


def count(tap, status):
    t = Tally()
    with contextlib.redirect_stdout(io.StringIO()):
        t.program("p", tap, status, "output")
        got = t.passed, len(t.failed), len(t.skipped)
        code = t.end()
    # nothing but skips is a failure too
    return got, code == (1 if got[1] or not got[0] else 0)


def main():
    failed = False
    print(f"1..{len(CASES)}")
    for n, (name, tap, status, want) in enumerate(CASES, 1):
        got, code_right = count(tap, status)
        ok = got == want and code_right
        failed |= not ok
        print(f"{'ok' if ok else 'not ok'} {n} - {name}")
        if not ok:
            print(f"# counted {got}, wanted {want}; exit code {'right' if code_right else 'wrong'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
