"""What pictures share: the axis of steps, the phases behind lines, numbers in words that people read, closed frames."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, StrMethodFormatter

from grokscope.analysis import Phases
from grokscope.figures.canvas import room
from grokscope.figures.text import width_of
from grokscope.figures.theme import ROUND, SMALL, em

PHASE_COLOURS = {"memorisation": "#FBE7C6", "circuit formation": "#D6EBF8", "cleanup": "#D3EEE3"}

STEPS = "step (weight updates)"
"""Along an axis of steps."""
_MOST_STEPS = 9
_BETWEEN = 1.2
"""Room between the numbers of two ticks, in sizes of the text."""


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
    """Draw a column against the steps, where it has values; of the usual width (sizes of the text) if None."""
    points = table.dropna(subset=[column])
    if len(points):
        marker = "o" if len(points) < 3 else None  # a line through one point cannot be seen
        style = {"color": colour, "linestyle": dashes, "marker": marker, "label": label}
        axes.plot(points["step"], points[column], linewidth=None if width is None else em(width), **style)


def plain_numbers(axes: Axes) -> None:
    """Write 0.5 on a logarithmic axis of less than two decades, where matplotlib would write 5 × 10⁻¹."""
    lowest, highest = axes.get_ylim()
    if highest < 100 * lowest:
        shown = "123456789" if highest < 4 * lowest else "125"
        plain = FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in shown else "")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(plain)


def thousands(axis: Axis) -> None:
    """Write 12,000 at the ticks."""
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def thousands_if_large(axes: Axes) -> None:
    """Write 12,000 at the ticks of a y axis that comes so high."""
    if axes.get_ylim()[1] >= 1000:
        thousands(axes.yaxis)


def step_axis(axes: Axes, steps: np.ndarray, *, logarithmic: bool = False) -> None:
    """Make the x axis one of steps, from the first to the last, with as many of them written as there is room for.

    ``logarithmic``: linear up to the first step above zero, so that step 0 has a place.
    """
    longest = f"{float(steps[-1]):,.0f}" if len(steps) else ""
    fitting = max(2, int(room(axes) / (SMALL * width_of(longest) + _BETWEEN)))
    if logarithmic and (steps > 0).any():
        first = float(steps[steps > 0].min())
        axes.set_xscale("symlog", linthresh=first)
        axes.xaxis.set_major_locator(FixedLocator(_decades(steps, first, fitting)))
    elif len(steps) == 1:
        axes.set_xticks(steps)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(min(_MOST_STEPS, fitting), integer=True, steps=ROUND))
    if len(steps) > 1:
        axes.set_xlim(steps[0], steps[-1])
    thousands(axes.xaxis)


def _decades(steps: np.ndarray, first: float, most: int) -> list[float]:
    """Return the powers of ten among the steps, and zero; every second or third of more than there is room for."""
    powers = [10.0**power for power in range(int(np.ceil(np.log10(first))), int(np.log10(steps[-1])) + 1)]
    return [*([0.0] if steps[0] <= 0 else []), *powers][:: -(-(len(powers) + 1) // most)]


def few_ticks(axis: Axis, axes: Axes, most: int, longest: str) -> None:
    """Write at most so many whole numbers at the ticks, ``longest`` the longest of them, and no more than have room."""
    fitting = max(1, int(room(axes) / (SMALL * width_of(longest) + _BETWEEN)))
    axis.set_major_locator(MaxNLocator(min(most, fitting), integer=True, steps=ROUND, min_n_ticks=1))


def frame_image(axes: Axes) -> None:
    """Give ``axes`` the frame of an image: closed, without a grid."""
    axes.grid(False)
    axes.spines[:].set_visible(True)
