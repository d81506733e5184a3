"""Train fraction × weight decay: where networks memorise, grok, or generalise at once."""

import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from grokscope.analysis.curves.phases import find_phases
from grokscope.errors import ConfigError, DivergenceError
from grokscope.run import Execution, Experiment, Run, record_run
from grokscope.sweeps.outcomes import FITTED, Outcome, outcome_in_words


@dataclass(frozen=True)
class GridPoint:
    """One run of a grid, and what came of it."""

    train_fraction: float
    weight_decay: float
    outcome: Outcome
    fitted: int | None
    """First step with 99 % of the training set right."""
    generalised: int | None
    """First step from which on 95 % of the test set are right."""
    test_accuracy: float
    """At the end."""
    folder: str


def train_grid(
    base: Experiment,
    folder: Path,
    *,
    train_fractions: Sequence[float],
    weight_decays: Sequence[float],
    workers: int = 1,
    on_point: Callable[[GridPoint], None] = lambda point: None,
) -> pd.DataFrame:
    """Train ``base`` at every train fraction and weight decay, and return one row a run.

    Every run is kept in a folder of its own below ``folder``; what is finished there is not trained again.

    Args:
        base: modular arithmetic on finite data, with AdamW.
        folder: of the runs; made if it is not there.
        train_fractions: shares of the pairs.
        weight_decays: of AdamW.
        workers: processes, each on one CPU thread.
        on_point: called with each run that is done.

    Raises:
        ConfigError: ``base`` has no train fraction or weight decay, or a value is impossible.
        RunError: a folder is taken by another run or cannot be written.
    """
    planned = list(_planned(base, folder, train_fractions, weight_decays))
    points: list[GridPoint] = []

    def keep(point: GridPoint) -> None:
        points.append(point)
        on_point(point)

    if workers == 1:
        for experiment, path in planned:
            keep(_train(experiment, path))
    else:
        # a fresh interpreter for each: a forked one would inherit PyTorch's threads in an unknown state
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            waiting = [pool.submit(_train, experiment, path) for experiment, path in planned]
            for done in as_completed(waiting):
                keep(done.result())
    table = pd.DataFrame([vars(point) for point in points]).astype({"fitted": "Int64", "generalised": "Int64"})
    return table.sort_values(["train_fraction", "weight_decay"]).reset_index(drop=True)


def _planned(
    base: Experiment, folder: Path, fractions: Iterable[float], decays: Iterable[float]
) -> Iterable[tuple[Experiment, Path]]:
    for name, kind in (("task.data", base.task.data.kind), ("optimizer", base.optimizer.kind)):
        if kind not in ("finite", "adamw") or base.task.kind != "modular":
            raise ConfigError(
                f"a grid of train fraction and weight decay needs modular arithmetic on finite data with AdamW; "
                f"{base.name} has {name}.kind {kind!r} and task {base.task.kind!r}"
            )
    for fraction in fractions:
        for decay in decays:
            changes = {"task.data.train_fraction": fraction, "optimizer.weight_decay": decay}
            yield base.override(changes), folder / f"fraction{fraction:g}-decay{decay:g}"


def _train(experiment: Experiment, path: Path) -> GridPoint:
    try:
        run = record_run(experiment, path, execution=Execution(device="cpu", threads=1), resume=True)
    except DivergenceError:
        run = Run(path)
    return outcome_of(run)


def outcome_of(run: Run) -> GridPoint:
    """Return what came of a run of modular arithmetic (:func:`grokscope.sweeps.outcomes.outcome_in_words`)."""
    experiment, metrics = run.experiment, run.metrics
    fits = metrics.loc[metrics["train_accuracy"] >= FITTED, "step"].tolist()
    fitted = int(fits[0]) if fits else None
    generalised = find_phases(metrics, run.task.chance_loss).grokked
    settings = experiment.model_dump()
    return GridPoint(
        train_fraction=settings["task"]["data"]["train_fraction"],
        weight_decay=settings["optimizer"]["weight_decay"],
        outcome=outcome_in_words(run.status, fitted, generalised),
        fitted=fitted,
        generalised=generalised,
        test_accuracy=float(metrics["test_accuracy"].iloc[-1]),
        folder=str(run.path),
    )
