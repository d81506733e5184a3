"""What a sweep's settings do: time to grok against each, and the key frequencies of the networks."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from scipy import stats

from grokscope.analysis.many_runs.groups import RunGroup, frequency_counts, key_frequencies_of
from grokscope.analysis.many_runs.labels import is_number, short_name, value_rank
from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.analysis.many_runs.survival import median_time
from grokscope.analysis.many_runs.time_to import durations_of
from grokscope.errors import ConfigError
from grokscope.figures.axes import few_ticks, thousands
from grokscope.figures.canvas import Target, canvas, xlabel, ylabel
from grokscope.figures.catalogue import figure
from grokscope.figures.line_styles import Look
from grokscope.figures.many_runs.survival import MOST_GROUPS, looks_of
from grokscope.figures.theme import BLACK, BLUE, GREY, ORANGE, em
from grokscope.sweeps import SweepOutcomes

_ACROSS, _NARROWEST = 2, 26.0
"""Panels side by side, and the width that each needs, in sizes of the text."""
_FEW_VALUES = 12
"""So many values of a setting have a median each."""
_DECADE = 8.0
"""Values that lie further apart than this get a logarithmic axis."""


@figure(
    "settings",
    scope="sweep",
    summary="the step at which every run grokked, against each setting",
    title="Time to grok",
    caption="Every run at the step at which it grokked for good, against each setting that was varied, whatever the "
    "others were.",
    on_page=lambda sweep: bool(sweep.varied()),
)
def _settings(sweep: SweepOutcomes, *, ax: Target = None) -> Figure:
    return time_to_grok(sweep.ended, sweep.varied(), ax=ax)


def time_to_grok(outcomes: Sequence[RunOutcome], settings: Sequence[str], *, ax: Target = None) -> Figure:
    """Return a panel for each setting: the step at which every run grokked, against the run's value.

    A triangle is a run that had not grokked when it ended, there. Black, of settings with few values: the median over
    all runs with that value, whatever else was varied, and its 95 % bootstrap interval.

    Args:
        outcomes: of the runs of a sweep that did not fail.
        settings: dotted names.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there are no settings or no runs.
    """
    if not settings or not outcomes:
        raise ConfigError("there is nothing to draw: no setting was varied, or no run ended")
    steps = durations_of(outcomes).steps
    with canvas(ax) as sheet:
        panels = sheet.panels(
            len(settings), sheet.columns(len(settings), _NARROWEST, _ACROSS), 17 * sheet.scale, sharey=True
        )
        if steps.max() > _DECADE * max(1.0, steps.min()):
            panels[0].set_yscale("log")
        for axes, name in zip(panels, settings, strict=True):
            _against(axes, outcomes, name)
        thousands(panels[0].yaxis)
        sheet.label(y="step at which it grokked")
        dot, triangle = {"marker": "o", "markersize": em(0.4)}, {"marker": "^", "markersize": em(0.5)}
        sheet.legend(
            [
                Line2D([], [], color=BLUE, linestyle="", alpha=0.6, label="a run", **dot),
                Line2D([], [], color=ORANGE, linestyle="", label="a run that had not grokked", **triangle),
                Line2D([], [], color=BLACK, marker="D", markersize=em(0.5), label="median, 95 % interval"),
            ]
        )
    return sheet.figure


def _against(axes: Axes, outcomes: Sequence[RunOutcome], name: str) -> None:
    values = [each.settings.get(name) for each in outcomes]
    distinct = sorted({value for value in values if value is not None}, key=value_rank)
    numeric = all(map(is_number, distinct))
    numbers = np.array(distinct, dtype=float) if numeric else np.arange(len(distinct), dtype=float)
    logarithmic = numeric and bool(0 < numbers.min() < numbers.max() / _DECADE)
    durations = durations_of(outcomes)
    x = np.array([numbers[distinct.index(value)] if value in distinct else np.nan for value in values])
    x_drawn = _spread(x, numbers, logarithmic=logarithmic) if len(distinct) <= _FEW_VALUES else x
    happened = durations.happened
    dots, triangles = {"color": BLUE, "markersize": em(0.4)}, {"color": ORANGE, "markersize": em(0.5)}
    axes.plot(x_drawn[happened], durations.steps[happened], "o", alpha=0.5, markeredgewidth=0, **dots)
    axes.plot(x_drawn[~happened], durations.steps[~happened], "^", markeredgewidth=0, **triangles)
    if len(distinct) <= _FEW_VALUES:
        for value, place in zip(distinct, numbers, strict=True):
            _median(axes, place, [each for each in outcomes if each.settings.get(name) == value])
    if logarithmic:
        axes.set_xscale("log")
    if len(distinct) <= _FEW_VALUES:
        axes.set_xticks(numbers, [f"{value:g}" if numeric else str(value) for value in distinct], minor=False)
        axes.xaxis.set_minor_locator(MaxNLocator(1)) if not logarithmic else axes.minorticks_off()
    xlabel(axes, short_name(name), parse_math=False)


def _median(axes: Axes, place: float, outcomes: Sequence[RunOutcome]) -> None:
    durations = durations_of(outcomes)
    found = median_time(durations)
    if not np.isfinite(found.estimate):
        return
    top = found.high if np.isfinite(found.high) else float(durations.steps.max())
    axes.plot([place, place], [found.low, top], color=BLACK, linewidth=em(0.16), zorder=5)
    axes.plot(place, found.estimate, "D", color=BLACK, markersize=em(0.5), zorder=6)


def _spread(x: np.ndarray, numbers: np.ndarray, *, logarithmic: bool) -> np.ndarray:
    """Return ``x`` with runs of one value beside each other, the same every time."""
    scale = np.log(numbers) if logarithmic else numbers
    gap = float(np.diff(scale).min()) if len(numbers) > 1 else 1.0
    shift = np.zeros(len(x))
    for value in numbers:
        same = np.flatnonzero(x == value)
        shift[same] = (np.arange(len(same)) / max(1, len(same) - 1) - 0.5) * 0.5 * gap if len(same) > 1 else 0
    return x * np.exp(shift) if logarithmic else x + shift


@figure(
    "frequencies",
    scope="sweep",
    summary="how many key frequencies networks have, and which",
    title="Key frequencies",
    caption="Of the networks that grokked: how many key frequencies the embedding has and, where all have the same "
    "modulus, which. Above or below the grey band are frequencies that are used more or less often than chance "
    "would have it.",
    on_page=lambda sweep: any(key_frequencies_of(sweep.ended)),
)
def _frequencies(sweep: SweepOutcomes, *, ax: Target = None) -> Figure:
    groups = sweep.groups if len(sweep.groups) <= MOST_GROUPS else (RunGroup({}, tuple(sweep.ended)),)
    return key_frequency_counts(groups, sweep.n_frequencies, ax=ax)


def key_frequency_counts(groups: Sequence[RunGroup], n_frequencies: int | None, *, ax: Target = None) -> Figure:
    """Return how many key frequencies the networks that grokked have, and which.

    The grey band is the control: between which counts 95 % would lie if every network drew as many frequencies as it
    has, each as likely (a sum of Bernoulli variables, approximated by normal quantiles). Networks of one seed begin
    alike in every group, and often keep the same frequencies: they are taken to draw as one, which makes it wider.

    Args:
        groups: of a sweep.
        n_frequencies: how many there are, (p − 1)/2; None where it is not the same for all runs, and only how many is
            drawn.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: no network grokked, or none of them is of modular addition.
    """
    counted = {group.label: frequency_counts(group.outcomes) for group in groups}
    if all(each.empty for each in counted.values()):
        raise ConfigError("there are no key frequencies to draw: no network of modular arithmetic grokked")
    looks, outcomes = looks_of(groups), [each for group in groups for each in group.outcomes]
    most = max(len(keys) for keys in key_frequencies_of(outcomes))
    handles = [Patch(color=look.colour, label=label) for label, look in looks.items()]
    with canvas(ax) as sheet:
        numbers, *which = sheet.grid([15 * sheet.scale] * (2 if n_frequencies else 1)).flat
        _stack(numbers, counted, "number", looks)
        numbers.set_xlim(0.4, most + 1.6)
        few_ticks(numbers.xaxis, numbers, 20, f"{most}")
        xlabel(numbers, "number of key frequencies")
        for axes in which:
            assert n_frequencies is not None
            _stack(axes, counted, "frequency", looks)
            low, high = _if_each_as_likely(outcomes, n_frequencies)
            axes.axhspan(low, high, color=GREY, alpha=0.25, linewidth=0, zorder=0)
            axes.set_xlim(0.4, n_frequencies + 0.6)
            few_ticks(axes.xaxis, axes, 20, f"{n_frequencies}")
            xlabel(axes, "frequency k")
            handles.append(Patch(color=GREY, alpha=0.25, linewidth=0, label="95 % if each were as likely"))
        for axes in (numbers, *which):
            ylabel(axes, "networks")
            axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        sheet.legend(handles, parse_math=False)
    return sheet.figure


def _stack(axes: Axes, counted: Mapping[str, pd.DataFrame], what: str, looks: Mapping[str, Look]) -> None:
    below: dict[int, int] = {}
    for label, table in counted.items():
        chosen = table.loc[table["what"] == what]
        values, networks = chosen["value"].tolist(), chosen["networks"].tolist()
        axes.bar(values, networks, bottom=[below.get(value, 0) for value in values], color=looks[label].colour)
        for value, n in zip(values, networks, strict=True):
            below[value] = below.get(value, 0) + n


def _if_each_as_likely(outcomes: Sequence[RunOutcome], n_frequencies: int) -> tuple[float, float]:
    by_seeds: dict[tuple[int, ...], list[RunOutcome]] = {}
    for each in outcomes:
        by_seeds.setdefault(each.seeds, []).append(each)
    middle, variance = 0.0, 0.0
    for same in by_seeds.values():
        shares = np.array([len(keys) / n_frequencies for keys in key_frequencies_of(same)])
        middle += shares.sum()
        variance += np.sqrt(shares * (1 - shares)).sum() ** 2  # of what goes up and down together
    low, high = stats.norm.ppf([0.025, 0.975], loc=middle, scale=max(np.sqrt(variance), 1e-9))
    return max(0.0, float(low)), float(high)
