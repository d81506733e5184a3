"""When the runs of a sweep grok: Kaplan–Meier curves of its groups."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from grokscope.analysis.many_runs.groups import RunGroup
from grokscope.analysis.many_runs.survival import Durations, kaplan_meier
from grokscope.analysis.many_runs.time_to import time_to
from grokscope.errors import ConfigError
from grokscope.figures.axes import STEPS, step_axis
from grokscope.figures.canvas import Canvas, Target, canvas, xlabel, ylabel
from grokscope.figures.catalogue import figure
from grokscope.figures.line_styles import Look, distinct_looks, ordered_looks
from grokscope.figures.text import LINE
from grokscope.figures.theme import GREY, SMALL, em, small
from grokscope.sweeps import SweepOutcomes

MOST_GROUPS = 12
"""Groups whose curves an eye can tell apart."""
_COUNTED_AT = 5
"""Steps at which the runs that are left are counted below the curves."""
_ROW = LINE * SMALL + 0.1
"""Height of these numbers, in sizes of the text."""
_DECADE = 10.0
"""Where the last run groks so many times as late as the first, steps are drawn on a logarithmic scale."""


@figure(
    "survival",
    scope="sweep",
    summary="the share of each group's runs that have not grokked yet",
    title="When runs grok",
    caption="The share of runs that have not grokked yet (Kaplan–Meier), with pointwise 95 % intervals. A run that "
    "ends without having grokked counts up to its last step; one that diverged counts as never grokking.",
    on_page=lambda sweep: 0 < len(sweep.groups) <= MOST_GROUPS,
)
def _survival(sweep: SweepOutcomes, *, ax: Target = None) -> Figure:
    return survival_curves(sweep.groups, ax=ax)


def survival_curves(groups: Sequence[RunGroup], *, ax: Target = None) -> Figure:
    """Return the share of each group's runs that have not grokked yet, over steps (Kaplan & Meier 1958).

    Bands are pointwise 95 % intervals (Greenwood's variance on the log(−log) scale); a tick is a run that ended without
    having grokked; dotted: half of the runs. Below: how many runs were still watched that had not grokked.

    Args:
        groups: whose curves are compared.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there are no groups, or more than can be told apart.
    """
    if not 0 < len(groups) <= MOST_GROUPS:
        raise ConfigError(f"{len(groups)} groups: survival curves can be drawn of 1 to {MOST_GROUPS}; vary less")
    found = time_to(groups, "grokked").durations
    looks = looks_of(groups)
    last, log_steps = _scale(list(found.values()))
    first = last / 100
    times = np.geomspace(first, last, _COUNTED_AT) if log_steps else np.linspace(0, last, _COUNTED_AT)
    with canvas(ax) as sheet:
        axes, below = sheet.grid([23 * sheet.scale, _ROW * (len(groups) + 1)], sharex=True).flat
        for label, durations in found.items():
            _draw(axes, durations, looks[label].colour)
        axes.axhline(0.5, color=GREY, linestyle=":", linewidth=em(0.12), zorder=1)
        axes.set_ylim(-0.02, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        ylabel(axes, "runs that have not grokked yet")
        step_axis(axes, np.array([0.0, first, last]), logarithmic=log_steps)
        xlabel(axes, STEPS)
        axes.tick_params(labelbottom=True)
        _count(below, found, looks, times)
        _legend(sheet, found, looks)
    return sheet.figure


def looks_of(groups: Sequence[RunGroup]) -> dict[str, Look]:
    """Return how each group looks, by its label.

    The values of one number go from dark to light; groups that have no order differ in colour.
    """
    labels, numbers = [group.label for group in groups], [group.ordered_by for group in groups]
    names = {group.labelled_by for group in groups}
    if len(groups) > 2 and len(names) == 1 and None not in numbers:
        by_size = sorted(groups, key=lambda group: group.ordered_by or 0.0)
        looks = ordered_looks([group.label for group in by_size])
        return {label: looks[label] for label in labels}
    return distinct_looks(labels)


def _scale(found: Sequence[Durations]) -> tuple[float, bool]:
    """Return the last step of all runs, and whether steps are better drawn on a logarithmic scale."""
    last = max(float(each.steps.max()) for each in found)
    medians = [float(np.median(each.steps)) for each in found]
    return max(last, 1.0), max(medians) > _DECADE * max(1.0, min(medians))


def _draw(axes: Axes, durations: Durations, colour: str) -> None:
    curve = kaplan_meier(durations)
    steps = np.append(curve["step"], durations.steps.max())
    share, low, high = (np.append(curve[name], curve[name].iloc[-1]) for name in ("not_yet", "low", "high"))
    axes.fill_between(steps, low, high, step="post", color=colour, alpha=0.15, linewidth=0)
    axes.plot(steps, share, drawstyle="steps-post", color=colour)
    ended = durations.steps[~durations.happened]
    if not len(ended):  # an empty line that is not clipped would take room in the layout
        return
    at = share[np.searchsorted(curve["step"], ended, side="right") - 1]
    axes.plot(ended, at, "|", color=colour, markersize=em(0.9), markeredgewidth=em(0.14), clip_on=False)


def _count(axes: Axes, found: Mapping[str, Durations], looks: Mapping[str, Look], times: np.ndarray) -> None:
    """Write how many runs of each group were still watched and had not grokked."""
    axes.axis("off")
    axes.set_ylim(len(found) + 0.2, -0.8)
    beside = axes.get_yaxis_transform()
    style = {"va": "center", "fontsize": small()}
    texts = [axes.text(0, -0.3, "runs left", transform=beside, ha="left", color=GREY, **style)]
    for row, (label, durations) in enumerate(found.items()):
        for time in times:
            left = int((durations.steps >= time).sum())
            align = "left" if time == times[0] else "right" if time == times[-1] else "center"
            texts.append(axes.text(time, row + 0.6, f"{left:,}", ha=align, color=looks[label].colour, **style))
    for text in texts:
        text.set_in_layout(False)  # their room is this panel, whatever the layout would give them


def _legend(sheet: Canvas, found: Mapping[str, Durations], looks: Mapping[str, Look]) -> None:
    groups = [
        Line2D([], [], color=look.colour, linestyle=look.dashes, linewidth=em(0.3), label=label)
        for label, look in looks.items()
    ]
    band = {"alpha": 0.3, "linewidth": em(0.8), "solid_capstyle": "butt"}
    kinds = [Line2D([], [], color=GREY, label="95 % interval", **band)]
    if any(not each.happened.all() for each in found.values()):
        tick = {"marker": "|", "linestyle": "", "markersize": em(0.9)}
        kinds.append(Line2D([], [], color=GREY, label="ended without grokking", **tick))
    sheet.legend(groups, parse_math=False)
    sheet.legend(kinds, below=True)
