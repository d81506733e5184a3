"""Every measure at every checkpoint of a run."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from grokscope.analysis.measures import look_at, take
from grokscope.errors import ConfigError, RunError
from grokscope.progress import SILENT, Progress
from grokscope.run import Run
from grokscope.run.parallel import map_checkpoints
from grokscope.run.tables import MEASURE_COLUMNS


def measure_run(
    run: Run,
    *,
    frequencies: Sequence[int] | None = None,
    every: int | None = None,
    progress: Progress = SILENT,
) -> pd.DataFrame:
    """Return every measure of every checkpoint as a tidy table: columns step, measure, index, value.

    What is measured, :func:`grokscope.analysis.measures.measures_of` lists;
    :func:`grokscope.analysis.measure_table.pivot` gives the table one row a step.

    Args:
        run: its checkpoints are measured, as many at once as there are threads.
        frequencies: the key frequencies, of modular arithmetic [the candidates of the last checkpoint].
        every: measure only checkpoints whose step is a multiple of this, and the last.
        progress: shows the checkpoints that are done.

    Raises:
        ConfigError: a frequency does not exist, or the task has none.
        NotApplicableError: nothing is defined for such networks; or the last one has no key frequencies, and none are
            given.
        RunError: there are no checkpoints.

    Example:
        >>> table = measure_run(run)
        >>> table.query("measure == 'excluded_loss' and index == ''")
    """
    steps = chosen_steps(run, every)
    look = look_at(run.task, run.model(steps[-1]), frequencies=frequencies)

    def rows(step: int) -> list[dict[str, object]]:
        return [{"step": step, **asdict(reading)} for reading in take(look(run.model(step)))]

    found = map_checkpoints(steps, rows, run.task, progress, "measuring")
    return pd.DataFrame([row for each in found for row in each], columns=MEASURE_COLUMNS)


def chosen_steps(run: Run, every: int | None = None) -> list[int]:
    """Return the checkpoints at multiples of ``every`` and the last one; all if None.

    Raises:
        ConfigError: ``every`` is below 1.
        RunError: there are no checkpoints.
    """
    if every is not None and every < 1:
        raise ConfigError(f"every: expected a number of steps from 1 up, got {every}")
    steps = run.checkpoints
    if not steps:
        raise RunError(f"{run.path} has no checkpoints to measure")
    return steps if every is None else sorted({step for step in steps if step % every == 0} | {steps[-1]})
