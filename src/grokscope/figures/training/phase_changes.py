"""Phase changes on infinite data above grokking on limited data, task by task."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grokscope.curves.change_points import ChangePoint
from grokscope.errors import ConfigError
from grokscope.figures.axes import thousands
from grokscope.figures.canvas import Target, canvas, title, xlabel, ylabel
from grokscope.figures.line_styles import GUESSING
from grokscope.figures.theme import GREY, TEST, TRAIN, em, small


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A run as the figure takes it."""

    task: str
    """What is learned, in a few words: runs of one task share a column."""
    is_infinite: bool
    metrics: pd.DataFrame
    chance_loss: float
    changes: dict[str, ChangePoint]
    """Of :func:`grokscope.curves.change_points.change_points`."""


def infinite_against_finite(runs: Sequence[TrainedRun], *, ax: Target = None) -> Figure:
    """Return a column for each task: loss on infinite data above, training and test loss on limited data below.

    Steps are logarithmic and shared by both rows, so that a phase change above and the fitting and the grokking below
    can be compared. Dotted: the change points. Several runs of a task are drawn over each other.

    After Nanda & Lieberum (2022): what has a phase change on infinite data groks on limited data with regularisation.

    Args:
        runs: in the order of their columns.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there are no runs.
    """
    if not runs:
        raise ConfigError("there are no runs to draw; give some")
    tasks = list(dict.fromkeys(run.task for run in runs))
    with canvas(ax) as sheet:
        heights = [16 * sheet.scale] * 2
        grid = sheet.grid(heights, len(tasks), sharex="col")
        for column, task in enumerate(tasks):
            for row, infinite in enumerate((True, False)):
                chosen = [run for run in runs if run.task == task and run.is_infinite == infinite]
                _panel(grid[row][column], chosen, infinite=infinite)
            title(grid[0][column], task)
            xlabel(grid[1][column], "step")
        ylabel(grid[0][0], "infinite data\nloss (nats)")
        ylabel(grid[1][0], "limited data\nloss (nats)")
        sheet.legend(
            [
                Line2D([], [], color=TRAIN, label="training loss (limited data)"),
                Line2D([], [], color=TEST, label="test loss"),
                Line2D([], [], color=GREY, linestyle=GUESSING, linewidth=em(0.1), label="guessing"),
                Line2D([], [], color=GREY, linestyle=":", label="change points"),
            ]
        )
    return sheet.figure


def _panel(axes: Axes, runs: Sequence[TrainedRun], *, infinite: bool) -> None:
    if not runs:
        axes.text(0.5, 0.5, "no run given", transform=axes.transAxes, ha="center", va="center", color=GREY)
        axes.grid(False)
        return
    curves = (("test_loss", TEST),) if infinite else (("train_loss", TRAIN), ("test_loss", TEST))
    noted = []
    for run in runs:
        trained = run.metrics[run.metrics["step"] > 0]
        for name, colour in curves:
            alpha = 1 if len(runs) == 1 else 0.6
            axes.plot(trained["step"], trained[name], color=colour, linewidth=em(0.14), alpha=alpha)
            if name in run.changes:
                axes.axvline(run.changes[name].location, color=colour, linestyle=":", linewidth=em(0.1))
        noted.append(_note(run))
    axes.axhline(runs[0].chance_loss, color=GREY, linestyle=GUESSING, linewidth=em(0.1), zorder=1)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    thousands(axes.xaxis)
    if len(runs) == 1 and noted[0]:
        # where a curve begins it is high, so that there is room below it
        note = axes.text(0.04, 0.05, noted[0], transform=axes.transAxes, ha="left", va="bottom", fontsize=small())
        note.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": em(0.15)})


def _note(run: TrainedRun) -> str:
    """Return the change in a few words: its step, or the grokking delay."""
    test, train = run.changes.get("test_loss"), run.changes.get("train_loss")
    if test is None:
        return "no change of test loss"
    if run.is_infinite or train is None:
        return f"step {test.location:,.0f}"
    return f"delay {test.location - train.location:,.0f} steps"
