"""How a run went: loss and accuracy over training."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from grokscope.analysis import Phases
from grokscope.figures.axes import STEPS, curve, phase_bands, plain_numbers, shade, step_axis
from grokscope.figures.canvas import Target, canvas, ylabel
from grokscope.figures.catalogue import figure
from grokscope.figures.line_styles import GUESSING
from grokscope.figures.source import RunSource
from grokscope.figures.theme import GREY, TEST, TRAIN, em


def training_curves(
    metrics: pd.DataFrame,
    phases: Phases | None = None,
    *,
    chance_loss: float | None = None,
    log_loss: bool = True,
    log_steps: bool = False,
    ax: Target = None,
) -> Figure:
    """Return train and test loss (nats) above train and test accuracy, over steps, with the phases shaded.

    After Nanda et al. (2023), figures 2 and 7.

    Args:
        metrics: columns step, train_loss, train_accuracy, test_loss, test_accuracy; NaN where there is no test set.
        phases: shaded where they are complete.
        chance_loss: drawn dashed (nats): :attr:`grokscope.tasks.Task.chance_loss`.
        log_loss: logarithmic losses; linear ones begin at 0.
        log_steps: logarithmic steps (linear up to the first evaluation, so that step 0 has a place).
        ax: where to draw [a new figure].
    """
    bands = {} if phases is None or metrics.empty else phase_bands(phases, int(metrics["step"].iloc[0]))
    with canvas(ax) as sheet:
        losses, accuracies = sheet.grid([23 * sheet.scale, 11 * sheet.scale], sharex=True).flat
        for axes, what in ((losses, "loss"), (accuracies, "accuracy")):
            shade(axes, bands)
            for part, colour in (("train", TRAIN), ("test", TEST)):
                curve(axes, metrics, f"{part}_{what}", colour, part)
        if chance_loss is not None:
            losses.axhline(chance_loss, color=GREY, linestyle=GUESSING, linewidth=em(0.1), zorder=1, label="guessing")
        if log_loss:
            losses.set_yscale("log")
            plain_numbers(losses)
        else:
            losses.set_ylim(bottom=0)
        ylabel(losses, "loss (nats, log scale)" if log_loss else "loss (nats)")
        accuracies.set_ylim(-0.04, 1.04)
        ylabel(accuracies, "accuracy")
        accuracies.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        step_axis(accuracies, metrics["step"].to_numpy(), logarithmic=log_steps)
        sheet.label(x=STEPS)
        sheet.figure.align_ylabels([losses, accuracies])
        if losses.lines:
            sheet.legend(list(losses.lines), list(losses.patches))
    return sheet.figure


def _caption(source: RunSource) -> str:
    what = (
        "Grokking looks like this: the training loss falls first, while the test loss climbs above that of guessing "
        "(dashed), and long after that the test loss falls too."
    )
    if source.task.train is None:
        what = (
            "Every step has fresh examples, so training and test loss fall together; what looks like grokking on "
            "limited data is here, at most, a sudden fall from that of guessing (dashed)."
        )
    if source.metrics["test_loss"].dropna().empty:
        what = "There is no test set."
    scale = ", these too on a logarithmic scale" if source.is_over_early else ""
    return f"Loss, on a logarithmic scale, and accuracy against the number of weight updates{scale}. {what}"


@figure(
    "curves",
    summary="loss and accuracy over training, with the phases",
    title="Training curves",
    caption=_caption,
    scope="training",
    after="Nanda et al. (2023), section 3; Nanda & Lieberum (2022) for the other tasks",
    on_page=lambda source: not source.run.metrics.empty,
)
def draw_curves(
    source: RunSource, *, ax: Target = None, log_loss: bool | None = None, log_steps: bool | None = None
) -> Figure:
    """Return :func:`training_curves` of a run."""
    return training_curves(
        source.metrics,
        source.phases,
        chance_loss=source.task.chance_loss,
        log_loss=log_loss is not False,
        log_steps=source.is_over_early if log_steps is None else log_steps,
        ax=ax,
    )
