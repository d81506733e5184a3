"""How many threads a run gets where nobody says so: those with which its own steps are fastest here and now.

Two threads on two free cores take two thirds of the time that one takes. With one of the cores busy they wait for each
other at every operation, and one thread is faster. Which of the two it is, only a measurement can tell.
"""

import copy
import statistics
import time
from collections.abc import Callable

import torch

from grokscope.run.build import trainer_of
from grokscope.run.experiment import Experiment
from grokscope.tasks import Task
from grokscope.training import Trainer

WORTH_IT = 200
"""Steps: of a run with fewer to go, measuring would take longer than it saves."""
_TURNS = 5
"""How often each number is timed, in turns: what else the machine does falls on all of them."""
_TURN = 0.05
"""Seconds of steps in one turn, at least one step."""
_GAIN = 0.95
"""One more thread must take at most this share of the time."""


def fastest_threads(step: Callable[[], object], most: int, *, clock: Callable[[], float] = time.perf_counter) -> int:
    """Return with how many threads, 1 to ``most``, a step is fastest; the number set at present is set again.

    Powers of two and ``most`` itself are tried. Of numbers that are about as fast, the smallest is returned.

    Args:
        step: is called some dozens of times.
        most: threads at most.
        clock: tells the time in seconds.
    """
    before = torch.get_num_threads()
    numbers = sorted({most, *(2**power for power in range(most.bit_length()) if 2**power <= most)})
    taken: dict[int, list[float]] = {number: [] for number in numbers}
    try:
        for number in numbers:
            torch.set_num_threads(number)
            step()  # the first pass with so many threads starts them
        n_steps = 1
        for turn in range(_TURNS):
            for number in numbers:
                torch.set_num_threads(number)
                began = clock()
                for _ in range(n_steps):
                    step()
                taken[number].append((clock() - began) / n_steps)
            if turn == 0:
                n_steps = max(1, round(_TURN / max(1e-6, taken[numbers[0]][0])))
    finally:
        torch.set_num_threads(before)
    chosen = numbers[0]
    for number in numbers[1:]:
        if statistics.median(taken[number]) < _GAIN * statistics.median(taken[chosen]):
            chosen = number
    return chosen


def threads_for(experiment: Experiment, trainer: Trainer, task: Task) -> int:
    """Return with how many threads the steps of a run are fastest, at most as many as PyTorch uses at present.

    Args:
        experiment: of the run.
        trainer: of the run, on the CPU; it is left as it is.
        task: the one it is trained on.
    """
    most = torch.get_num_threads()
    if most == 1 or experiment.stop.steps - trainer.step < WORTH_IT:
        return most
    twin = trainer_of(experiment, copy.deepcopy(trainer.model), task)

    def step() -> None:
        twin.gradient()
        twin.update()

    return fastest_threads(step, most)
