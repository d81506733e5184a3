"""What is to be explained: a network with the task that it is said to do."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from grokscope.analysis.modular.measures import train_mask
from grokscope.display import brief_repr
from grokscope.errors import ConfigError, RunError
from grokscope.interop import ImportedNetwork
from grokscope.models import MLP, Transformer
from grokscope.run import Run
from grokscope.tasks import ModularConfig, ModularTask, SequenceTask

MEMORISED = 0.1
"""A checkpoint that knows its training set has memorised, and no more, below this share of the test set: with more,
the circuit may be in it already."""


@dataclass(frozen=True, eq=False)
class ModularSubject:
    """A network that does modular arithmetic."""

    name: str
    model: Transformer | MLP
    task: ModularTask
    operation: str | None
    """As ``task.operation`` takes it; None where no candidate was recognised, and ``task`` has the nearest one."""
    step: int | None = None
    train: Bool[Tensor, "p p"] | None = None
    """The pairs that it was trained on; None where that is not known."""
    memorised: Transformer | MLP | None = None
    """A network that has memorised the same training set and not generalised, as a control."""
    notes: tuple[str, ...] = ()
    """What was inferred, for people."""
    imported: ImportedNetwork | None = None
    """Where it came from, if it is somebody else's."""

    __repr__ = brief_repr


@dataclass(frozen=True, eq=False)
class SequenceSubject:
    """A transformer that does a task on sequences: digit addition, repeated subsequences or skip trigrams."""

    name: str
    model: Transformer
    task: SequenceTask
    step: int | None = None
    memorised: Transformer | None = None
    """A network that has memorised the same training set and not generalised, as a control."""
    notes: tuple[str, ...] = ()
    """What was inferred, for people."""
    imported: ImportedNetwork | None = None
    """Where it came from, if it is somebody else's."""

    __repr__ = brief_repr


Subject = ModularSubject | SequenceSubject


def subject_of_run(run: Run, step: int | None = None) -> Subject:
    """Return a run's network after ``step`` updates (the last checkpoint if None).

    Raises:
        RunError: there is no such checkpoint, or its weights are not finite.
        ConfigError: the network is an MLP on sequences, which has nothing that could be explained here.
    """
    model, task, config = run.model(step), run.task, run.experiment.task
    at = run.steps[-1] if step is None else step
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            bad = int((~torch.isfinite(weight)).sum())
            raise RunError(
                f"{bad} of the weights of {name} in {run.path} at step {at} are not finite; take an earlier --step"
            )
    memorising = _memorising_step(run)
    memorised = run.model(memorising) if memorising is not None and memorising != at else None
    called = f"{run.path}, step {at:,}"
    if isinstance(task, ModularTask) and isinstance(config, ModularConfig):
        return ModularSubject(
            called, model, task, config.operation, step=at, train=train_mask(task), memorised=memorised
        )
    if not isinstance(model, Transformer):
        raise ConfigError(f"{run.path} is a multilayer perceptron on {task.name}; only transformers can be explained")
    assert isinstance(task, SequenceTask)
    assert memorised is None or isinstance(memorised, Transformer)
    return SequenceSubject(called, model, task, step=at, memorised=memorised)


def _memorising_step(run: Run) -> int | None:
    """Return the checkpoint at which the run knew its training set and least of the rest; None if there is none."""
    kept = set(run.steps)
    rows = run.metrics[["test_accuracy", "train_accuracy", "step"]].dropna().to_numpy().tolist()
    known = [(test, int(step)) for test, train, step in rows if train >= 0.99 and test < MEMORISED and step in kept]
    return min(known)[1] if known else None
