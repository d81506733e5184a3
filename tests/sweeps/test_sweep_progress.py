"""What is shown while a sweep goes on: every run, however it ended, and how long it still takes."""

import io

import pytest
from rich.console import Console

from grokscope.run import Experiment
from grokscope.sweeps import Result, Sweep
from grokscope.sweeps.progress import Tally, show_sweep
from grokscope.training import Stop

PLANNED = Sweep(base=Experiment(stop=Stop(steps=100)), seeds=range(4)).runs()


def ended(seed, outcome="grokked"):
    return Result(f"seed{seed}", {"outcome": outcome})


def test_the_tally_counts_runs_and_parts_of_runs():
    tally = Tally()
    tally.begin(PLANNED, [ended(0)])
    tally.step("seed1", 50)
    assert tally.done == 1.5
    tally.ended(ended(1, "memorised"))
    tally.ended(Result("seed2", error="no memory"))
    assert tally.done == 3
    assert str(tally) == "3 of 4 runs · 1 grokked · 1 memorised · 1 failed"


def test_what_is_tried_again_has_not_ended():
    tally = Tally()
    tally.begin(PLANNED, [])
    tally.ended(Result("seed2", error="no memory"))
    tally.step("seed2", 0)
    assert tally.done == 0
    tally.ended(ended(2))
    assert str(tally) == "1 of 4 runs · 1 grokked"


@pytest.mark.parametrize("terminal", [True, False])
def test_all_runs_and_failures_are_shown(terminal):
    written = io.StringIO()
    with show_sweep(Console(file=written, force_terminal=terminal, width=200, color_system=None)) as watcher:
        watcher.begin(PLANNED, [ended(0)])
        for seed in (1, 2):
            for step in (0, 50, 100):
                watcher.step(f"seed{seed}", step)
        watcher.ended(ended(1))
        watcher.ended(Result("seed2", error="the [red] disk is full"))
        watcher.ended(ended(3))
    text = written.getvalue()
    assert "seed2 failed: the [red] disk is full" in text
    assert "4 of 4 runs · 3 grokked · 1 failed" in text
