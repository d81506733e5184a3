"""What came of a sweep's arms, as tables of words for the terminal and for the page."""

import math
from collections.abc import Mapping

import pandas as pd

from grokscope.analysis.many_runs.arms import arm_table, durations_of, ratio_table
from grokscope.analysis.many_runs.survival import log_rank_tests
from grokscope.reports.run.evidence import FoundTable

MOST_COMPARED = 12
"""Arms of which each two are compared: of more, so many tests would say little."""
ARMS = (
    "A run has grokked from the first evaluation on from which it knows at least 95 % of the test set for good; the "
    "first crossing is when it first did. Frequencies: the median number of key frequencies. "
    "Medians are Kaplan and Meier's, over all runs, those that did not grok "
    "included; “never”: fewer than half of them did. In brackets: 95 % intervals (Wilson's for rates, bootstrap over "
    "runs for medians)."
)
COMPARED = (
    "How many times as long the first takes as the second in the median, with a 95 % bootstrap interval; whether the "
    "two differ by more than chance (log-rank test), and the same corrected for the number of tests (Holm)."
)


def arm_rows(arms: Mapping[str, pd.DataFrame]) -> FoundTable:
    """Return a row an arm: how many of its runs grokked, and when."""
    rows = tuple(
        (
            str(row["arm"]),
            f"{row['runs']:,}",
            f"{row['rate']:.0%} ({row['rate_low']:.0%} to {row['rate_high']:.0%})",
            _with_interval(row["median"], row["median_low"], row["median_high"]),
            _step(row["first_median"]),
            "–" if math.isnan(row["key_frequencies"]) else f"{row['key_frequencies']:g}",
        )
        for row in arm_table(dict(arms)).to_dict("records")
    )
    return FoundTable("The arms", ("arm", "runs", "grokked", "median step", "first crossing", "frequencies"), rows)


def compared_rows(arms: Mapping[str, pd.DataFrame]) -> FoundTable | None:
    """Return a row for each two arms; None of one arm, or of too many."""
    if not 1 < len(arms) <= MOST_COMPARED:
        return None
    ratios = ratio_table(dict(arms)).to_dict("records")
    tests = log_rank_tests({label: durations_of(runs) for label, runs in arms.items()}).to_dict("records")
    rows = tuple(
        (
            f"{ratio['one']} : {ratio['other']}",
            _ratio(ratio["ratio"], ratio["low"], ratio["high"]),
            _p(test["p"]),
            _p(test["p_holm"]),
        )
        for ratio, test in zip(ratios, tests, strict=True)
    )
    return FoundTable("Each two arms", ("arms", "times as long", "p (log-rank)", "p (corrected)"), rows)


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
