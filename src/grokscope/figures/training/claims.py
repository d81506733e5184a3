"""When each claim about a network became true."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from grokscope.errors import ConfigError
from grokscope.explanation.timeline import holds_from
from grokscope.figures.axes import STEPS, step_axis
from grokscope.figures.canvas import Target, canvas
from grokscope.figures.catalogue import figure
from grokscope.figures.source import RunSource
from grokscope.figures.text import wrap
from grokscope.figures.theme import BLUE, em, small

HOLDS, FAILS = BLUE, "#DDDDDD"
"""Far apart in lightness, so that they differ in black and white too."""

_MAX_SEPARATED = 40
"""Steps up to which each has a cell of its own; cells of more would be narrower than the lines between them."""

_MAX_NAMED = 8
"""Steps up to which each has its number below it, if there is room."""


_ROW = 1.9
"""Height of a row, in sizes of the text."""
_NAMES = 0.4
"""Share of the width for the names of the claims; longer ones have several lines."""


def claims_over_training(table: pd.DataFrame, *, ax: Target = None) -> Figure:
    """Return a row for each claim: filled at the steps where it holds, grey where it does not, white where untested.

    At the right stands the step from which on it holds to the end.

    Args:
        table: of a :class:`grokscope.explanation.Timeline`: columns step, claim, holds.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: the table has no rows.
    """
    if table.empty:
        raise ConfigError("there are no claims to draw: the table has no rows")
    steps = np.array(sorted(table["step"].unique()))
    claims = _names(table)
    held = table.pivot_table(index="claim", columns="step", values="holds", aggfunc="last", observed=True)
    edges = cell_edges(steps)
    legend = [Patch(color=HOLDS, label="holds"), Patch(color=FAILS, label="does not hold")]
    if bool(held.isna().to_numpy().any()):
        legend.append(Patch(facecolor="white", edgecolor=FAILS, label="not tested"))
    with canvas(ax) as sheet:
        names = [wrap(claim, _NAMES * sheet.width, parse_math=False) for claim in claims]
        lines = sum(name.count("\n") + 1 for name in names)
        axes = sheet.panel(_ROW * (len(claims) + 0.6 * (lines - len(claims))))
        for row, claim in enumerate(claims):
            states = [None if pd.isna(value) else bool(value) for value in held.loc[claim, steps]]
            _row(axes, row, states, edges)
            since = "not tested last" if states[-1] is None else _since(holds_from(table, claim))
            at, beside = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}, (em(0.6), 0)
            axes.annotate(since, (1, row), beside, va="center", fontsize=small(), **at)
        if 1 < len(steps) <= _MAX_SEPARATED:
            axes.vlines(edges[1:-1], -0.5, len(claims) - 0.5, color="white", linewidth=em(0.12))
        _frame(axes, names, steps, edges)
        sheet.label(x=STEPS)
        sheet.legend(legend)
    return sheet.figure


def cell_edges(steps: np.ndarray) -> np.ndarray:
    """Return the borders between the steps' cells: half-way to the next; beyond both ends half the least distance."""
    beyond = np.diff(steps).min() / 2 if len(steps) > 1 else 0.5
    return np.array([steps[0] - beyond, *(steps[1:] + steps[:-1]) / 2, steps[-1] + beyond])


def _names(table: pd.DataFrame) -> list[str]:
    """Return the claims in the order of the last step, then those that were made only before."""
    last = table.loc[table["step"] == table["step"].max(), "claim"]
    return list(dict.fromkeys([*last, *table["claim"]]))


def _since(step: int | None) -> str:
    return "never for good" if step is None else f"from {step:,}"


def _row(axes: Axes, row: int, states: list[bool | None], edges: np.ndarray) -> None:
    """Draw neighbouring cells of one state as one, which keeps the picture of many steps small."""
    begin = 0
    for end in range(1, len(states) + 1):
        if end < len(states) and states[end] == states[begin]:
            continue
        state = states[begin]
        if state is not None:
            colour = HOLDS if state else FAILS
            axes.barh(row, edges[end] - edges[begin], 0.78, left=edges[begin], color=colour, linewidth=0)
        begin = end


def _frame(axes: Axes, claims: list[str], steps: np.ndarray, edges: np.ndarray) -> None:
    axes.grid(False)
    axes.spines[:].set_visible(False)
    step_axis(axes, steps)
    if 1 < len(steps) <= _MAX_NAMED and np.diff(steps).min() > (edges[-1] - edges[0]) / 12:
        axes.set_xticks(steps)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(len(claims) - 0.5, -0.5))
    axes.set_yticks(range(len(claims)), claims, parse_math=False)
    axes.tick_params(axis="y", length=0)


SUMMARY = "when each claim of 'grokscope explain --every' became true"
TITLE = "When each claim became true"
CAPTION = (
    "Each claim at the steps that were tested: filled where it holds, grey where it does not; a cell reaches half-way "
    "to the next step tested. At the right, the step from which on the claim holds to the end."
)


def has_claims(source: RunSource) -> bool:
    """Return whether the run has been explained over its training."""
    return source.run.folder.claims.exists()


@figure("claims", summary=SUMMARY, title=TITLE, caption=CAPTION, scope="training", on_page=has_claims)
def draw_claims(source: RunSource, *, ax: Target = None) -> Figure:
    """Return :func:`claims_over_training` of a run."""
    return claims_over_training(source.claims, ax=ax)
