"""How the circuit of a network on sequences grew: its measures over training, a panel for each kind."""

from collections import Counter

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grokscope.analysis.measure_table import column_of, pivot
from grokscope.errors import ConfigError
from grokscope.figures.axes import STEPS, step_axis, thousands_if_large
from grokscope.figures.canvas import Canvas, Target, canvas, title
from grokscope.figures.catalogue import figure
from grokscope.figures.line_styles import (
    COLOURS,
    DASHES,
    MOST_LINES,
    Look,
    distinct_looks,
    draw_family,
    ordered_looks,
)
from grokscope.figures.source import RunSource
from grokscope.figures.theme import BLACK

_WHOLE = ("loss", "accuracy")
"""Not drawn of the whole task: the training curves have them."""
_COLUMNS, _NARROWEST = 2, 27.0
"""Panels side by side, and the width that each needs, in sizes of the text."""
_HEIGHT = 10.5
"""Of a panel, in sizes of the text."""
_NAMED = 6
"""Names in one column of a legend: as many as stand beside a panel."""


def measures_over_training(table: pd.DataFrame, *, log_steps: bool = False, ax: Target = None) -> Figure:
    """Return a panel for each kind of measure, with a line for each head, digit, trigger or case that it is of.

    ``prefix_matching`` with the index ``1.2`` is the prefix-matching score of head 2 in layer 1, ``accuracy_digit``
    with ``3_made`` the accuracy of digit 3 where it needs a carry that is made. What a measure is of looks the same in
    every panel.

    Args:
        table: the tidy table of :func:`grokscope.analysis.trajectories.measure_run.measure_run`.
        log_steps: logarithmic steps (linear up to the first measured, so that step 0 has a place).
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there is nothing in the table to draw.
    """
    groups = groups_of(table.dropna(subset=["value"]))
    if not groups:
        known = dict.fromkeys(table["measure"])
        raise ConfigError(f"there are no measures to draw; the table has {', '.join(known) or 'no rows'}")
    table = pivot(table)
    looks = _looks(groups)
    shared = _shared(groups)
    with canvas(ax) as sheet:
        columns = sheet.columns(len(groups), _NARROWEST, _COLUMNS)
        panels = sheet.panels(len(groups), columns, _HEIGHT, sharex=True)
        for axes, (kind, members) in zip(panels, groups.items(), strict=True):
            _draw(axes, table, kind, members, looks)
            is_named = shared.issuperset(members.values()) and len(members) <= MOST_LINES
            if len(members) > 1 and axes.lines and not is_named:
                sheet.legend_beside(axes, most=_NAMED)
        if shared:
            _name_shared(sheet, {name: look for name, look in looks.items() if name in shared})
        sheet.label(x=STEPS)
        for axes in panels if ax is not None else panels[:1]:  # those of one figure share it
            step_axis(axes, table["step"].to_numpy(), logarithmic=log_steps)
    return sheet.figure


def groups_of(table: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return the panels by their kind: the columns of :func:`~grokscope.analysis.measure_table.pivot` in each, by what
    they are of.

    The kind is the measure; of an index of two parts, ``3_made``, the first belongs to the kind. What is alone of its
    kind is a kind by its whole name, and is of nothing: ``looks_for``.
    """
    groups: dict[str, dict[str, str]] = {}
    for measure, index in table[["measure", "index"]].drop_duplicates().itertuples(index=False):
        if index or measure not in _WHOLE:
            first, _, of = index.rpartition("_")
            groups.setdefault(f"{measure}_{first}" if first else measure, {})[column_of(measure, index)] = of
    named: dict[str, dict[str, str]] = {}
    for kind, members in groups.items():
        if len(members) == 1:
            named |= {column: {column: ""} for column in members}
        else:
            named[kind] = {column: f"head {of}" if _head(of) else of for column, of in members.items()}
    return named


def _head(of: str) -> tuple[int, int] | None:
    """Return layer and head of an index like ``1.2``; None of any other."""
    layer, dot, head = of.removeprefix("head ").partition(".")
    return (int(layer), int(head)) if dot and layer.isdecimal() and head.isdecimal() else None


def _shared(groups: dict[str, dict[str, str]]) -> set[str]:
    """Return what more than one panel has lines of: it is named once, above them all."""
    counted = Counter(name for members in groups.values() if len(members) > 1 for name in members.values())
    return {name for name, times in counted.items() if times > 1}


def _name_shared(sheet: Canvas, looks: dict[str, Look]) -> None:
    sheet.legend([Line2D([], [], color=look.colour, linestyle=look.dashes, label=name) for name, look in looks.items()])


def _looks(groups: dict[str, dict[str, str]]) -> dict[str, Look]:
    """Return how a line looks, by what it is of: numbers have an order, cases have none, heads are of a layer."""
    of = list(dict.fromkeys(name for members in groups.values() for name in members.values()))
    heads = {name: _look_of_head(*found) for name in of if (found := _head(name))}
    numbers = [name for name in of if name.isdecimal()]
    cases = [name for name in of if name and not name.isdecimal() and name not in heads]
    return {**ordered_looks(numbers), **distinct_looks(cases), **heads, "": Look(BLACK)}


def _look_of_head(layer: int, head: int) -> Look:
    """Return a layer's dashes in a head's colour."""
    return Look(COLOURS[head % len(COLOURS)], DASHES[layer % len(DASHES)])


def _draw(axes: Axes, table: pd.DataFrame, kind: str, members: dict[str, str], looks: dict[str, Look]) -> None:
    draw_family(axes, table, members, looks)
    name = kind.replace("_", " ")
    title(axes, f"loss by {name.removeprefix('loss ')}" if kind.startswith("loss_") else name, parse_math=False)
    if kind.startswith("accuracy"):
        axes.set_ylim(-0.04, 1.04)
    thousands_if_large(axes)


def _caption(source: RunSource) -> str:
    n = source.measures()["step"].nunique()
    return (
        f"What the network's parts do at the {n:,} checkpoints that were measured, on fresh "
        f"examples: losses, accuracies and scores by head, digit, trigger or carry. Where they change together with "
        f"the loss, the circuit forms; that alone does not show that the loss falls because of it."
    )


def _has_measures(source: RunSource) -> bool:
    return source.run.folder.measures.exists() and bool(groups_of(source.measures("loss")))


@figure(
    "measures",
    summary="what 'grokscope measure' found, over training",
    title="How the circuit grew",
    caption=_caption,
    scope="training",
    after="Olsson et al. (2022); Nanda & Lieberum (2022)",
    on_page=_has_measures,
)
def draw_measures(source: RunSource, *, ax: Target = None, log_steps: bool | None = None) -> Figure:
    """Return :func:`measures_over_training` of a run."""
    log_steps = source.is_over_early if log_steps is None else log_steps
    return measures_over_training(source.measures("loss"), log_steps=log_steps, ax=ax)
