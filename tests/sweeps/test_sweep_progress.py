"""How far a sweep is: every run counts, however it ended, and parts of runs."""

from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.run import Experiment
from grokscope.sweeps import Result, Sweep
from grokscope.sweeps.progress import SweepProgress
from grokscope.training import Stop

PLANNED = Sweep(base=Experiment(stop=Stop(steps=100)), seeds=range(4)).runs()


class Watching:
    """Adds up what it is called with."""

    def __init__(self):
        self.total, self.amount, self.detail = 0, 0, ""

    def start(self, total, label):
        self.total = total

    def advance(self, amount=1, detail=""):
        self.amount += amount
        self.detail = detail

    def message(self, text):
        pass

    def done(self):
        pass


def ended(seed, outcome="grokked"):
    return Result(f"seed{seed}", RunOutcome(run=f"seed{seed}", outcome=outcome))


def test_runs_and_parts_of_runs_are_counted():
    shown = Watching()
    progress = SweepProgress(shown, PLANNED, [ended(0)])
    assert (shown.total, shown.amount) == (400, 100)
    progress.on_step("seed1", 50)
    assert shown.amount == 150
    progress.on_result(ended(1, "memorised"))
    assert shown.amount == 200
    progress.on_result(Result("seed2", error="no memory"))
    assert shown.amount == 200
    assert shown.detail == "3 of 4 runs · 1 grokked · 1 memorised · 1 failed · seed2 failed: no memory"


def test_what_is_tried_again_has_not_ended_and_repeats_no_step():
    shown = Watching()
    progress = SweepProgress(shown, PLANNED, [])
    progress.on_step("seed2", 60)
    progress.on_result(Result("seed2", error="no memory"))
    progress.on_step("seed2", 40)
    assert (shown.amount, str(progress)[:14]) == (60, "0 of 4 runs · ")
    progress.on_result(ended(2))
    assert shown.amount == 100
