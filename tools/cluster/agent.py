"""Monitor commands without the price of a CLI process each.

The agent is one python process with the rados binding of the cluster's own suite (so it must run where that is
installed, which may be a chroot): a JSON command a line in, a JSON answer a line out.
"""

import json
import subprocess

from .layout import Failure

PROGRAM = r"""
import json, sys, time, rados
conf, keyring, end = sys.argv[1], sys.argv[2], time.monotonic() + float(sys.argv[3])
while True:
    c = rados.Rados(conffile=conf, rados_id="admin", conf={"keyring": keyring, "rados_mon_op_timeout": "20"})
    try:
        c.connect(timeout=5)
        break
    except rados.Error as e:
        c.shutdown()
        if time.monotonic() > end:
            print(json.dumps([-110, "", "no monitor answers: %s" % e]), flush=True)
            sys.exit(1)
print(json.dumps([0, "", ""]), flush=True)
for line in sys.stdin:
    try:
        r, out, err = c.mon_command(line, b"", timeout=20)
        print(json.dumps([r, out.decode(), err]), flush=True)
    except rados.Error as e:
        print(json.dumps([-(e.errno or 5), "", str(e)]), flush=True)
c.shutdown()
"""


class Agent:
    """Use as a context: the process ends with it."""

    def __init__(self, layout, suite, timeout):
        argv = suite.argv(layout, ["/usr/bin/python3", "-c", PROGRAM, layout.conf, layout.keyring, str(timeout)])
        self.proc = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/"
        )
        self.connected = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.kill()
        self.proc.communicate()

    def _answer(self):
        line = self.proc.stdout.readline()
        if not line:
            raise Failure(f"the helper process for monitor commands ended: {self.proc.stderr.read().strip()[-500:]}")
        return json.loads(line)

    def connect(self):
        r, _, err = self._answer()
        if r:
            raise Failure(err)
        self.connected = True

    def call(self, prefix, **args):
        """Runs one command; returns its output, parsed where it is JSON."""
        self.proc.stdin.write(json.dumps(dict(args, prefix=prefix, format="json")) + "\n")
        self.proc.stdin.flush()
        r, out, err = self._answer()
        if r:
            raise Failure(f"ceph {prefix}: {err or out} ({r})")
        try:
            return json.loads(out) if out.strip() else None
        except ValueError:
            return out
