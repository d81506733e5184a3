"""What a run of a sweep reached, with the verdict and the measures that were asked for."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from grokscope.analysis.many_runs.outcomes import RunOutcome, run_outcome
from grokscope.analysis.measures import as_columns, check_measure, measure_network
from grokscope.analysis.measures import measures_of as measures_on
from grokscope.errors import NotApplicableError
from grokscope.explanation import explain
from grokscope.explanation.subject import subject_of_run
from grokscope.run import Experiment, Run
from grokscope.run.build import task_of
from grokscope.sweeps.plan import PlannedRun


def planned_outcome(
    run: Run, planned: PlannedRun, *, measures: Sequence[str] = (), explained: bool = True
) -> RunOutcome:
    """Return what a run of a sweep reached.

    Args:
        run: status ``finished`` or ``diverged``.
        planned: what it was planned as.
        measures: names of :func:`measures_of`, of the last checkpoint.
        explained: whether to test the explanation of the last network, for the ``verdict``.

    Raises:
        RunError: the run has no metrics, or a file of it is damaged.
    """
    found = run_outcome(run, name=planned.folder, settings=planned.settings)
    return dataclasses.replace(
        found,
        verdict=_verdict(run) if explained and found.status == "finished" else None,
        measures=_measures(run, measures) if measures else {},
    )


def failed_outcome(planned: PlannedRun, error: str) -> RunOutcome:
    """Return the outcome of a run that failed."""
    seeds = tuple(planned.experiment.seeds.model_dump().values())
    return RunOutcome(
        run=planned.folder, settings=planned.settings, seed=planned.seed, seeds=seeds, status="failed", error=error
    )


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


def _measures(run: Run, names: Sequence[str]) -> Mapping[str, float | None]:
    try:
        values = as_columns(measure_network(run.task, run.model())) if run.checkpoints else {}
    except NotApplicableError:  # nothing can be measured of this network: the table leaves it empty
        values = {}
    found = {name: values.get(name) for name in names}
    return {name: None if value is None or math.isnan(value) else value for name, value in found.items()}


def _verdict(run: Run) -> str | None:
    try:
        return explain(subject_of_run(run)).verdict
    except NotApplicableError:  # nothing to test of this task or size: the table leaves it empty
        return None
