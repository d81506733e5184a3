"""What benchmarks share: how long something takes, and a step of an experiment to be timed."""

import time
from collections.abc import Callable

from grokscope.run import Experiment
from grokscope.run.build import initial_model, task_of, trainer_of
from grokscope.training import Trainer


def seconds(work: Callable[[], object], times: int = 1) -> list[float]:
    """Return how long ``work`` took each time."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def taking(trainer: Trainer) -> Callable[[], None]:
    """Return a function that makes a step."""

    def step() -> None:
        trainer.gradient()
        trainer.update()

    return step


def stepping(experiment: Experiment) -> Callable[[], None]:
    """Return a function that makes a step of an experiment."""
    task = task_of(experiment)
    return taking(trainer_of(experiment, initial_model(experiment, task), task))
