"""Phase changes on infinite data above grokking on limited data, task by task."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from grokscope.analysis.curves.change_points import ChangePoint
from grokscope.errors import ConfigError
from grokscope.figures.theme import GREY, TEST, TRAIN, blank_figure, styled


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A run as the figure takes it."""

    task: str
    """What is learned, in a few words: runs of one task share a column."""
    is_infinite: bool
    metrics: pd.DataFrame
    chance_loss: float
    changes: dict[str, ChangePoint]
    """Of :func:`grokscope.analysis.curves.change_points.change_points`."""


@styled
def infinite_against_finite(runs: Sequence[TrainedRun]) -> Figure:
    """Return a column for each task: loss on infinite data above, training and test loss on limited data below.

    Steps are logarithmic and shared by both rows, so that a phase change above and the fitting and the grokking below
    can be compared. Dotted: the change points. Several runs of a task are drawn over each other.

    After Nanda & Lieberum (2022): what has a phase change on infinite data groks on limited data with regularisation.

    Raises:
        ConfigError: there are no runs.
    """
    if not runs:
        raise ConfigError("there are no runs to draw; give some")
    tasks = list(dict.fromkeys(run.task for run in runs))
    figure = blank_figure(5.4)
    grid = figure.subplots(2, len(tasks), squeeze=False, sharex="col")
    for column, task in enumerate(tasks):
        for row, infinite in enumerate((True, False)):
            chosen = [run for run in runs if run.task == task and run.is_infinite == infinite]
            _panel(grid[row][column], chosen, infinite=infinite)
        grid[0][column].set_title(task)
        grid[1][column].set_xlabel("step")
    grid[0][0].set_ylabel("infinite data\nloss (nats)")
    grid[1][0].set_ylabel("limited data\nloss (nats)")
    handles = [
        Line2D([], [], color=TRAIN, label="training loss (limited data)"),
        Line2D([], [], color=TEST, label="test loss"),
        Line2D([], [], color=GREY, linestyle=(0, (4, 3)), linewidth=1, label="guessing"),
        Line2D([], [], color=GREY, linestyle=":", label="change points"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def _panel(axes: Axes, runs: Sequence[TrainedRun], *, infinite: bool) -> None:
    if not runs:
        axes.text(0.5, 0.5, "no run given", transform=axes.transAxes, ha="center", va="center", color=GREY)
        axes.grid(False)
        return
    curves = (("test_loss", TEST),) if infinite else (("train_loss", TRAIN), ("test_loss", TEST))
    told = []
    for run in runs:
        trained = run.metrics[run.metrics["step"] > 0]
        for name, colour in curves:
            axes.plot(trained["step"], trained[name], color=colour, linewidth=1.4, alpha=1 if len(runs) == 1 else 0.6)
            if name in run.changes:
                axes.axvline(run.changes[name].location, color=colour, linestyle=":", linewidth=1)
        told.append(_told(run))
    axes.axhline(runs[0].chance_loss, color=GREY, linestyle=(0, (4, 3)), linewidth=1, zorder=1)
    axes.set(xscale="log")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    if len(runs) == 1 and told[0]:
        # where a curve begins it is high, so that there is room below it
        note = axes.text(0.04, 0.05, told[0], transform=axes.transAxes, ha="left", va="bottom", fontsize=8)
        note.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.5})


def _told(run: TrainedRun) -> str:
    """Return the change in a few words: its step, or the grokking delay."""
    test, train = run.changes.get("test_loss"), run.changes.get("train_loss")
    if test is None:
        return "no change of test loss"
    if run.is_infinite or train is None:
        return f"step {test.location:,.0f}"
    return f"delay {test.location - train.location:,.0f} steps"
