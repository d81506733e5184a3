"""Lines of one family in a panel: the digits of a sum, the heads of a network, the kinds of a carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from grokscope.figures.axes import curve
from grokscope.figures.theme import BLACK, BLUE, GREEN, ORANGE, PURPLE, SEQUENTIAL, SKY, VERMILION

Dashes = tuple[int, tuple[float, ...]]

SOLID: Dashes = (0, ())
DASHED: Dashes = (0, (5.0, 2.0))
DASHES: tuple[Dashes, ...] = (SOLID, DASHED, (0, (6.0, 2.0, 1.0, 2.0)), (0, (1.0, 1.4)))
COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)

MOST_LINES = 12
"""Lines of one panel that an eye can follow; of more, their median and how far they spread is drawn."""

_LIGHTEST = 0.88
"""Of the colour map: what is lighter cannot be seen on white."""


@dataclass(frozen=True)
class Look:
    """How a line looks."""

    colour: str
    dashes: Dashes = SOLID


def ordered_looks(names: Sequence[str]) -> dict[str, Look]:
    """Return a look for each of ``names`` that have an order: from dark to light, for any colour vision."""
    shades = matplotlib.colormaps[SEQUENTIAL](np.linspace(0, _LIGHTEST, max(len(names), 2)))
    return {name: Look(to_hex(shade)) for name, shade in zip(names, shades, strict=False)}


def distinct_looks(names: Sequence[str]) -> dict[str, Look]:
    """Return a look for each of ``names`` that have no order: 28 that differ, four of them without colour."""
    return {name: Look(COLOURS[at % len(COLOURS)], DASHES[at % len(DASHES)]) for at, name in enumerate(names)}


def draw_family(
    axes: Axes,
    table: pd.DataFrame,
    columns: Mapping[str, str],
    looks: Mapping[str, Look],
    *,
    dashes: Dashes | None = None,
    suffix: str = "",
) -> None:
    """Draw columns of ``table`` over its steps; of more than :data:`MOST_LINES`, their median and their range.

    Args:
        axes: where.
        table: a column ``step``, and those named.
        columns: the name of each column's line.
        looks: of each name.
        dashes: of every line, in place of its own.
        suffix: is added to every name.
    """
    finite = table.filter(items=["step", *columns]).replace([np.inf, -np.inf], np.nan)
    if len(columns) <= MOST_LINES:
        for column, name in columns.items():
            look = looks[name]
            curve(axes, finite, column, look.colour, f"{name}{suffix}", look.dashes if dashes is None else dashes)
        return
    values = finite.filter(items=list(columns))
    spread = pd.DataFrame(
        {"step": finite["step"], "low": values.min(axis=1), "median": values.median(axis=1), "high": values.max(axis=1)}
    ).dropna()
    colour = looks[next(iter(columns.values()))].colour
    axes.fill_between(
        spread["step"], spread["low"], spread["high"], color=colour, alpha=0.18, linewidth=0,
        label=f"lowest to highest of {len(columns)}{suffix}",
    )  # fmt: skip
    curve(axes, spread, "median", colour, f"median of {len(columns)}{suffix}", SOLID if dashes is None else dashes)


def legend_beside(axes: Axes, handles: Sequence[Artist] | None = None, *, most: int = 12) -> None:
    """Name what is drawn (or ``handles``) at the right of the axes, at most so many in a column."""
    handles = axes.get_legend_handles_labels()[0] if handles is None else handles
    axes.legend(
        handles=list(handles), loc="center left", bbox_to_anchor=(1.005, 0.5), ncols=-(-len(handles) // most),
        handlelength=2.2, labelspacing=0.3, columnspacing=1.0,
    )  # fmt: skip
