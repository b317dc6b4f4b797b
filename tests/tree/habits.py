#!/usr/bin/python3
"""Habits of the tree that no compiler checks. Each is one TAP line."""

import glob
import os
import re
import subprocess
import sys

WAITS = re.compile(
    r"\b(pthread_(mutex|cond|rwlock|spin|barrier)_\w+|sem_(wait|timedwait|post|init)|mtx_\w+|cnd_\w+"
    r"|sleep|usleep|nanosleep|clock_nanosleep|sched_yield)\s*\("
)
# spelled in two parts, so that this file does not find itself
MACHINE = re.compile(r"(?<![\w.])/(wo" r"rk|ho" r"me)/\w")


def tracked(*patterns):
    # the tree may belong to another user than the one who tests it
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--", *patterns]
    out = subprocess.run(git, capture_output=True, text=True, check=True).stdout
    return [p for p in out.split("\0") if p and os.path.isfile(p)]


def lines(path):
    with open(path, errors="replace") as f:
        return f.read().splitlines()


def code(path):
    """The file with its comments blanked, lines kept."""
    with open(path, errors="replace") as f:
        text = f.read()
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])  # noqa: E731
    return re.sub(r"/\*.*?\*/|//[^\n]*", blank, text, flags=re.S).splitlines()


def no_waits():
    """src has no lock, condition variable or sleep"""
    for path in tracked("src/*.c", "src/*.h"):
        for n, line in enumerate(code(path), 1):
            if WAITS.search(line):
                yield f"{path}:{n}: {line.strip()}"


def no_machine_paths():
    """no path of somebody's machine in a tracked text file"""
    for path in tracked():
        with open(path, "rb") as f:
            raw = f.read()
        if b"\0" in raw or path.startswith("tests/data/"):
            continue
        for n, line in enumerate(raw.decode(errors="replace").splitlines(), 1):
            if MACHINE.search(line):
                yield f"{path}:{n}: {line.strip()[:100]}"


def model_first():
    """every C file begins with a comment"""
    for path in tracked("*.c", "*.h"):
        head = next((line for line in lines(path) if line.strip()), "")
        if not head.startswith("/*"):
            yield f"{path} begins with: {head[:60]}"


def programs_are_listed():
    """every test program is named in tests/meson.build"""
    named = set(re.findall(r"'(\w+)'", open("tests/meson.build").read()))
    for pattern, prefix in (("tests/unit/test_*.c", "test_"), ("tests/fuzz/fuzz_*.c", "fuzz_"), ("tests/cluster/*.c", "")):
        for path in sorted(glob.glob(pattern)):
            name = os.path.basename(path)[len(prefix) : -2]
            if name not in named:
                yield f"{path} is in no list: it never runs"


def sources_are_listed():
    """every file of src is named in its folder's meson.build"""
    for path in tracked("src/*.c"):
        folder, name = os.path.split(path)
        if f"'{name}'" not in open(os.path.join(folder, "meson.build")).read():
            yield f"{path} is in no list: it is never compiled"


def text_is_clean():
    """no blank at a line's end, a newline at the file's end"""
    for path in tracked("*.c", "*.h", "*.py", "*.md", "*.build", "dev", "tools/devcluster", "tests/run"):
        if path.startswith("tests/data/"):
            continue
        with open(path, errors="replace") as f:
            text = f.read()
        if text and not text.endswith("\n"):
            yield f"{path}: no newline at its end"
        for n, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield f"{path}:{n}: blanks at the end"


CHECKS = [no_waits, no_machine_paths, model_first, programs_are_listed, sources_are_listed, text_is_clean]


def main():
    failed = False
    print(f"1..{len(CHECKS)}")
    for n, check in enumerate(CHECKS, 1):
        faults = list(check())
        failed |= bool(faults)
        print(f"{'not ok' if faults else 'ok'} {n} - {check.__doc__}")
        for fault in faults[:40]:
            print(f"# {fault}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
