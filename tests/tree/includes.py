#!/usr/bin/python3
"""The house's arrows point down: each folder of src/ includes only what its rung allows."""

import glob
import os
import re
import sys

MAY = {
    "proto": set(),
    "ring": {"proto"},
    "mon": {"ring", "proto"},
    "meta": {"mon", "ring", "proto", "include"},  # the public header is a leaf: operations fill its structures
    "data": {"mon", "ring", "proto"},
    "api": {"meta", "data", "mon", "ring", "proto", "include"},
    "compat": {"api", "include"},
}
OUTSIDE = {
    "tools": {"include", "tools"},
    "examples": {"include", "examples"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def sources(folder):
    return sorted(f for ext in "ch" for f in glob.glob(f"{folder}/**/*.{ext}", recursive=True))


def home(path):
    """The rung a file stands on: src/X is X, everything else its top folder."""
    parts = os.path.normpath(path).split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else parts[0]


def reached(source, name):
    """The rung that an include of `source` reaches, or None when no such file exists."""
    for base in (os.path.dirname(source), "include", "src"):
        path = os.path.normpath(os.path.join(base, name))
        if os.path.exists(path):
            return home(path)
    return None


def wrong(folder, allowed):
    own = home(folder + "/x") if folder.startswith("src/") else folder
    for source in sources(folder):
        with open(source, errors="replace") as f:
            for name in INCLUDE.findall(f.read()):
                to = reached(source, name)
                if to != own and to not in allowed:
                    yield f'{source} includes "{name}"' + ("" if to else ", which does not exist")


def main():
    checks = [(f"src/{rung}", allowed) for rung, allowed in MAY.items()] + list(OUTSIDE.items())
    extra = {f"src/{d}" for d in os.listdir("src") if os.path.isdir(f"src/{d}")} - {c[0] for c in checks}
    print(f"1..{len(checks) + 1}")
    print(f"{'not ok' if extra else 'ok'} 1 - every folder of src has its rung")
    for d in sorted(extra):
        print(f"# {d} is not in the table of {sys.argv[0]}")
    failed = bool(extra)
    for n, (folder, allowed) in enumerate(checks, 2):
        faults = list(wrong(folder, allowed))
        print(f"{'not ok' if faults else 'ok'} {n} - {folder} includes only downward")
        for fault in faults:
            print(f"# {fault}")
        failed |= bool(faults)
    return failed


if __name__ == "__main__":
    sys.exit(main())
