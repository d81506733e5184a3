"""What one run reached: a frozen object whose fields are the columns of every table of runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import singledispatch
from typing import Any, Literal, get_args

import pandas as pd

from grokscope.analysis.many_runs.survival import first_crossing
from grokscope.analysis.modular.key_frequencies import network_key_frequencies
from grokscope.curves.change_points import find_change_point
from grokscope.curves.phases import find_phases
from grokscope.errors import RunError
from grokscope.models import MLP, Transformer
from grokscope.run import Run
from grokscope.tasks import ModularTask, Task

Outcome = Literal["generalised at once", "grokked", "memorised", "not fitted", "diverged"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

FITTED = 0.99
"""A network has fitted its training set from the first evaluation on at which it knows this share of it."""
AT_ONCE = 2.0
"""A network that knows the test set in less than this many times the steps it took to fit generalised at once."""


@dataclass(frozen=True)
class Column:
    """How a field of :class:`RunOutcome` stands in a table."""

    dtype: str
    """Of pandas; ``list`` for whole numbers in a list, ``columns`` for a mapping, each of whose names is a column."""
    label: str = ""
    """What a reader sees above it."""
    unit: str = ""
    hidden: bool = False
    """Whether tables for readers leave it out."""


def _shown(dtype: str, label: str = "", unit: str = "", *, hidden: bool = False) -> dict[str, Column]:
    """Return the metadata of a field."""
    return {"column": Column(dtype, label, unit, hidden)}


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What one run reached. None where something has not happened, does not exist or is not known.

    The fields are the columns of :func:`grokscope.analysis.many_runs.table.outcome_table`, in this order.
    """

    run: str = field(metadata=_shown("str", "run"))
    """Its folder: in a sweep the name, otherwise the path."""
    settings: Mapping[str, Any] = field(default_factory=dict, metadata=_shown("columns"))
    """Settings that tell it from other runs, by dotted name: a column each."""
    seed: int | None = field(default=None, metadata=_shown("Int64", "seed"))
    """None where initialisation, split, data and noise have different ones."""
    seeds: tuple[int, ...] = field(default=(), metadata=_shown("list", "seeds", hidden=True))
    """Of initialisation, split, data and noise."""
    status: str = field(default="finished", metadata=_shown("str", "status"))
    """Of the run, or ``failed``."""
    outcome: Outcome | None = field(default=None, metadata=_shown("str", "outcome"))
    last_step: int | None = field(default=None, metadata=_shown("Int64", "last step", "steps"))
    """Of the last evaluation."""
    seconds: float | None = field(default=None, metadata=_shown("float64", "seconds", "s"))
    """Of training."""
    fitted: int | None = field(default=None, metadata=_shown("Int64", "fitted", "steps"))
    """The first step at which the training accuracy is at least 99 %."""
    memorised: int | None = field(default=None, metadata=_shown("Int64", "memorised", "steps", hidden=True))
    """The step at which the test loss is at its highest (:func:`grokscope.analysis.find_phases`), on finite data."""
    generalised: int | None = field(default=None, metadata=_shown("Int64", "generalised", "steps", hidden=True))
    """From this step on the test loss is below that of guessing."""
    first_crossing: int | None = field(default=None, metadata=_shown("Int64", "first crossing", "steps"))
    """The first step with a test accuracy of at least 95 %."""
    grokked: int | None = field(default=None, metadata=_shown("Int64", "grokked at", "steps"))
    """From this step on the test accuracy is at least 95 %."""
    delay: float | None = field(default=None, metadata=_shown("float64", "delay", "steps"))
    """Change point of the test loss less that of the training loss, as ``grokscope changes`` has it; on finite data."""
    train_loss: float | None = field(default=None, metadata=_shown("float64", "train loss", "nats"))
    """At the last evaluation, as the test loss and accuracy are."""
    test_loss: float | None = field(default=None, metadata=_shown("float64", "test loss", "nats"))
    test_accuracy: float | None = field(default=None, metadata=_shown("float64", "test accuracy"))
    key_frequencies: tuple[int, ...] | None = field(default=None, metadata=_shown("list", "key frequencies"))
    """Of the last checkpoint on modular arithmetic, by neuron clusters."""
    n_key_frequencies: int | None = field(
        default=None, metadata=_shown("Int64", "number of key frequencies", hidden=True)
    )
    verdict: str | None = field(default=None, metadata=_shown("str", "verdict"))
    """Of the explanation of the last checkpoint, where it was tested."""
    measures: Mapping[str, float | None] = field(default_factory=dict, metadata=_shown("columns"))
    """Measures of the last checkpoint that were asked for: a column each."""
    error: str | None = field(default=None, metadata=_shown("str", "error"))
    """Why the run failed."""


COLUMNS: dict[str, Column] = {each.name: each.metadata["column"] for each in fields(RunOutcome)}
"""By name, in their order; ``settings`` and ``measures`` stand for columns of other names."""
LISTS = tuple(name for name, column in COLUMNS.items() if column.dtype == "list")


def run_outcome(run: Run, *, name: str | None = None, settings: Mapping[str, Any] | None = None) -> RunOutcome:
    """Return what ``run`` reached, without a verdict and without measures.

    Args:
        run: with metrics.
        name: what it is called in a table; its path if None.
        settings: that tell it from other runs.

    Raises:
        RunError: it has no metrics yet, or a file of it is damaged.
    """
    metrics, task = run.metrics, run.task
    if metrics.empty:
        raise RunError(f"{run.path} has no metrics yet ({run.status}); train it first, or leave it out")
    phases, last = find_phases(metrics, task.chance_loss), metrics.iloc[-1]
    seeds = tuple(run.experiment.seeds.model_dump().values())
    infinite = task.train is None
    fits = metrics.loc[metrics["train_accuracy"] >= FITTED, "step"].tolist()
    fitted = int(fits[0]) if fits else None
    keys = named_key_frequencies(task, run.model()) if run.checkpoints else None
    return RunOutcome(
        run=str(run.path) if name is None else name,
        settings=dict(settings or {}),
        seed=seeds[0] if len(set(seeds)) == 1 else None,
        seeds=seeds,
        status=run.status,
        outcome=classify_outcome(run.status, fitted, phases.grokked),
        last_step=int(last["step"]),
        seconds=run.record.get("training_seconds"),
        fitted=fitted,
        memorised=None if infinite else phases.memorised,
        generalised=phases.generalised,
        first_crossing=first_crossing(metrics),
        grokked=phases.grokked,
        delay=None if infinite else _delay(metrics, task.chance_loss),
        train_loss=_finite(last["train_loss"]),
        test_loss=_finite(last["test_loss"]),
        test_accuracy=_finite(last["test_accuracy"]),
        key_frequencies=keys,
        n_key_frequencies=None if keys is None else len(keys),
    )


def classify_outcome(status: str, fitted: int | None, grokked: int | None) -> Outcome:
    """Return how a run turned out, by the rules of :data:`FITTED` and :data:`AT_ONCE`.

    Args:
        status: of the run.
        fitted: first step at which it had fitted its training set; None if it never did.
        grokked: first step from which on it knew the test set; None if it never did.
    """
    if status == "diverged":
        return "diverged"
    if grokked is not None:
        # mini-batches may never be all right at once: what knows the rest has fitted
        return "grokked" if fitted is not None and grokked >= AT_ONCE * fitted else "generalised at once"
    return "memorised" if fitted is not None else "not fitted"


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _delay(metrics: pd.DataFrame, chance_loss: float) -> float | None:
    """Return the grokking delay, without the intervals that ``grokscope changes`` takes longest for."""
    train, test = (
        find_change_point(metrics["step"], metrics[f"{data}_loss"], ceiling=chance_loss, resamples=20)
        for data in ("train", "test")
    )
    return None if train is None or test is None else test.location - train.location


@singledispatch
def named_key_frequencies(task: Task, model: Transformer | MLP) -> tuple[int, ...] | None:
    """Return the key frequencies of a network that may be named; None where a task has none.

    A family of tasks with frequencies registers its own.
    """
    return None


@named_key_frequencies.register
def _(task: ModularTask, model: Transformer | MLP) -> tuple[int, ...]:
    return tuple(network_key_frequencies(model, task).named)
