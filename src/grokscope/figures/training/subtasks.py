"""The parts of a task, each learned in its own time: the digits of a sum, the triggers, the repeats."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grokscope.errors import ConfigError, NotApplicableError
from grokscope.figures.axes import STEPS, step_axis
from grokscope.figures.canvas import Target, canvas, ylabel
from grokscope.figures.catalogue import figure
from grokscope.figures.line_styles import DASHED, MOST_LINES, draw_family, ordered_looks
from grokscope.figures.source import RunSource
from grokscope.figures.theme import GREY

_TRAINING = ", training"


def subtask_curves(
    metrics: pd.DataFrame,
    parts: Sequence[str],
    *,
    train: bool = False,
    log_steps: bool = False,
    ax: Target = None,
) -> Figure:
    """Return the test loss (nats) of every part of a task over steps, from the first part, dark, to the last, light.

    Of more than twelve parts, the median and the range of their losses. After Nanda & Lieberum (2022): a loss curve
    that falls smoothly can be the sum of parts that each fall suddenly.

    Args:
        metrics: columns step and test_loss_PART, and train_loss_PART if ``train``.
        parts: of the task, in order: :attr:`grokscope.tasks.Task.subtasks`.
        train: draw the training losses too, dashed; where every step has fresh examples they say nothing more.
        log_steps: logarithmic steps (linear up to the first evaluation, so that step 0 has a place).
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there are no parts, or no losses of theirs.
    """
    if not parts:
        raise ConfigError("there are no parts to draw: this task is learned as a whole")
    shown = ("test", "train") if train else ("test",)
    missing = [f"{data}_loss_{part}" for data in shown for part in parts if f"{data}_loss_{part}" not in metrics]
    if missing:
        raise ConfigError(f"the metrics have no column {missing[0]}; they have {', '.join(metrics.columns)}")
    names = {part: part.replace("_", " ") for part in parts}
    looks = ordered_looks(list(names.values()))
    with canvas(ax) as sheet:
        axes = sheet.panel(25 * sheet.scale)
        for data in shown:
            columns = {f"{data}_loss_{part}": name for part, name in names.items()}
            if data == "test":
                draw_family(axes, metrics, columns, looks)
            else:
                draw_family(axes, metrics, columns, looks, dashes=DASHED, suffix=_TRAINING)
        axes.set_ylim(bottom=0)
        ylabel(axes, "loss (nats)")
        step_axis(axes, metrics["step"].to_numpy(), logarithmic=log_steps)
        sheet.label(x=STEPS)
        if axes.lines:
            sheet.legend_beside(axes, _handles(axes, train=train and len(parts) <= MOST_LINES))
    return sheet.figure


def _handles(axes: Axes, *, train: bool) -> list[Artist]:
    """Return what the legend names: with ``train`` each part once, and what solid and dashed lines are."""
    handles, labels = axes.get_legend_handles_labels()
    if not train:
        return handles
    parts = [handle for handle, label in zip(handles, labels, strict=True) if not label.endswith(_TRAINING)]
    return [
        *parts,
        Line2D([], [], color=GREY, label="test"),
        Line2D([], [], color=GREY, linestyle=DASHED, label="training"),
    ]


def _caption(source: RunSource) -> str:
    n, finite = len(source.task.subtasks), source.task.train is not None
    parts = "each part of the task" if n <= MOST_LINES else f"the {n} parts of the task"
    return (
        f"Test loss{' and, dashed, training loss' if finite else ''} of {parts} alone, on a linear scale. A loss that "
        f"seems to fall smoothly can be the sum of parts that each fall suddenly, one after the other."
    )


@figure(
    "parts",
    summary="the loss of each digit or trigger alone over training",
    title="The parts of the task",
    caption=_caption,
    scope="training",
    after="Nanda & Lieberum (2022)",
    on_page=lambda source: not source.run.metrics.empty and bool(source.task.subtasks),
)
def draw_parts(source: RunSource, *, ax: Target = None, log_steps: bool | None = None) -> Figure:
    """Return :func:`subtask_curves` of a run."""
    task = source.task
    if not task.subtasks:
        raise NotApplicableError(f"{task.name} has no parts to draw: it is learned as a whole")
    log_steps = source.is_over_early if log_steps is None else log_steps
    return subtask_curves(source.metrics, task.subtasks, train=task.train is not None, log_steps=log_steps, ax=ax)
