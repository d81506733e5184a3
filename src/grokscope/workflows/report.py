"""``gs.report`` and ``gs.replay``: pages that work offline."""

import os
from pathlib import Path
from typing import Any

from grokscope.errors import ConfigError
from grokscope.progress import SILENT, Progress
from grokscope.recipe import published_of
from grokscope.reports import TrainingReplay, replay_run, write_report
from grokscope.reports.foreign.page import report_file
from grokscope.run import Run
from grokscope.workflows.opening import is_file_of_weights, open_run, refuse_settings


def report(
    run: str | os.PathLike[str] | Run,
    path: str | os.PathLike[str] | None = None,
    *,
    step: int | None = None,
    p: int | None = None,
    operation: str | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> Path:
    """Write the report of a run, or of somebody else's network, and return its path: one HTML file.

    Args:
        run: its name, its path, or the run itself; or a file of weights.
        path: the file to write [report.html in the run's folder].
        step: the checkpoint whose network is shown [the last].
        p: a file's modulus, where shapes do not show it.
        operation: what a file's network computes [inferred from its answers].
        **settings: what a file's weights do not show, for example ``attention_coefficient=0``.
        progress: shows how many checkpoints are read.

    Raises:
        RunError: there is no such run, it is damaged, or the file cannot be written.

    Example:
        >>> gs.report("runs/fast")
    """
    out = None if path is None else Path(path)
    if is_file_of_weights(run):
        if step is not None:
            raise ConfigError(f"{run} is one network, without steps; leave step out")
        return report_file(run, out, p=p, operation=operation, progress=progress, **settings)
    refuse_settings(run, {"p": p, "operation": operation, **settings})
    opened = open_run(run)
    return write_report(opened, out, step=step, published=published_of(opened.experiment), progress=progress)


def replay(
    run: str | os.PathLike[str] | Run, step: int | None = None, *, progress: Progress = SILENT
) -> TrainingReplay:
    """Return a run's training as pictures that one slider moves together; a notebook shows it.

    Args:
        run: its name, its path, or the run itself.
        step: the checkpoint on which is chosen what to watch [the last].
        progress: shows how many checkpoints are read.

    Raises:
        RunError: there is no such run, or it is damaged.
        ConfigError: its networks cannot be replayed.

    Example:
        >>> gs.replay("runs/fast").write("replay.html")
    """
    return replay_run(open_run(run), step, progress=progress)
