"""Where the losses of a task and of its parts change, in words: the phase changes."""

import pandas as pd

from grokscope import formatting
from grokscope.curves.change_points import ChangePoint, change_points
from grokscope.tasks import Task


def changes_in_words(metrics: pd.DataFrame, task: Task) -> tuple[str, ...]:
    """Return where the test loss of a task with parts changes, how abruptly, and where that of each part does.

    By the rule of :mod:`grokscope.curves.change_points`. Empty for a task without parts, and where nothing
    changes.
    """
    if not task.subtasks or metrics.empty:
        return ()
    columns = ["step", "test_loss", *(f"test_loss_{part}" for part in task.subtasks)]
    found = change_points(metrics.filter(items=columns), task.chance_losses())
    whole = () if "test_loss" not in found else (_whole(found["test_loss"]),)
    parts = {part: found[f"test_loss_{part}"] for part in task.subtasks if f"test_loss_{part}" in found}
    return (*whole, _each(parts)) if parts else whole


def _whole(change: ChangePoint) -> str:
    kind = "abruptly, a phase change" if change.is_abrupt else "gradually"
    return (
        f"Its test loss changes {kind}: half of its fall is made within {change.width:,.0f} steps around "
        f"{formatting.step(round(change.location))}."
    )


def _each(parts: dict[str, ChangePoint]) -> str:
    in_order = sorted(parts.items(), key=lambda item: item[1].location)
    told = formatting.listed(f"{part.replace('_', ' ')} at {round(change.location):,}" for part, change in in_order)
    abrupt = sum(change.is_abrupt for change in parts.values())
    return f"Its parts change in this order, at these steps: {told}; {abrupt} of {len(parts)} abruptly."
