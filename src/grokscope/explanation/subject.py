"""What is to be explained: a network with the task that it is said to do."""

from dataclasses import dataclass

import torch

from grokscope.display import brief_repr
from grokscope.errors import RunError
from grokscope.interop import ImportedNetwork
from grokscope.models import MLP, Transformer
from grokscope.run import Run
from grokscope.tasks import Task

MEMORISED = 0.1
"""A checkpoint that knows its training set has memorised, and no more, below this share of the test set: with more,
the circuit may be in it already."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A network and its task."""

    name: str
    model: Transformer | MLP
    task: Task
    recognised: bool = True
    """Whether the network was found to do ``task``; where not, that is the nearest one that was tried."""
    step: int | None = None
    """Of the run's checkpoint, whose task holds the training set; None of a network without a run."""
    memorised: Transformer | MLP | None = None
    """A network that has memorised the same training set and not generalised, as a control."""
    notes: tuple[str, ...] = ()
    """What was inferred, for people."""
    imported: ImportedNetwork | None = None
    """Where it came from, if it is somebody else's."""
    alternatives: tuple["Subject", ...] = ()
    """The same weights with other settings that fit alike, each with its name."""

    __repr__ = brief_repr


def subject_of_run(run: Run, step: int | None = None) -> Subject:
    """Return a run's network after ``step`` updates (the last checkpoint if None).

    Raises:
        RunError: there is no such checkpoint, or its weights are not finite.
    """
    model = run.model(step)
    at = run.checkpoints[-1] if step is None else step
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            bad = int((~torch.isfinite(weight)).sum())
            raise RunError(
                f"{bad} of the weights of {name} in {run.path} at step {at} are not finite; take an earlier --step"
            )
    memorising = _memorising_step(run)
    memorised = run.model(memorising) if memorising is not None and memorising != at else None
    return Subject(f"{run.path}, step {at:,}", model, run.task, step=at, memorised=memorised)


def _memorising_step(run: Run) -> int | None:
    """Return the checkpoint at which the run knew its training set and least of the rest; None if there is none."""
    kept = set(run.checkpoints)
    rows = run.metrics[["test_accuracy", "train_accuracy", "step"]].dropna().to_numpy().tolist()
    known = [(test, int(step)) for test, train, step in rows if train >= 0.99 and test < MEMORISED and step in kept]
    return min(known)[1] if known else None
