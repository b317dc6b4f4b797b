"""One line that says how far it is: rewritten on a terminal, now and then a new one elsewhere. On stderr."""

import sys
import time


class Progress:
    EVERY_S = 5  # where lines cannot be rewritten

    def __init__(self, stream=sys.stderr):
        self.stream = stream
        self.rewrites = stream.isatty()
        self.began = time.monotonic()
        self.last = -self.EVERY_S
        self.shown = 0

    def say(self, words):
        now = time.monotonic() - self.began
        line = f"{now:6.1f} s  {words}"
        if self.rewrites:
            self.stream.write("\r" + line.ljust(self.shown))
            self.shown = len(line)
        elif now - self.last >= self.EVERY_S:
            self.last = now
            self.stream.write(line + "\n")
        self.stream.flush()

    def done(self):
        if self.rewrites and self.shown:
            self.stream.write("\r" + " " * self.shown + "\r")
            self.stream.flush()
