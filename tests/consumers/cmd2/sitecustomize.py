"""Debian 12's cephfs-shell names an option as cmd2 called it before 1.0, and does not start with Debian 12's 2.4."""

import cmd2

begin = cmd2.Cmd.__init__


def begin_as_of_old(self, *args, use_ipython=None, **more):
    begin(self, *args, **more)


cmd2.Cmd.__init__ = begin_as_of_old
