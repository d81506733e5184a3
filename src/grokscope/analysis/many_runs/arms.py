"""The arms of a sweep: what came of the runs that differ only in their seeds, and whether arms differ."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from grokscope.analysis.many_runs.survival import Durations, grok_rate, median_ratio, median_time

ALL = "all runs"
"""What the only arm is called."""


def arms_of(table: pd.DataFrame, settings: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the runs of each arm by its name (``weight decay 0.3, d mlp 64``), without those that failed.

    Args:
        table: a row a run (:func:`grokscope.sweeps.run_sweep`).
        settings: the columns whose values make an arm.
    """
    ended = table.loc[table["status"] != "failed"]
    if not settings or ended.empty:
        return {} if ended.empty else {ALL: ended}
    names = [
        ", ".join(f"{_short(name)} {_brief(value)}" for name, value in zip(settings, values, strict=True))
        for values in zip(*(ended[name].tolist() for name in settings), strict=True)
    ]
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return {name: ended.iloc[each] for name, each in places.items()}


def durations_of(runs: pd.DataFrame, column: str = "grokked") -> Durations:
    """Return how long each run took to grok, or was watched without grokking.

    A run that diverged never will grok: it counts as watched for as long as the longest, so that it stays among those
    that have not grokked yet (as a competing event does in the estimate of Aalen & Johansen 1978).

    Args:
        runs: rows of a sweep's table, none of a run that failed.
        column: ``grokked`` (for good) or ``first_crossing``.
    """
    happened = runs[column].notna().to_numpy(dtype=bool)
    watched = runs["last_step"].where(runs["status"] != "diverged", runs["last_step"].max())
    steps = runs[column].where(runs[column].notna(), watched)
    return Durations(steps.to_numpy(dtype=np.float64), happened)


def arm_table(arms: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a row an arm.

    Columns: ``arm``, ``runs``, ``grokked`` (for good); ``rate``, ``rate_low`` and ``rate_high`` (Wilson); ``median``,
    ``median_low`` and ``median_high``, steps to grok (bootstrap over runs; infinite where fewer than half grok);
    ``first_median``, ``first_low`` and ``first_high``, the same to the first crossing; ``key_frequencies``, the median
    number of them in the networks that grokked (NaN where there are none).
    """
    rows: list[dict[str, Any]] = []
    for label, runs in arms.items():
        sustained, first = durations_of(runs), durations_of(runs, "first_crossing")
        rate, median, crossing = grok_rate(sustained), median_time(sustained), median_time(first)
        counts = [len(each) for each in key_frequencies(runs)]
        rows.append(
            {
                "arm": label,
                "runs": len(runs),
                "grokked": int(sustained.happened.sum()),
                "rate": rate.estimate,
                "rate_low": rate.low,
                "rate_high": rate.high,
                "median": median.estimate,
                "median_low": median.low,
                "median_high": median.high,
                "first_median": crossing.estimate,
                "first_low": crossing.low,
                "first_high": crossing.high,
                "key_frequencies": float(np.median(counts)) if counts else np.nan,
            }
        )
    return pd.DataFrame(rows)


def ratio_table(arms: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return for each two arms how many times as long the first takes as the second (:func:`median_ratio`).

    Returns:
        Columns ``one``, ``other``, ``ratio``, ``low``, ``high``.
    """
    durations = {label: durations_of(runs) for label, runs in arms.items()}
    labels = list(durations)
    rows = []
    for place, one in enumerate(labels):
        for other in labels[place + 1 :]:
            found = median_ratio(durations[one], durations[other])
            rows.append((one, other, found.estimate, found.low, found.high))
    return pd.DataFrame(rows, columns=["one", "other", "ratio", "low", "high"])


def frequency_counts(runs: pd.DataFrame) -> pd.DataFrame:
    """Return how many of the networks that grokked use each key frequency, and how many frequencies they use.

    Returns:
        Columns ``what`` (``frequency`` or ``number``), ``value`` and ``networks``.
    """
    keys = key_frequencies(runs)
    parts = []
    for what, values in (("frequency", [each for one in keys for each in one]), ("number", [len(one) for one in keys])):
        found, networks = np.unique(np.array(values, dtype=np.int64), return_counts=True)
        parts.append(pd.DataFrame({"what": what, "value": found, "networks": networks}))
    return pd.concat(parts, ignore_index=True)


def key_frequencies(runs: pd.DataFrame) -> list[list[int]]:
    """Return the key frequencies of each network that grokked on modular arithmetic."""
    grokked = runs.loc[runs["grokked"].notna() & runs["key_frequencies"].notna(), "key_frequencies"]
    return [[int(each) for each in str(text).split()] for text in grokked]


def _short(name: str) -> str:
    return name.rpartition(".")[2].replace("_", " ")


def _brief(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
