"""How a run went: loss and accuracy over training."""

import math
from itertools import zip_longest

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from grokscope.analysis import Phases
from grokscope.figures.style import GREY, ROUND, TEST, TRAIN, blank_figure, styled

PHASE_COLOURS = {"memorisation": "#FBE7C6", "circuit formation": "#D6EBF8", "cleanup": "#D3EEE3"}


def phase_bands(phases: Phases, first_step: int) -> dict[str, tuple[int, int]]:
    """Return the phases that have both a beginning and an end, as ``{name: (from step, to step)}``.

    A phase whose end has not been reached is left out: what it will turn into is not known.
    """
    borders = {
        "memorisation": (first_step, phases.memorised),
        "circuit formation": (phases.memorised, phases.generalised),
        "cleanup": (phases.generalised, phases.cleaned),
    }
    return {
        name: (begin, end)
        for name, (begin, end) in borders.items()
        if begin is not None and end is not None and begin < end
    }


@styled
def training_curves(
    metrics: pd.DataFrame, phases: Phases | None = None, *, p: int | None = None, log_steps: bool = False
) -> Figure:
    """Return train and test loss (nats, log scale) above train and test accuracy, over steps, with the phases shaded.

    After Nanda et al. (2023), figures 2 and 7.

    Args:
        metrics: columns step, train_loss, train_accuracy, test_loss, test_accuracy; NaN where there is no test set.
        phases: shaded where they are complete.
        p: number of answers; draws the loss of guessing, ln p.
        log_steps: logarithmic steps (linear up to the first evaluation, so that step 0 has a place).
    """
    figure = blank_figure(5.6)
    loss_axes, accuracy_axes = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    bands = {} if phases is None or metrics.empty else phase_bands(phases, int(metrics["step"].iloc[0]))
    for axes, what in ((loss_axes, "loss"), (accuracy_axes, "accuracy")):
        for name, (begin, end) in bands.items():
            axes.axvspan(
                begin, end, color=PHASE_COLOURS[name], linewidth=0, zorder=0, label=f"{name} ({begin:,}–{end:,})"
            )
        for part, colour in (("train", TRAIN), ("test", TEST)):
            _curve(axes, metrics, f"{part}_{what}", colour, part)
    loss_axes.set(yscale="log", ylabel="loss (nats, log scale)")
    if p is not None:
        loss_axes.axhline(
            math.log(p), color=GREY, linestyle=(0, (4, 3)), linewidth=1, zorder=1, label=f"guessing (ln {p})"
        )
    _plain_numbers_in_one_decade(loss_axes)
    accuracy_axes.set(ylim=(-0.04, 1.04), ylabel="accuracy", xlabel="step (weight updates)")
    accuracy_axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _step_axis(accuracy_axes, metrics, log_steps)
    figure.align_ylabels()
    _legend(figure, loss_axes)
    return figure


def _legend(figure: Figure, axes: Axes) -> None:
    """Put lines in one row and phases in the next: in a single row the last phase would not fit."""
    lines, bands = list(axes.lines), list(axes.patches)
    if not lines:
        return
    nothing = Line2D([], [], linestyle="none", label=" ")
    rows = zip_longest(lines, bands, fillvalue=nothing) if bands else ((line,) for line in lines)
    handles = [handle for column in rows for handle in column]
    columns = max(len(lines), len(bands))
    figure.legend(handles=handles, loc="outside upper left", ncols=columns, columnspacing=1.4, handlelength=1.6)


def _curve(axes: Axes, metrics: pd.DataFrame, column: str, colour: str, label: str) -> None:
    points = metrics.dropna(subset=[column])
    if len(points):
        marker = "o" if len(points) < 3 else None  # a line through one point cannot be seen
        axes.plot(points["step"], points[column], color=colour, label=label, marker=marker, markersize=5)


def _plain_numbers_in_one_decade(axes: Axes) -> None:
    lowest, highest = axes.get_ylim()
    if highest < 10 * lowest:  # 2.2, where matplotlib would write 2.2 × 10⁰
        for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            set_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))


def _step_axis(axes: Axes, metrics: pd.DataFrame, log_steps: bool) -> None:
    steps = metrics["step"].to_numpy()
    if log_steps and (steps > 0).any():
        axes.set_xscale("symlog", linthresh=float(steps[steps > 0].min()))
    elif len(steps) == 1:
        axes.set_xticks(steps)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(9, integer=True, steps=ROUND))
    if len(steps) > 1:
        axes.set_xlim(steps[0], steps[-1])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
