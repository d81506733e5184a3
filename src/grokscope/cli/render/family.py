"""What a terminal shows of a run that depends on the family of its task.

A family that registers nothing has its curves' change points, and the measures that change most.
"""

from functools import singledispatch

import pandas as pd

from grokscope.analysis import network_key_frequencies
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.trajectories.run_change_points import changes_of_run
from grokscope.curves.change_points import grokking_delay
from grokscope.curves.phases import find_phases_of_circuit
from grokscope.run import Run
from grokscope.tasks import ModularTask, Task

Lines = list[tuple[str, str]]
"""Names, and what is said under each."""
_MAIN = ("step", "test_loss", "loss", "accuracy", "excluded_loss", "restricted_loss", "gini_W_L", "logit_fve")
_MOST = 8
"""Columns that fit on a terminal."""


@singledispatch
def summarise_run(task: Task, run: Run, step: int | None) -> Lines:
    """Return what a summary says of the network at ``step`` (None: the last) and of how it learned."""
    if len(run.metrics) <= 2:
        return []
    points = changes_of_run(run)
    lines = []
    for name in ("", *(f"_{part}" for part in task.subtasks)):
        point = points.get(f"test_loss{name}")
        if point is not None:
            width = f"half of it within {point.width:,.0f} steps"
            lines.append((f"change of loss{name.replace('_', ' ')}", f"step {point.location:,.0f}, {width}"))
    delay = grokking_delay(points)
    if delay is not None and task.train is not None:
        lines.append(("grokking delay", f"{delay:,.0f} steps between the training loss and the test loss"))
    return lines


@summarise_run.register
def _(task: ModularTask, run: Run, step: int | None) -> Lines:
    if not run.checkpoints:
        return []
    at = run.checkpoints[-1] if step is None else step
    found = network_key_frequencies(run.model(step), task)
    keys, coordinates = ", ".join(map(str, found.named)), find_coordinates(task.table)
    where = f", {coordinates.note}" if coordinates is not None and coordinates.note else ""
    lines = [(f"key frequencies at {at:,}", f"{keys}{where}" if keys else f"none: {found.reason}")]
    if found.neurons is None:
        return lines
    clusters = found.neurons.clusters()
    sizes = "  ".join(f"{k}: {clusters[k]}" for k in found.named if k in clusters)
    inside, total = sum(clusters.values()), len(found.neurons.share)
    text = f"{inside} of {total} ({inside / total:.1%})"
    return [*lines, ("neurons in clusters", f"{text}   {sizes}" if sizes else text)]


@singledispatch
def main_measures(task: Task, table: pd.DataFrame) -> list[str]:
    """Return the columns to print of a wide table of measures: step, loss, accuracy, and those that changed most."""
    first = [name for name in ("step", "loss", "accuracy") if name in table]
    skipped = {"sum_of_squares", *first}
    rest = [str(name) for name in table if name not in skipped and not str(name).startswith("loss_")]
    moved = (table[rest].max() - table[rest].min()).sort_values(ascending=False, kind="stable")
    return [*first, *map(str, moved.index[: _MOST - len(first)])]


@main_measures.register
def _(task: ModularTask, table: pd.DataFrame) -> list[str]:
    return [name for name in _MAIN if name in table]


@singledispatch
def measured_phases(task: Task, measures: pd.DataFrame) -> str | None:
    """Return a sentence about the phases that the measures show; None where there is no rule for them."""
    return None


@measured_phases.register
def _(task: ModularTask, measures: pd.DataFrame) -> str:
    phases = find_phases_of_circuit(measures, task.p)
    borders = {
        "memorised at": phases.memorised,
        "circuit formed at": phases.generalised,
        "cleaned up at": phases.cleaned,
    }
    reached = ", ".join(f"{name} {border:,}" for name, border in borders.items() if border is not None)
    nothing = "no circuit came to matter: the excluded loss never reached half that of guessing"
    return f"Phases, by the measures: {reached or nothing}"
