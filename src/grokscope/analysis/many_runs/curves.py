"""Curves of several runs as one: their median, and how far they spread."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from grokscope.display import brief_repr

FEW = 10
"""Runs up to which a band is from the lowest to the highest; of more, it is their middle half."""


@dataclass(frozen=True, eq=False)
class GroupCurve:
    """A curve of every run of a group, and what they have in common."""

    spread: pd.DataFrame
    """Columns step, low, median, high."""
    each: tuple[pd.DataFrame, ...]
    """Of every run, columns step and value."""

    __repr__ = brief_repr


def group_curve(tables: Sequence[pd.DataFrame], column: str) -> GroupCurve:
    """Return the median and the band of a curve over runs.

    Only steps at which *every* run was evaluated count, so that each median is of as many numbers as there are runs,
    all of them measured at that step: nothing is interpolated, and nothing is held on beyond the end of a run. The
    median therefore ends with the run that ended first. (A median of those that are left would jump there, and
    towards the worse, as runs that stop early are often those that generalised early.)

    The band is from the lowest to the highest of up to :data:`FEW` runs, and the middle half (first to third quartile,
    linear between order statistics) of more. A value that is not a finite number counts as not evaluated.

    Args:
        tables: of each run, columns step and ``column``.
        column: of the curve; the median and the band do not depend on whether its axis is logarithmic.
    """
    each = [_curve(table, column) for table in tables]
    common = sorted(set.intersection(*(set(curve["step"]) for curve in each)))
    values = np.array([curve.set_index("step")["value"].loc[common].to_numpy() for curve in each])
    low, median, high = np.percentile(values, (0, 50, 100) if len(each) <= FEW else (25, 50, 75), axis=0)
    return GroupCurve(pd.DataFrame({"step": common, "low": low, "median": median, "high": high}), tuple(each))


def band_in_words(n_runs: int) -> str:
    """Return what the band of so many runs is."""
    return "lowest to highest" if n_runs <= FEW else "middle half"


def _curve(table: pd.DataFrame, column: str) -> pd.DataFrame:
    curve = pd.DataFrame({"step": table["step"], "value": table[column]})
    return curve.replace([np.inf, -np.inf], np.nan).dropna().reset_index(drop=True)


EARLY = 0.1
"""Where a test loss has made half of its fall in this share of the steps, they are better drawn logarithmically."""


def is_over_early(tables: Sequence[pd.DataFrame]) -> bool:
    """Return whether some run's test loss has made half of its fall in the first tenth of the longest run.

    Args:
        tables: of each run, columns step and test_loss.
    """
    longest = max((step for table in tables for step in table["step"]), default=0)
    for table in tables:
        curve = _curve(table, "test_loss")
        if curve.empty:
            continue
        losses = curve["value"]
        fallen = curve.loc[losses <= (losses.iloc[0] + losses.min()) / 2, "step"]
        if losses.min() < losses.iloc[0] and 0 < fallen.iloc[0] < EARLY * longest:
            return True
    return False
