"""What came of each run of a sweep: one row of plain values, kept beside the run."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from grokscope.analysis.many_runs.outcomes import run_outcome
from grokscope.analysis.many_runs.survival import first_crossing
from grokscope.analysis.measures import as_columns, check_measure, measure_network
from grokscope.analysis.measures import measures_of as measures_on
from grokscope.errors import ConfigError, NotApplicableError
from grokscope.explanation import explain
from grokscope.explanation.subject import subject_of_run
from grokscope.models import MLP, Transformer
from grokscope.run import Experiment, Run
from grokscope.run.build import task_of
from grokscope.sweeps.plan import PlannedRun
from grokscope.tasks import ModularTask, Task

Outcome = Literal["generalised at once", "grokked", "memorised", "not fitted", "diverged"]
OUTCOMES: tuple[Outcome, ...] = ("generalised at once", "grokked", "memorised", "not fitted", "diverged")

FITTED = 0.99
"""A network has fitted its training set from the first evaluation on at which it knows this share of it."""
AT_ONCE = 2.0
"""A network that knows the test set in less than this many times the steps it took to fit generalised at once."""

Row = dict[str, Any]
"""A run's values by column: text, numbers, or None where there is no such thing."""


def outcome_row(run: Run, planned: PlannedRun, *, measures: Sequence[str] = (), explained: bool = True) -> Row:
    """Return the row of a run that has ended.

    Columns: ``run`` (its folder), every setting that varies by its dotted name, ``seed``, ``status``, ``outcome``,
    ``last_step``, ``seconds`` (of training); the steps ``fitted``, ``memorised``, ``generalised``, ``first_crossing``
    and ``grokked`` (from which on the test accuracy stays at 95 %), and ``delay``; ``train_loss``, ``test_loss`` (nats)
    and ``test_accuracy`` at the end; ``key_frequencies`` (``5 8 22``) and ``n_key_frequencies``; ``verdict``; then
    what was asked for in ``measures``, of the last checkpoint.

    Args:
        run: status ``finished`` or ``diverged``.
        planned: what it was planned as.
        measures: names of :func:`measures_of`.
        explained: whether to test the explanation of the last network, for the ``verdict``.

    Raises:
        RunError: the run has no metrics, or a file of it is damaged.
    """
    found, metrics = run_outcome(run, group=""), run.metrics
    fits = metrics.loc[metrics["train_accuracy"] >= FITTED, "step"].tolist()
    fitted = int(fits[0]) if fits else None
    keys = found.key_frequencies.split()
    row: Row = {
        "run": planned.folder,
        **planned.arm,
        "seed": planned.seed,
        "status": found.status,
        "outcome": outcome_in_words(found.status, fitted, found.grokked),
        "last_step": found.last_step,
        "seconds": float(run.record["training_seconds"]),
        "fitted": fitted,
        "memorised": found.memorised,
        "generalised": found.generalised,
        "first_crossing": first_crossing(metrics),
        "grokked": found.grokked,
        "delay": found.delay,
        "train_loss": found.train_loss,
        "test_loss": found.test_loss,
        "test_accuracy": found.test_accuracy,
        "key_frequencies": found.key_frequencies if isinstance(run.task, ModularTask) else None,
        "n_key_frequencies": len(keys) if isinstance(run.task, ModularTask) else None,
        "verdict": _verdict(run) if explained and found.status == "finished" else None,
    }
    if measures:
        values = _measured(run.model(), run.task) if run.steps else {}
        row |= {name: values.get(name) for name in measures}
    return {name: _plain(value) for name, value in row.items()}


def measures_of(experiment: Experiment) -> list[str]:
    """Return the names of the measures that are defined on an experiment's task.

    Those with an index are asked for with it: ``prefix_matching_1.0``, ``excluded_loss_14``.
    """
    return [each.name for each in measures_on(task_of(experiment))]


def check_measures(experiment: Experiment, names: Sequence[str]) -> None:
    """Raise unless all these measures are defined on an experiment's task.

    Raises:
        ConfigError: one is not.
    """
    task = task_of(experiment) if names else None
    for name in names:
        if task is not None:
            check_measure(task, name)


def _measured(model: Transformer | MLP, task: Task) -> dict[str, float]:
    try:
        return as_columns(measure_network(task, model))
    except NotApplicableError:  # of this network there is nothing to measure: the table says so by having no value
        return {}


def _verdict(run: Run) -> str | None:
    try:
        return explain(subject_of_run(run)).verdict
    except ConfigError:  # of this task or size there is nothing to test: the table says so by having no verdict
        return None


def outcome_in_words(status: str, fitted: int | None, grokked: int | None) -> Outcome:
    """Return what came of a run, by the rules of :data:`FITTED` and :data:`AT_ONCE`.

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


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
