"""``gs.measure``: every measure of every checkpoint."""

import os
from collections.abc import Sequence

import pandas as pd

from grokscope.analysis.trajectories.measure_run import measure_run
from grokscope.progress import SILENT, Progress
from grokscope.run import Run
from grokscope.run.atomic import write_atomically
from grokscope.workflows.opening import open_run


def measure(
    run: str | os.PathLike[str] | Run,
    *,
    frequencies: Sequence[int] | None = None,
    every: int | None = None,
    write: bool = True,
    progress: Progress = SILENT,
) -> pd.DataFrame:
    """Measure the checkpoints of a run, keep the table in its ``measures.csv``, and return it.

    Args:
        run: its name, its path, or the run itself.
        frequencies: the key frequencies [those of the last network].
        every: only checkpoints at multiples of this step, and the last [all].
        write: keep the table in the run's folder, where ``run.measures``, reports and figures find it.
        progress: shows how many checkpoints are measured.

    Raises:
        ConfigError: the measures are not defined for the run's task, or the network has no key frequencies.
        RunError: there is no such run, or it has no checkpoints.

    Example:
        >>> gs.measure("runs/fast").tail()
    """
    opened = open_run(run)
    table = measure_run(opened, frequencies=frequencies, every=every, progress=progress)
    if write:
        write_atomically(opened.folder.measures, table.to_csv(index=False).encode())
    return table
