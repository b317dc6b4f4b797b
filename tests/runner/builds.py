"""The two builds that tests use, both with warnings as errors.

clang: with AddressSanitizer and UndefinedBehaviorSanitizer and the fuzz targets; what runs in tests comes from here.
gcc: as a user would build it; the unit tests run there once more, with the timing of real code and without the
sanitizers' own limits.
"""

import os
import subprocess

from . import programs

REPO = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILDS = {
    "gcc": ["-Dwerror=true"],
    "clang": [
        "-Dwerror=true",
        "-Db_sanitize=address,undefined",
        "-Db_lundef=false",  # the sanitizers' run time comes with the program, not with the shared library
        "-Dc_args=-fno-sanitize-recover=undefined -fno-omit-frame-pointer",
        "-Dfuzzers=true",
    ],
}
TESTED = os.path.join(REPO, "build-clang")
PLAIN = os.path.join(REPO, "build-gcc")
TIMEOUT_S = 900


def make(compiler, tally):
    """Counts as one test; True when it went well."""
    where = os.path.join(REPO, f"build-{compiler}")
    env = {"CC": compiler}
    steps = [["ninja", "-k", "0", "-C", where]]
    if not os.path.exists(os.path.join(where, "build.ninja")):
        subprocess.run(["rm", "-rf", where], check=True)
        steps.insert(0, ["meson", "setup", where, REPO] + BUILDS[compiler])
    for argv in steps:
        status, out = programs.run(argv, TIMEOUT_S, env)
        if status != 0:
            tally.add(f"build with {compiler} -Werror", False, _errors(out))
            return False
    print(f"  ok  build with {compiler} -Werror", flush=True)
    tally.add(f"build with {compiler} -Werror", True)
    return True


def _errors(out):
    """What failed, without the lines about what did not."""
    lines = out.splitlines()
    first = next((n for n, line in enumerate(lines) if line.startswith("FAILED:")), max(0, len(lines) - 60))
    return "\n".join(lines[first : first + 120])
