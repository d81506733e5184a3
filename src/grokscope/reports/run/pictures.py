"""The figures of a page of how training went, each with what a reader should see in it."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from grokscope import figures
from grokscope.analysis import Phases
from grokscope.errors import ConfigError
from grokscope.figures.line_styles import MOST_LINES
from grokscope.reports.run.history import History
from grokscope.tasks import ModularTask, Task

_EARLY = 0.1
"""Where the test loss has made half of its fall in this share of a run, steps are drawn on a logarithmic scale."""
NO_PHASES = Phases(None, None, None, None)
"""What is drawn of infinite data: nothing is memorised, so nothing is cleaned up."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure and its words."""

    name: str
    title: str
    caption: str
    figure: Figure


def pictures_of_training(
    metrics: pd.DataFrame, phases: Phases, task: Task, history: History | None = None
) -> tuple[Picture, ...]:
    """Return the figures of how training went that this run has data for, in the order of the page."""
    modular = isinstance(task, ModularTask)
    log_steps = not modular and is_over_early(metrics)
    drawn = [] if metrics.empty else [_curves(metrics, phases, task, log_steps=log_steps)]
    drawn += [] if metrics.empty or not task.subtasks else [_parts(metrics, task, log_steps=log_steps)]
    if history is not None and history.measures is not None:
        if modular:
            drawn.append(_measures(history.measures, history.phases))
        else:
            grown = _grown(history.measures, log_steps=log_steps)
            drawn += [] if grown is None else [grown]
    if history is not None and history.claims is not None:
        drawn.append(_claims(history.claims, modular=modular))
    return tuple(drawn)


def is_over_early(metrics: pd.DataFrame) -> bool:
    """Return whether what happens in a run happens in its first steps."""
    curve = metrics.dropna(subset=["test_loss"])
    if curve.empty:
        return False
    losses, steps = curve["test_loss"].to_numpy(), curve["step"].to_numpy()
    fallen = steps[losses <= (losses[0] + losses.min()) / 2]
    return bool(0 < fallen[0] < _EARLY * steps[-1]) if len(fallen) else False


def _curves(metrics: pd.DataFrame, phases: Phases, task: Task, *, log_steps: bool) -> Picture:
    caption = (
        "Grokking looks like this: the training loss falls first, while the test loss climbs above that of guessing "
        "(dashed), and long after that the test loss falls too."
    )
    if task.train is None:
        caption = (
            "Every step has fresh examples, so training and test loss fall together; what looks like grokking on "
            "limited data is here, at most, a sudden fall from that of guessing (dashed)."
        )
    if metrics["test_loss"].dropna().empty:
        caption = "There is no test set."
    scale = ", these too on a logarithmic scale" if log_steps else ""
    caption = f"Loss, on a logarithmic scale, and accuracy against the number of weight updates{scale}. {caption}"
    figure = figures.training_curves(metrics, phases, chance_loss=task.chance_loss, log_steps=log_steps)
    return Picture("curves", "Training curves", caption, figure)


def _parts(metrics: pd.DataFrame, task: Task, *, log_steps: bool) -> Picture:
    finite = task.train is not None
    what = (
        "each part of the task" if len(task.subtasks) <= MOST_LINES else f"the {len(task.subtasks)} parts of the task"
    )
    caption = (
        f"Test loss{' and, dashed, training loss' if finite else ''} of {what} alone, on a linear scale. A loss that "
        f"seems to fall smoothly can be the sum of parts that each fall suddenly, one after the other."
    )
    figure = figures.subtask_curves(metrics, task.subtasks, train=finite, log_steps=log_steps)
    return Picture("parts", "The parts of the task", caption, figure)


def _measures(measures: pd.DataFrame, phases: Phases | None) -> Picture:
    caption = (
        "Before a network groks, the circuit grows unseen: while the training loss is low and the test loss high, the "
        "loss with the key frequencies alone (restricted, over all pairs) falls, and the loss without them (excluded, "
        "over the training set) rises from its lowest. Then the weights keep few frequencies and become small, as "
        "what was memorised is cleared away. "
    )
    shaded = phases is not None and phases.generalised is not None
    caption += "Shaded: the phases by these measures." if shaded else "These measures show no phases."
    return Picture("measures", "Progress measures", caption, figures.progress_measures(measures, phases))


def _grown(measures: pd.DataFrame, *, log_steps: bool) -> Picture | None:
    """Return the measures of a circuit on sequences; None where the table has none beside loss and accuracy."""
    caption = (
        f"What the network's parts do at the {len(measures):,} checkpoints that were measured, on fresh examples: "
        f"losses, accuracies and scores by head, digit, trigger or carry. Where they change together with the loss, "
        f"the circuit forms; that alone does not show that the loss falls because of it."
    )
    try:
        figure = figures.measures_over_training(measures, log_steps=log_steps)
    except ConfigError:
        return None
    return Picture("measures", "How the circuit grew", caption, figure)


def _claims(claims: pd.DataFrame, *, modular: bool) -> Picture:
    which = ", for the key frequencies of the last network" if modular else ""
    caption = (
        f"Each claim at the steps that were tested{which}: filled where it holds, grey where it does not; a cell "
        f"reaches half-way to the next step tested. At the right, the step from which on the claim holds to the end."
    )
    return Picture("claims", "When each claim became true", caption, figures.claims_over_training(claims))
