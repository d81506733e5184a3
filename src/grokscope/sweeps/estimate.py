"""What a sweep will take, before it begins: runs, time and disk, from a few steps of each kind of network."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from grokscope.run import Experiment, ensemble_key
from grokscope.run.build import member_of, task_of, trainer_of
from grokscope.sweeps.backend import SweepBackend
from grokscope.sweeps.batching import MOST, batches_of
from grokscope.sweeps.plan import PlannedRun
from grokscope.training import EnsembleTrainer, Trainer

KINDS = 8
"""So many kinds of network are timed; of the others it is assumed that they take as long as these."""
SECONDS = 0.4
"""How long each is timed."""


@dataclass(frozen=True)
class Cost:
    """What is expected of the runs that are left."""

    n_runs: int
    seconds: float
    """Of training and evaluating, with all workers, if every run takes all its steps; runs that stop early take less.
    As fast as this machine."""
    bytes: int
    """Of checkpoints and training states, if every run takes all its steps."""


def expected_cost(runs: Sequence[PlannedRun], backend: SweepBackend) -> Cost:
    """Return what ``runs`` will take; trains some for a moment, and keeps nothing.

    Args:
        runs: those that are left to do.
        backend: how they are going to be trained.
    """
    packed = batches_of(runs, backend.execution, backend.ensemble_size, backend.n_workers)
    batches = [[run.experiment for run in batch] for batch in packed]
    kinds: dict[str, list[Experiment]] = {}
    for batch in batches:
        kinds.setdefault(ensemble_key(batch[0]), batch)
    timed = list(kinds)[:: -(-len(kinds) // KINDS)] if kinds else []
    with backend.execution.resolved().applied() as device:
        # of large ensembles a part: they may not fit into memory, and a cluster's are not for this machine
        measured = {key: _Speed.of(kinds[key][:MOST], device) for key in timed}
    typical = _Speed.mean(list(measured.values()))
    seconds = size = 0.0
    for batch in batches:
        speed = measured.get(ensemble_key(batch[0]), typical)
        for experiment in batch:
            steps = experiment.stop.steps
            seconds += steps * speed.step + (steps // experiment.evaluate_every + 1) * speed.evaluation
            size += speed.weights * experiment.n_checkpoints(steps) + speed.state
    return Cost(len(runs), seconds / max(1, min(backend.n_workers, len(batches))), int(size))


@dataclass(frozen=True)
class _Speed:
    """Seconds that a step and an evaluation take of one run, bytes of its weights and of its training state."""

    step: float
    evaluation: float
    weights: int
    state: int

    @classmethod
    def of(cls, experiments: Sequence[Experiment], device: torch.device) -> "_Speed":
        members = [member_of(experiment, task_of(experiment), device) for experiment in experiments]
        first = experiments[0]
        if len(members) > 1:
            trainer: Trainer | EnsembleTrainer = EnsembleTrainer(members, loss=first.loss)
        else:
            [only] = members
            trainer = trainer_of(first, only.model, only.task)

        def step() -> None:
            trainer.gradient()
            trainer.update()
            if device.type == "cuda":
                torch.cuda.synchronize()  # what is only queued there takes no time here

        seconds = _seconds(step) / len(members), _seconds(trainer.test) / len(members)
        state = trainer.state(0) if isinstance(trainer, EnsembleTrainer) else trainer.state()
        return cls(*seconds, _bytes(members[0].model.parameters()), _bytes(state.values()))

    @classmethod
    def mean(cls, speeds: Sequence["_Speed"]) -> "_Speed":
        n = max(1, len(speeds))
        return cls(
            sum(each.step for each in speeds) / n,
            sum(each.evaluation for each in speeds) / n,
            sum(each.weights for each in speeds) // n,
            sum(each.state for each in speeds) // n,
        )


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(each.numel() * each.element_size() for each in tensors)


def _seconds(action: Callable[[], object]) -> float:
    """Return how long ``action`` takes: the median of as often as it can be done in a moment, after a first time."""
    action()
    began, times = time.perf_counter(), []
    while not times or time.perf_counter() - began < SECONDS:
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]
