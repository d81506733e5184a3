"""From folders of runs to what tells them apart."""

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from grokscope.errors import RunError
from grokscope.reports.comparison.runs import ComparedRuns, compare_runs
from grokscope.run import Run
from grokscope.run.atomic import write_atomically
from grokscope.run.folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from grokscope.figures import Target


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(ComparedRuns):
    """Runs in groups that differ only by their seeds, and what they reached."""

    def report(self, path: str | PathLike[str] = "comparison.html") -> Path:
        """Write the page of the comparison, and return its path.

        Raises:
            ConfigError: there are more groups than a picture can show.
            RunError: the file cannot be written, or a run's measures.csv is damaged.
        """
        from grokscope.reports.comparison.page import read_compared, render_compared  # only now: drawing is heavy

        write_atomically(Path(path), render_compared(read_compared(self)).encode())
        return Path(path)

    def figure(self, name: str = "curves", *, ax: "Target" = None) -> "Figure":
        """Return a picture of the groups: ``curves``, ``survival`` or ``inside``.

        Args:
            name: ``curves`` are losses and accuracies, ``survival`` the share of runs that have not grokked yet, and
                ``inside`` the measures, or the losses of the task's parts.
            ax: where to draw it; in a new figure if None.

        Raises:
            ConfigError: there is no such picture, or nothing to draw.
        """
        from grokscope.reports.comparison.page import draw_comparison  # only now: drawing is heavy

        return draw_comparison(name, self, ax=ax)


def compare(*runs: str | PathLike[str] | Run | Iterable[str | PathLike[str] | Run]) -> Comparison:
    """Return runs in groups that differ only by their seeds, and what they reached.

    Args:
        *runs: runs, their folders, or patterns such as ``runs/*``; of a pattern, folders without a run are left out.

    Raises:
        ConfigError: runs of different kinds of task, or fewer than two.
        RunError: there is no run in a folder, a run is given twice, has no metrics yet, or is damaged.

    Example:
        >>> found = gs.compare("runs/fast*")
        >>> found.table
        >>> found.time_to("grokked").intervals
        >>> found.report("seeds.html")
    """
    opened: list[Run] = []
    for each in runs:
        if isinstance(each, Run | str | PathLike):
            opened += _opened(each)
        else:
            opened += [run for one in each for run in _opened(one)]
    found = compare_runs(opened)
    return Comparison(found.runs, found.groups)


def _opened(run: str | PathLike[str] | Run) -> list[Run]:
    if isinstance(run, Run):
        return [run]
    pattern = os.fspath(run)
    if Path(pattern).exists() or not glob.has_magic(pattern):
        return [Run(pattern)]
    path = Path(pattern)
    matching = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    found = [Run(each) for each in matching if RunFolder(each).exists()]
    if not found:
        raise RunError(f"no run is in a folder that matches {pattern!r}")
    return found
