"""What a sweep's settings do: time to grok against each, and the key frequencies of the networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from scipy import stats

from grokscope.analysis.many_runs.arms import durations_of, frequency_counts, key_frequencies
from grokscope.analysis.many_runs.survival import median_time
from grokscope.errors import ConfigError
from grokscope.figures.axes import few_ticks, thousands
from grokscope.figures.canvas import Target, canvas, xlabel, ylabel
from grokscope.figures.line_styles import Look
from grokscope.figures.many_runs.survival import looks_of
from grokscope.figures.theme import BLACK, BLUE, GREY, ORANGE, em

_ACROSS, _NARROWEST = 2, 26.0
"""Panels side by side, and the width that each needs, in sizes of the text."""
_FEW_VALUES = 12
"""So many values of a setting have a median each."""
_DECADE = 8.0
"""Values that lie further apart than this get a logarithmic axis."""


def time_to_grok(table: pd.DataFrame, settings: Sequence[str], *, ax: Target = None) -> Figure:
    """Return a panel for each setting: the step at which every run grokked, against the run's value.

    A triangle is a run that had not grokked when it ended, there. Black, of settings with few values: the median over
    all runs with that value, whatever else was varied, and its 95 % bootstrap interval.

    Args:
        table: a sweep's, without runs that failed.
        settings: columns of it.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there are no settings or no runs.
    """
    if not settings or table.empty:
        raise ConfigError("there is nothing to draw: no setting was varied, or no run ended")
    steps = durations_of(table).steps
    with canvas(ax) as sheet:
        panels = sheet.panels(
            len(settings), sheet.columns(len(settings), _NARROWEST, _ACROSS), 17 * sheet.scale, sharey=True
        )
        if steps.max() > _DECADE * max(1.0, steps.min()):
            panels[0].set_yscale("log")
        for axes, name in zip(panels, settings, strict=True):
            _against(axes, table, name)
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


def _against(axes: Axes, table: pd.DataFrame, name: str) -> None:
    values = table[name]
    distinct = sorted(values.dropna().unique(), key=_order)
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    numbers = np.array(distinct, dtype=float) if numeric else np.arange(len(distinct), dtype=float)
    logarithmic = numeric and bool(0 < numbers.min() < numbers.max() / _DECADE)
    durations = durations_of(table)
    x = np.array([numbers[distinct.index(value)] if value in distinct else np.nan for value in values])
    x_drawn = _spread(x, numbers, logarithmic=logarithmic) if len(distinct) <= _FEW_VALUES else x
    happened = durations.happened
    dots, triangles = {"color": BLUE, "markersize": em(0.4)}, {"color": ORANGE, "markersize": em(0.5)}
    axes.plot(x_drawn[happened], durations.steps[happened], "o", alpha=0.5, markeredgewidth=0, **dots)
    axes.plot(x_drawn[~happened], durations.steps[~happened], "^", markeredgewidth=0, **triangles)
    if len(distinct) <= _FEW_VALUES:
        for value, place in zip(distinct, numbers, strict=True):
            _median(axes, place, table.loc[values == value])
    if logarithmic:
        axes.set_xscale("log")
    if len(distinct) <= _FEW_VALUES:
        axes.set_xticks(numbers, [f"{value:g}" if numeric else str(value) for value in distinct], minor=False)
        axes.xaxis.set_minor_locator(MaxNLocator(1)) if not logarithmic else axes.minorticks_off()
    xlabel(axes, name.rpartition(".")[2].replace("_", " "), parse_math=False)


def _median(axes: Axes, place: float, runs: pd.DataFrame) -> None:
    found = median_time(durations_of(runs))
    if not np.isfinite(found.estimate):
        return
    top = found.high if np.isfinite(found.high) else float(durations_of(runs).steps.max())
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


def _order(value: Any) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, int | float | np.number) else (0.0, str(value))


def key_frequency_counts(arms: Mapping[str, pd.DataFrame], n_frequencies: int | None, *, ax: Target = None) -> Figure:
    """Return how many key frequencies the networks that grokked have, and which.

    The grey band is the control: between which counts 95 % would lie if every network drew as many frequencies as it
    has, each as likely (a sum of Bernoulli variables, approximated by normal quantiles). Networks of one seed begin
    alike in every arm, and often keep the same frequencies: they are taken to draw as one, which makes it wider.

    Args:
        arms: rows of a sweep's table by the arm's name.
        n_frequencies: how many there are, (p − 1)/2; None where it is not the same for all runs, and only how many is
            drawn.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: no network grokked, or none of them is of modular addition.
    """
    counted = {label: frequency_counts(runs) for label, runs in arms.items()}
    if all(each.empty for each in counted.values()):
        raise ConfigError("there are no key frequencies to draw: no network of modular arithmetic grokked")
    looks = looks_of(list(arms))
    most = max(len(keys) for runs in arms.values() for keys in key_frequencies(runs))
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
            low, high = _if_each_as_likely(pd.concat(arms.values()), n_frequencies)
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


def _if_each_as_likely(runs: pd.DataFrame, n_frequencies: int) -> tuple[float, float]:
    middle, variance = 0.0, 0.0
    for _, same in runs.groupby("seed"):
        shares = np.array([len(keys) / n_frequencies for keys in key_frequencies(same)])
        middle += shares.sum()
        variance += np.sqrt(shares * (1 - shares)).sum() ** 2  # of what goes up and down together
    low, high = stats.norm.ppf([0.025, 0.975], loc=middle, scale=max(np.sqrt(variance), 1e-9))
    return max(0.0, float(low)), float(high)
