"""When the entries of a race got there: every run, medians and their intervals."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from grokscope.errors import ConfigError
from grokscope.figures.axes import STEPS
from grokscope.figures.canvas import Target, canvas, xlabel
from grokscope.figures.theme import BLUE, GREY, VERMILION, em
from grokscope.races.plan import LEVELS
from grokscope.races.standings import Standings

_ROW = 1.7
"""Height of an entry, in sizes of the text."""
_BEYOND = 1.35
"""Where runs that never got there stand, in lengths of a run."""


def draw_race(standings: Standings, *, ax: Target = None) -> Figure:
    """Return a row an entry: its runs at the step from which on they keep 95 %, its median and the first crossing.

    Runs that never did stand at the right of the dashed line, at which runs ended. Bars are 95 % bootstrap intervals
    of the median.

    Args:
        standings: of the race.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: no entry has been scored.
    """
    if not standings.scored:
        raise ConfigError("there is nothing to draw: no entry of this race has been scored")
    level, ranked = LEVELS[0], standings.ranked
    last = max(run.outcome.last_step or 1 for each in ranked for run in each.runs)
    with canvas(ax) as sheet:
        axes = sheet.panel(_ROW * len(ranked) + 1.0)
        for row, each in enumerate(ranked):
            steps = np.array([math.inf if (step := run.kept[level]) is None else step for run in each.runs])
            spread = row + 0.25 * np.linspace(-1, 1, len(steps))
            there = np.where(np.isfinite(steps), steps, _BEYOND * last)
            axes.scatter(there, spread, s=em(0.35) ** 2, color=GREY, linewidth=0, zorder=2)
            kept, first = each.median(level, kept=True), each.median(level, kept=False)
            low, high = (min(value, _BEYOND * last) for value in (kept.low, kept.high))
            axes.plot([low, high], [row, row], color=BLUE, linewidth=em(0.25), solid_capstyle="butt", zorder=3)
            for value, colour, filled in ((first.estimate, VERMILION, False), (kept.estimate, BLUE, True)):
                if math.isfinite(value):
                    face = colour if filled else "none"
                    axes.scatter(
                        [value], [row], s=em(0.75) ** 2, marker="o" if filled else "D", facecolor=face,
                        edgecolor=colour, linewidth=em(0.12), zorder=4,
                    )  # fmt: skip
        axes.axvline(last, color=GREY, linestyle="--", linewidth=em(0.1), zorder=1)
        axes.set_xscale("log")
        reached = [step for each in ranked for run in each.runs if (step := run.first[level]) is not None]
        soonest = max(1, min(reached, default=last // 2))
        axes.set_xlim(0.8 * soonest, last * _BEYOND * 1.15)
        names = [f"{each.entry.name}*" if each.entry.changes_network else each.entry.name for each in ranked]
        axes.set_yticks(range(len(ranked)), names)
        axes.set_ylim(len(ranked) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        ticks = [
            tick
            for tick in (10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 5000, 10_000)
            if 0.8 * soonest <= tick <= last
        ]
        axes.set_xticks([*ticks, _BEYOND * last], [*(f"{tick:,}" for tick in ticks), "never"])
        axes.xaxis.set_minor_locator(NullLocator())
        xlabel(axes, STEPS)
        handles = [
            Line2D([], [], linestyle="none", marker=marker, color=colour, markerfacecolor=face, label=label)
            for marker, colour, face, label in (
                ("o", BLUE, BLUE, f"{100 * level:g} % kept from here on: median"),
                ("D", VERMILION, "none", "first reached: median"),
                (".", GREY, GREY, "a run"),
            )
        ]
        sheet.legend(handles)
    return sheet.figure
