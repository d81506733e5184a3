"""What pictures over training share: the axis of steps, the phases behind the lines, lines that can be seen."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from grokscope.analysis import Phases
from grokscope.figures.theme import ROUND

PHASE_COLOURS = {"memorisation": "#FBE7C6", "circuit formation": "#D6EBF8", "cleanup": "#D3EEE3"}


def phase_bands(phases: Phases, first_step: int) -> dict[str, tuple[int, int]]:
    """Return the phases that have both a beginning and an end, as ``{name: (from step, to step)}``.

    A phase whose end has not been reached is left out: what it will turn into is not known.
    """
    borders = {
        "memorisation": (first_step, phases.memorised),
        "circuit formation": (phases.memorised, phases.generalised),
        "cleanup": (phases.generalised, phases.cleaned),
    }
    return {
        name: (begin, end)
        for name, (begin, end) in borders.items()
        if begin is not None and end is not None and begin < end
    }


def shade(axes: Axes, bands: dict[str, tuple[int, int]]) -> None:
    """Shade the phases behind what else is drawn."""
    for name, (begin, end) in bands.items():
        axes.axvspan(begin, end, color=PHASE_COLOURS[name], linewidth=0, zorder=0, label=f"{name} ({begin:,}–{end:,})")


def curve(
    axes: Axes,
    table: pd.DataFrame,
    column: str,
    colour: str,
    label: str,
    dashes: tuple[int, tuple[float, ...]] = (0, ()),
    *,
    width: float | None = None,
) -> None:
    """Draw a column against the steps, where it has values; with the usual width (points) if None."""
    points = table.dropna(subset=[column])
    if len(points):
        marker = "o" if len(points) < 3 else None  # a line through one point cannot be seen
        axes.plot(
            points["step"], points[column], color=colour, linestyle=dashes, label=label, marker=marker, markersize=5,
            linewidth=width,
        )  # fmt: skip


def plain_numbers_in_one_decade(axes: Axes) -> None:
    """Write 2.2 on a logarithmic axis of less than a decade, where matplotlib would write 2.2 × 10⁰."""
    lowest, highest = axes.get_ylim()
    if highest < 10 * lowest:
        for set_formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            set_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))


def step_axis(axes: Axes, steps: np.ndarray, *, logarithmic: bool = False, most_ticks: int = 9) -> None:
    """Make the x axis one of steps, from the first to the last.

    ``logarithmic``: linear up to the first step above zero, so that step 0 has a place. ``most_ticks``: about so many
    steps are written, if it is not.
    """
    if logarithmic and (steps > 0).any():
        axes.set_xscale("symlog", linthresh=float(steps[steps > 0].min()))
    elif len(steps) == 1:
        axes.set_xticks(steps)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(most_ticks, integer=True, steps=ROUND))
    if len(steps) > 1:
        axes.set_xlim(steps[0], steps[-1])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
