"""Two clients and one file: a holder takes caps on it, a demander asks for what they stand in the way of, in turn. The
demander is the same for every kind of holder, so what differs is the holder."""

import dataclasses

from . import wire, workers
from .stats import Failure


WARM_UP = 3  # turns that do not count


@dataclasses.dataclass
class Fight:
    row: str
    take: object    # turn -> the holder's line
    demand: object  # turn -> the demander's line, which is measured
    hold: bool      # the holder has the file open for writing all the time


def answer(took):
    """In the form in which a worker answers."""
    return {"samples": len(took), "ops": len(took), "wall_ns": sum(took), "cpu_ns": None, "took": sorted(took)}


class Duel:
    def __init__(self, session, demander, sets):
        """`sets`: numbers of files that were never used."""
        self.session = session
        self.demander = demander
        self.sets = sets
        self.listens = True  # until it turns out that this is not allowed

    def fight(self, f, holder, turns, title):
        """One round against a holder of this kind; None: nobody holds anything, which is the floor."""
        client = holder or "floor"
        if (f.row, client) in self.session.failed:
            return
        self.session.progress.say(f"{title}  {f.row}  {client}")
        self.set = next(self.sets)
        two = []
        try:
            self.make_file()
            for kind in [self.demander] + ([holder] if holder else []):
                two.append(self.worker(kind))
            self.turns(f, client, two[0], two[1] if holder else None, turns)
            for w in two:
                w.ask("down")
        except Failure as e:
            self.session.failed[f.row, client] = str(e)
        finally:
            for w in reversed(two):
                w.close()

    def worker(self, kind):
        w = workers.Worker(self.session.exes[kind], self.session.conf)
        try:
            w.ask("up own=1")
        except Failure:
            w.close()
            raise
        return w

    def make_file(self):
        """By somebody who is gone before it begins: nobody has caps yet."""
        maker = self.worker(self.demander)
        try:
            for line in (f"hold set={self.set}", "let_go", "down"):
                maker.ask(line)
        finally:
            maker.close()

    def turns(self, f, client, demander, holder, turns):
        took, taken, answers = [], [], []
        listener = self.listener(holder) if holder else None
        if holder and f.hold:
            holder.ask(f"hold set={self.set}")
        try:
            for k in range(WARM_UP + turns):
                if holder:
                    taken.append(holder.ask(f"{f.take(k)} set={self.set}")["last_ns"])
                if listener:
                    listener.seen()
                took.append(demander.ask(f"{f.demand(k)} set={self.set}")["last_ns"])
                if listener:
                    answers.append(wire.answer_ns(listener.seen(), self.ports))
        finally:
            if listener:
                listener.close()
        if holder and f.hold:
            holder.ask("let_go")
        self.session.of(f.row, client).rounds.append(answer(took[WARM_UP:]) | {"taken": sorted(taken[WARM_UP:])})
        answers = [a for a in answers[WARM_UP:] if a is not None]
        if answers:
            self.session.of(f.row + "_ack", client).rounds.append(answer(answers))

    def listener(self, holder):
        if not self.listens:
            return None
        try:
            self.ports = wire.ports_between(holder.process.pid, self.session.mds.pids())
            return wire.Wire()
        except OSError:
            self.listens = False
            return None
