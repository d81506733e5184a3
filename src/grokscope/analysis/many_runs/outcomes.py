"""What came of several runs: a row for each, and a row for each group with medians and ranges."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from grokscope.analysis.curves.change_points import find_change_point
from grokscope.analysis.curves.phases import find_phases
from grokscope.analysis.modular.key_frequencies import network_key_frequencies
from grokscope.errors import RunError
from grokscope.run import Run
from grokscope.run.groups import RunGroup
from grokscope.tasks import ModularTask

STEPS = ("memorised", "generalised", "grokked", "delay")
"""What a run may reach or not, in steps."""
SCORES = ("train_loss", "test_loss", "test_accuracy")
"""At the last evaluation: losses in nats."""


@dataclass(frozen=True)
class RunOutcome:
    """What came of one run; None where something has not happened, or there is no such thing."""

    run: str
    group: str
    seeds: str
    """``3``, or where they are not all the same those of init/split/data/noise."""
    status: str
    last_step: int
    """Of the last evaluation."""
    memorised: int | None
    """The step at which the test loss is at its highest (:func:`grokscope.analysis.find_phases`), on finite data."""
    generalised: int | None
    """From this step on the test loss is below that of guessing."""
    grokked: int | None
    """From this step on the test accuracy is at least 95 %."""
    delay: float | None
    """Change point of the test loss less that of the training loss, as ``grokscope changes`` has it; on finite data."""
    train_loss: float
    test_loss: float
    test_accuracy: float
    key_frequencies: str
    """Of the last checkpoint on modular arithmetic, by neuron clusters: ``14 35 41 42 52``."""


def run_outcome(run: Run, group: str) -> RunOutcome:
    """Return what came of ``run``.

    Raises:
        RunError: it has no metrics yet, or a file of it is damaged.
    """
    metrics, task = run.metrics, run.task
    if metrics.empty:
        raise RunError(f"{run.path} has no metrics yet ({run.status}); train it first, or leave it out")
    phases, last = find_phases(metrics, task.chance_loss), metrics.iloc[-1]
    seeds = [str(seed) for seed in run.experiment.seeds.model_dump().values()]
    infinite = task.train is None
    return RunOutcome(
        run=str(run.path),
        group=group,
        seeds=seeds[0] if len(set(seeds)) == 1 else "/".join(seeds),
        status=run.status,
        last_step=int(last["step"]),
        memorised=None if infinite else phases.memorised,
        generalised=phases.generalised,
        grokked=phases.grokked,
        delay=None if infinite else _delay(metrics, task.chance_loss),
        train_loss=float(last["train_loss"]),
        test_loss=float(last["test_loss"]),
        test_accuracy=float(last["test_accuracy"]),
        key_frequencies=" ".join(map(str, _keys(run))),
    )


def outcome_table(groups: Sequence[RunGroup]) -> pd.DataFrame:
    """Return one row a run: the fields of :class:`RunOutcome`, and by dotted name every setting that differs.

    Raises:
        RunError: a run has no metrics yet, or a file of it is damaged.
    """
    rows = [{**asdict(run_outcome(run, group.name)), **group.differing} for group in groups for run in group.runs]
    return pd.DataFrame(rows).astype(dict.fromkeys(STEPS[:3], "Int64") | {"delay": "float64"})


def group_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a group of :func:`outcome_table`, in its order.

    Columns: group, runs; of every name in :data:`STEPS` its ``_runs`` (how many reached it), ``_median``, ``_low`` and
    ``_high`` (of those that did); of every name in :data:`SCORES` its ``_median``, ``_low`` and ``_high``.

    Runs that did not reach something have not done so *within the steps that they were trained for*, and count as
    later than all that did: a median is the step by which at least half of all runs had reached it (as Kaplan & Meier
    1958 have it), and is missing if fewer than half ever did.
    """
    rows = []
    for name, runs in table.groupby("group", sort=False):
        row: dict[str, object] = {"group": name, "runs": len(runs)}
        for what in STEPS:
            reached = sorted(runs[what].dropna().astype(float))
            row |= {f"{what}_runs": len(reached), f"{what}_median": censored_median(reached, len(runs))}
            row |= {f"{what}_low": reached[0], f"{what}_high": reached[-1]} if reached else {}
        for what in SCORES:
            row |= {f"{what}_median": runs[what].median(), f"{what}_low": runs[what].min()}
            row |= {f"{what}_high": runs[what].max()}
        rows.append(row)
    columns = ["group", "runs"]
    columns += [f"{what}_{of}" for what in STEPS for of in ("runs", "median", "low", "high")]
    columns += [f"{what}_{of}" for what in SCORES for of in ("median", "low", "high")]
    return (
        pd.DataFrame(rows, columns=columns)
        .astype(dict.fromkeys(columns[2:], "float64"))
        .astype({f"{what}_runs": "int64" for what in STEPS})
    )


def censored_median(reached: Iterable[float], n: int) -> float | None:
    """Return the smallest of ``reached`` by which half of ``n`` runs had reached something; None if fewer ever did."""
    ordered = sorted(reached)
    half = -(-n // 2)
    return ordered[half - 1] if len(ordered) >= half else None


def _delay(metrics: pd.DataFrame, guessing: float) -> float | None:
    """Return the grokking delay, without the intervals that ``grokscope changes`` takes longest for."""
    found = [
        find_change_point(metrics["step"], metrics[f"{data}_loss"], ceiling=guessing, resamples=20)
        for data in ("train", "test")
    ]
    train, test = found
    return None if train is None or test is None else test.location - train.location


def _keys(run: Run) -> tuple[int, ...]:
    task = run.task
    if not isinstance(task, ModularTask) or not run.steps:
        return ()
    return network_key_frequencies(run.model(), task).named
