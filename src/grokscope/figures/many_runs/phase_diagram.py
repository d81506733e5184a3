"""Where networks memorise, grok, or generalise at once, over two settings."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from grokscope.analysis.many_runs.groups import RunGroup
from grokscope.analysis.many_runs.labels import is_number, short_name, value_rank
from grokscope.analysis.many_runs.time_to import durations_of
from grokscope.errors import ConfigError
from grokscope.figures.axes import frame_image
from grokscope.figures.canvas import Target, canvas, title, xlabel, ylabel
from grokscope.figures.catalogue import figure
from grokscope.figures.theme import small
from grokscope.sweeps import SweepOutcomes

OUTCOME_COLOURS = {
    "generalised at once": "#009E73",
    "grokked": "#56B4E9",
    "memorised": "#E69F00",
    "not fitted": "#CCCCCC",
    "diverged": "#555555",
}


@figure(
    "phase-diagram",
    scope="sweep",
    summary="how runs turned out, over two settings",
    title="Phase diagram",
    caption="How most runs of each cell turned out, and the steps by which half of them had fitted the training set "
    "and known 95 % of the test set for good. A run has grokked if that took at least twice as many steps as 99 % of "
    "its training set; with fewer it generalised at once.",
    after="Nanda et al. (2023), appendix on data and regularisation; Liu et al. (2022)",
    on_page=lambda sweep: bool(_two_settings(sweep)),
)
def _phases(sweep: SweepOutcomes, *, ax: Target = None) -> Figure:
    names = _two_settings(sweep)
    if not names:
        varied = ", ".join(sweep.varied()) or "none"
        raise ConfigError(f"a phase diagram needs two settings with several values each; the sweep varies {varied}")
    return phase_diagram(sweep.groups, *names, ax=ax)


def _two_settings(sweep: SweepOutcomes) -> list[str]:
    """Return the names of the two settings that make the groups; none if there are not two."""
    return sweep.chosen if len(sweep.chosen) == 2 and set(sweep.chosen) <= set(sweep.varied()) else []


def phase_diagram(groups: Sequence[RunGroup], x: str, y: str, *, ax: Target = None) -> Figure:
    """Return how the runs of a sweep turned out as a map over two settings.

    After Nanda et al. (2023), appendix on data and regularisation; Liu et al. (2022), "phase diagrams". A cell has the
    colour of the outcome that most of its runs have (of as many, the worse), and in it stand the steps by which half
    of its runs had fitted the training set, and grokked.

    Args:
        groups: one for each cell.
        x: dotted name of the setting across.
        y: dotted name of the setting upwards.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there are no groups, or one has no value of a setting.
    """
    if not groups or any(not {x, y} <= set(group.settings) for group in groups):
        raise ConfigError(f"a phase diagram needs runs with a value of {x!r} and of {y!r}; vary both")
    across, up = (sorted({group.settings[name] for group in groups}, key=value_rank) for name in (x, y))
    names, colours = list(OUTCOME_COLOURS), ListedColormap(list(OUTCOME_COLOURS.values()))
    codes = np.full((len(up), len(across)), np.nan)
    with canvas(ax) as sheet:
        axes = sheet.panel(3.6 * len(up))
        for group in groups:
            column, row = across.index(group.settings[x]), up.index(group.settings[y])
            codes[row, column] = names.index(most_common_outcome(group))
            axes.text(column, row, _steps(group), ha="center", va="center", fontsize=small())
        axes.imshow(codes, origin="lower", aspect="auto", cmap=colours, vmin=-0.5, vmax=len(names) - 0.5)
        axes.set_xticks(range(len(across)), [_tick(value) for value in across])
        axes.set_yticks(range(len(up)), [_tick(value) for value in up])
        title(axes, "in each cell: step of 99 % training accuracy, step of 95 % test accuracy")
        xlabel(axes, short_name(x), parse_math=False)
        ylabel(axes, short_name(y))
        frame_image(axes)
        present = [name for number, name in enumerate(names) if (codes == number).any()]
        sheet.legend([Patch(color=OUTCOME_COLOURS[name], label=name) for name in present])
    return sheet.figure


def most_common_outcome(group: RunGroup) -> str:
    """Return the outcome that most runs of ``group`` have; of as many, the worse."""
    counts, names = Counter(each.outcome for each in group.outcomes), list(OUTCOME_COLOURS)
    return max(names, key=lambda name: (counts[name], names.index(name)))  # pyright: ignore[reportArgumentType]


def _steps(group: RunGroup) -> str:
    """Return the steps by which half of the runs had fitted the training set, and grokked, one below the other."""
    medians = [durations_of(group.outcomes, event).median() for event in ("fitted", "grokked")]
    return "\n".join(f"{step:,.0f}" for step in medians if np.isfinite(step))


def _tick(value: Any) -> str:
    return f"{value:g}" if is_number(value) else str(value)
