"""``gs.figure``: one figure of a run."""

import os
from typing import TYPE_CHECKING, Any

from grokscope.figures.catalogue import draw_figure
from grokscope.figures.source import RunSource
from grokscope.run import Run
from grokscope.workflows.opening import open_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure(
    run: str | os.PathLike[str] | Run, name: str, *, ax: Any = None, step: int | None = None, **options: Any
) -> "Figure":
    """Return the figure of that name, as ``grokscope figure`` lists them.

    Args:
        run: its name, its path, or the run itself.
        name: of the figure.
        ax: where to draw it: axes, a list of axes, a subfigure or a figure of your own [a new figure].
        step: the checkpoint whose network is drawn [the last].
        **options: of the figure, for example ``log_steps=True``.

    Raises:
        ConfigError: there is no such figure of the run's task, or an option does not change it.
        RunError: the run lacks the data for it; the message names the command that makes them.

    Example:
        >>> gs.figure("runs/fast", "circles", step=100).savefig("circles.pdf")
    """
    return draw_figure(name, RunSource(open_run(run), step), ax=ax, **options)
