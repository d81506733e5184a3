"""Lines of one family in a panel: the digits of a sum, the heads of a network, the kinds of a carry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from grokscope.figures.axes import curve
from grokscope.figures.theme import BLACK, BLUE, GREEN, ORANGE, PURPLE, SEQUENTIAL, SKY, VERMILION

Dashes = tuple[int, tuple[float, ...]]

SOLID: Dashes = (0, ())
DASHED: Dashes = (0, (5.0, 2.0))
MIXED: Dashes = (0, (6.0, 2.0, 1.0, 2.0))
DOTTED: Dashes = (0, (1.0, 1.4))
GUESSING: Dashes = (0, (4.0, 3.0))
"""Of the loss of guessing."""
DASHES: tuple[Dashes, ...] = (SOLID, DASHED, MIXED, DOTTED, (0, (10.0, 2.0)), (0, (4.0, 1.5, 1.0, 1.5, 1.0, 1.5)))
COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
"""Seven, and six dashes, so that 42 lines differ, and six of them without colour."""

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
    """Return a look for each of ``names`` that have no order: 42 that differ, six of them without colour."""
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
    extent = f"lowest to highest of {len(columns)}{suffix}"
    axes.fill_between(
        spread["step"], spread["low"], spread["high"], color=colour, alpha=0.18, linewidth=0, label=extent
    )
    curve(axes, spread, "median", colour, f"median of {len(columns)}{suffix}", SOLID if dashes is None else dashes)
