"""The builds that tests use, all with warnings as errors.

clang: with AddressSanitizer and UndefinedBehaviorSanitizer and the fuzz targets; what runs in tests comes from here.
gcc: as a user would build it; the unit tests run there once more, with the timing of real code and without the
sanitizers' own limits.
tsan: clang with ThreadSanitizer, and of the tests only those with several threads on the cache or in the drop-in.
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
    "tsan": [
        "-Dwerror=true",
        "-Db_sanitize=thread",
        "-Db_lundef=false",
        "-Dc_args=-fno-omit-frame-pointer",
    ],
}
COMPILER = {"tsan": "clang"}  # where it is not the build's name
# Cluster tests that run with ThreadSanitizer too: those whose threads are all inside the drop-in.
RACED = ("compat_threads", "compat_unload")
TARGETS = {  # where it is not all
    "tsan": ["tests/stress_readers", "src/compat/libcephfs.so.2.0.0", *(f"tests/cluster_{name}" for name in RACED)]
}
TESTED = os.path.join(REPO, "build-clang")
PLAIN = os.path.join(REPO, "build-gcc")
RACES = os.path.join(REPO, "build-tsan")
TIMEOUT_S = 900


def make(build, tally):
    """Counts as one test; True when it went well."""
    where = os.path.join(REPO, f"build-{build}")
    env = {"CC": COMPILER.get(build, build)}
    steps = [["ninja", "-k", "0", "-C", where] + TARGETS.get(build, [])]
    if not os.path.exists(os.path.join(where, "build.ninja")):
        subprocess.run(["rm", "-rf", where], check=True)
        steps.insert(0, ["meson", "setup", where, REPO] + BUILDS[build])
    for argv in steps:
        status, out = programs.run(argv, TIMEOUT_S, env)
        if status != 0:
            tally.add(f"build with {build} -Werror", False, _errors(out))
            return False
    print(f"  ok  build with {build} -Werror", flush=True)
    tally.add(f"build with {build} -Werror", True)
    return True


def _errors(out):
    """What failed, without the lines about what did not."""
    lines = out.splitlines()
    first = next((n for n, line in enumerate(lines) if line.startswith("FAILED:")), max(0, len(lines) - 60))
    return "\n".join(lines[first : first + 120])
