"""When the runs of each group reach something, and whether groups differ in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from grokscope.analysis.many_runs.groups import RunGroup
from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.analysis.many_runs.survival import Durations, grok_rate, log_rank_tests, median_ratio, median_time
from grokscope.display import brief_repr

Event = Literal["fitted", "memorised", "generalised", "first_crossing", "grokked", "delay"]
"""A field of :class:`RunOutcome` in steps, which a run may reach or not."""


@dataclass(frozen=True, eq=False)
class TimeTo:
    """How long the runs of each group took to something; intervals and tests are computed when they are asked for."""

    event: Event
    durations: dict[str, Durations]
    """Of each group, by its label."""

    __repr__ = brief_repr

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row a group: ``group``, ``runs``, ``reached``, ``median``, ``first``, ``last``.

        ``reached`` is how many runs did. The median is Kaplan and Meier's, over all runs, in steps: infinite where
        fewer than half got there. ``first`` and ``last`` are those of the runs that did, NaN where there are none.
        """
        rows = []
        for label, each in self.durations.items():
            steps = each.steps[each.happened]
            first, last = (steps.min(), steps.max()) if len(steps) else (np.nan, np.nan)
            rows.append((label, len(each.steps), len(steps), each.median(), first, last))
        return pd.DataFrame(rows, columns=["group", "runs", "reached", "median", "first", "last"])

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """A row a group, with 95 % intervals.

        Columns: ``group``, ``rate``, ``rate_low`` and ``rate_high`` (the share of runs that got there, Wilson);
        ``median``, ``median_low`` and ``median_high`` (steps; bootstrap over runs).
        """
        rows = []
        for label, each in self.durations.items():
            rate, median = grok_rate(each), median_time(each)
            rows.append((label, rate.estimate, rate.low, rate.high, median.estimate, median.low, median.high))
        names = ["group", "rate", "rate_low", "rate_high", "median", "median_low", "median_high"]
        return pd.DataFrame(rows, columns=names)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """A row for each two groups: how many times as long the first takes, and whether they differ.

        Columns: ``one``, ``other``; ``ratio``, ``low`` and ``high`` (of the medians, with its 95 % bootstrap interval);
        ``z``, ``p`` (log-rank) and ``p_holm`` (the same corrected for the number of tests).
        """
        tests = log_rank_tests(self.durations)
        ratios = [
            median_ratio(self.durations[one], self.durations[other])
            for one, other in zip(tests["one"], tests["other"], strict=True)
        ]
        found = {
            "ratio": [each.estimate for each in ratios],
            "low": [each.low for each in ratios],
            "high": [each.high for each in ratios],
        }
        return tests[["one", "other"]].assign(**found, z=tests["z"], p=tests["p"], p_holm=tests["p_holm"])


def time_to(groups: Sequence[RunGroup], event: Event = "grokked") -> TimeTo:
    """Return how long the runs of each group took to reach ``event``, as survival data.

    Args:
        groups: with different labels.
        event: ``grokked`` (for good), ``first_crossing``, …; a ``delay`` below 0 counts as 0.

    Example:
        >>> found = time_to(group_outcomes(outcomes, ["optimizer.weight_decay"]))
        >>> found.intervals  # medians with bootstrap intervals
        >>> found.pairs  # ratios and log-rank tests
    """
    return TimeTo(event, {group.label: durations_of(group.outcomes, event) for group in groups})


def durations_of(outcomes: Sequence[RunOutcome], event: Event = "grokked") -> Durations:
    """Return how long each run took to ``event``, or was watched without its happening.

    A run that diverged never will get there: it counts as watched for as long as the longest, so that it stays among
    those that have not (as a competing event does in the estimate of Aalen & Johansen 1978).

    Args:
        outcomes: at least one, none of a run that failed.
        event: what is waited for.
    """
    return durations_until([getattr(each, event) for each in outcomes], outcomes)


def durations_until(reached: Sequence[int | float | None], outcomes: Sequence[RunOutcome]) -> Durations:
    """Return the same of any steps: ``reached`` has one for each run, or None where it never got there."""
    longest = max(each.last_step or 0 for each in outcomes)
    steps = [
        max(step, 0) if step is not None else longest if each.status == "diverged" else each.last_step or 0
        for each, step in zip(outcomes, reached, strict=True)
    ]
    return Durations(np.array(steps, dtype=np.float64), np.array([step is not None for step in reached]))
