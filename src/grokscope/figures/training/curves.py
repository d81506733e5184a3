"""How a run went: loss and accuracy over training."""

from itertools import zip_longest

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from grokscope.analysis import Phases
from grokscope.figures.axes import curve, phase_bands, plain_numbers_in_one_decade, shade, step_axis
from grokscope.figures.theme import GREY, TEST, TRAIN, blank_figure, styled


@styled
def training_curves(
    metrics: pd.DataFrame,
    phases: Phases | None = None,
    *,
    chance_loss: float | None = None,
    log_loss: bool = True,
    log_steps: bool = False,
) -> Figure:
    """Return train and test loss (nats) above train and test accuracy, over steps, with the phases shaded.

    After Nanda et al. (2023), figures 2 and 7.

    Args:
        metrics: columns step, train_loss, train_accuracy, test_loss, test_accuracy; NaN where there is no test set.
        phases: shaded where they are complete.
        chance_loss: drawn dashed (nats): :attr:`grokscope.tasks.Task.chance_loss`.
        log_loss: logarithmic losses; linear ones begin at 0.
        log_steps: logarithmic steps (linear up to the first evaluation, so that step 0 has a place).
    """
    figure = blank_figure(5.6)
    loss_axes, accuracy_axes = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    bands = {} if phases is None or metrics.empty else phase_bands(phases, int(metrics["step"].iloc[0]))
    for axes, what in ((loss_axes, "loss"), (accuracy_axes, "accuracy")):
        shade(axes, bands)
        for part, colour in (("train", TRAIN), ("test", TEST)):
            curve(axes, metrics, f"{part}_{what}", colour, part)
    if chance_loss is not None:
        loss_axes.axhline(chance_loss, color=GREY, linestyle=(0, (4, 3)), linewidth=1, zorder=1, label="guessing")
    if log_loss:
        loss_axes.set(yscale="log", ylabel="loss (nats, log scale)")
        plain_numbers_in_one_decade(loss_axes)
    else:
        loss_axes.set(ylabel="loss (nats)")
        loss_axes.set_ylim(bottom=0)
    accuracy_axes.set(ylim=(-0.04, 1.04), ylabel="accuracy", xlabel="step (weight updates)")
    accuracy_axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    step_axis(accuracy_axes, metrics["step"].to_numpy(), logarithmic=log_steps)
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
