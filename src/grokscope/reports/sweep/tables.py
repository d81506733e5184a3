"""When the runs of each group grokked, and whether groups differ: tables for the terminal and for pages."""

import math
from collections.abc import Sequence

import numpy as np

from grokscope.analysis.many_runs.groups import RunGroup, key_frequencies_of
from grokscope.analysis.many_runs.time_to import TimeTo, time_to
from grokscope.reports.run.evidence import FoundTable

MOST_COMPARED = 12
"""Groups of which each two are compared: of more, so many tests would say little."""
GROUPS = (
    "A run has grokked from the first evaluation on from which it knows at least 95 % of the test set for good; the "
    "first crossing is when it first did. Frequencies: the median number of key frequencies. "
    "Medians are Kaplan and Meier's, over all runs, those that did not grok "
    "included; “never”: fewer than half of them did. In brackets: 95 % intervals (Wilson's for rates, bootstrap over "
    "runs for medians)."
)
PAIRS = (
    "How many times as long the first takes as the second in the median, with a 95 % bootstrap interval; whether the "
    "two differ by more than chance (log-rank test), and the same corrected for the number of tests (Holm)."
)


def group_table(groups: Sequence[RunGroup], grokking: TimeTo) -> FoundTable:
    """Return a row a group: how many of its runs grokked, and when.

    Args:
        groups: at least one.
        grokking: of the groups.
    """
    crossing = time_to(groups, "first_crossing").summary
    rows = tuple(
        (
            group.label,
            f"{len(group):,}",
            f"{row['rate']:.0%} ({row['rate_low']:.0%} to {row['rate_high']:.0%})",
            _with_interval(row["median"], row["median_low"], row["median_high"]),
            _step(first),
            _number_of_frequencies(group),
        )
        for group, row, first in zip(groups, grokking.intervals.to_dict("records"), crossing["median"], strict=True)
    )
    return FoundTable("The groups", ("group", "runs", "grokked", "median step", "first crossing", "frequencies"), rows)


def pair_table(grokking: TimeTo) -> FoundTable | None:
    """Return a row for each two groups; None of one group, or of too many."""
    if not 1 < len(grokking.durations) <= MOST_COMPARED:
        return None
    rows = tuple(
        (
            f"{pair['one']} : {pair['other']}",
            _ratio(pair["ratio"], pair["low"], pair["high"]),
            _p(pair["p"]),
            _p(pair["p_holm"]),
        )
        for pair in grokking.pairs.to_dict("records")
    )
    return FoundTable("Each two groups", ("groups", "times as long", "p (log-rank)", "p (corrected)"), rows)


def _number_of_frequencies(group: RunGroup) -> str:
    counts = [len(keys) for keys in key_frequencies_of(group.outcomes)]
    return f"{np.median(counts):g}" if counts else "–"


def _with_interval(value: float, low: float, high: float) -> str:
    if math.isinf(low):
        return "never"
    return f"{_step(value)} ({_step(low)} to {_step(high)})"


def _step(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:,.0f}"


def _ratio(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return "not known"
    return f"{_times(value)} ({_times(low)} to {_times(high)})"


def _times(value: float) -> str:
    return "∞" if math.isinf(value) else "not known" if math.isnan(value) else f"{value:.3g}"


def _p(value: float) -> str:
    return "–" if math.isnan(value) else "below 0.0001" if value < 1e-4 else f"{value:.2g}"
