"""What a step of each entry takes: seconds, measured in turns, and floating-point operations, counted."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from grokscope.progress import SILENT, Progress
from grokscope.run import Experiment
from grokscope.run.build import initial_model, task_of, trainer_of
from grokscope.training import Trainer

TURN = 10
"""Steps of one entry in a turn: preconditioners that are computed every tenth step are in each of them once."""


@dataclass(frozen=True)
class StepCost:
    """Of one step, in the mean."""

    seconds: float
    """On the threads that were used; compare entries of one race only, as machines differ and change."""
    flop: float
    """Of matrix products, forward, backward and in the optimiser; decompositions (QR, eigenvalues) are not counted."""


def step_costs(
    experiments: Mapping[str, Experiment], *, turns: int = 5, threads: int = 1, progress: Progress = SILENT
) -> dict[str, StepCost]:
    """Return the cost of a step of each experiment, all timed in turns so that the machine's moods fall on all alike.

    Args:
        experiments: by name.
        turns: of which the median is taken.
        threads: CPU threads.
        progress: counts the turns.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        trainers = {name: _trainer(experiment) for name, experiment in experiments.items()}
        progress.start((turns + 1) * len(trainers), "what a step takes")
        flops: dict[str, float] = {}
        for name, trainer in trainers.items():
            with FlopCounterMode(display=False) as counter:
                _turn(trainer)  # the first turn: memory is allocated, nothing is timed
            flops[name] = counter.get_total_flops() / TURN
            progress.advance(detail=name)
        taken: dict[str, list[float]] = {name: [] for name in trainers}
        for _ in range(turns):
            for name, trainer in trainers.items():
                began = time.perf_counter()
                _turn(trainer)
                taken[name].append((time.perf_counter() - began) / TURN)
                progress.advance(detail=name)
    finally:
        torch.set_num_threads(before)
    return {name: StepCost(statistics.median(taken[name]), flops[name]) for name in trainers}


def _trainer(experiment: Experiment) -> Trainer:
    task = task_of(experiment)
    return trainer_of(experiment, initial_model(experiment, task), task)


def _turn(trainer: Trainer) -> None:
    for _ in range(TURN):
        trainer.gradient()
        trainer.update()
