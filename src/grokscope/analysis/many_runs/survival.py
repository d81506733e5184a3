"""Time to grok as survival data: runs that have not grokked when training ends count, as censored at that step.

The mean or the median of the runs that did grok is biased towards fast ones, the more so the fewer grok. The estimators
are SciPy's; the interval of the median is bootstrapped here, as it may have no upper end.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy import stats

from grokscope.curves.phases import GROKKED_ACCURACY
from grokscope.display import brief_repr
from grokscope.errors import ConfigError


@dataclass(frozen=True, eq=False)
class Durations:
    """How long each of some runs took, or was watched without its happening."""

    steps: Float[np.ndarray, " run"]
    """Updates until it happened, or until the run was last looked at."""
    happened: Bool[np.ndarray, " same_run"]
    """False of a run that is censored: it had not happened at that step."""

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        if self.steps.shape != self.happened.shape or not len(self.steps):
            raise ConfigError(
                f"expected as many steps as answers, and at least one, got {len(self.steps)} and {len(self.happened)}"
            )
        if not np.isfinite(self.steps).all() or (self.steps < 0).any():
            raise ConfigError(f"expected steps from 0 up, got {self.steps[~(self.steps >= 0)][:1]}")

    def median(self) -> float:
        """Return the step by which half of the runs got there (:func:`median_time`), infinite if fewer ever did."""
        steps, places = np.unique(self.steps, return_inverse=True)
        times = np.eye(len(steps), dtype=np.int64)[places].T  # [step, run]
        [found] = _medians(steps, times.sum(1)[None], (times @ self.happened)[None])
        return float(found)

    def censored(self) -> stats.CensoredData:
        """Return the same for SciPy."""
        return stats.CensoredData(uncensored=self.steps[self.happened], right=self.steps[~self.happened])


@dataclass(frozen=True)
class Interval:
    """An estimate and the interval around it; infinite where so few runs got there that there is no end to it."""

    estimate: float
    low: float
    high: float
    confidence: float = 0.95

    def __str__(self) -> str:
        return f"{self.estimate:.4g} ({self.low:.4g} to {self.high:.4g})"


def first_crossing(metrics: pd.DataFrame, level: float = GROKKED_ACCURACY) -> int | None:
    """Return the first step with a test accuracy of at least ``level``, or None.

    A run that spikes there and falls back counts: compare ``grokked`` of :func:`grokscope.analysis.find_phases`.

    Args:
        metrics: columns ``step`` and ``test_accuracy``.
        level: share of the test set.
    """
    reached = metrics["test_accuracy"].to_numpy() >= level
    return int(metrics["step"].to_numpy()[reached.argmax()]) if reached.any() else None


def kaplan_meier(durations: Durations, confidence: float = 0.95) -> pd.DataFrame:
    """Return the share of runs that have not grokked yet, by step (Kaplan & Meier 1958), from step 0 on.

    ``S(t) = Π_{t_i ≤ t} (1 − d_i / n_i)``: d_i of the n_i runs that were still watched grokked at t_i.

    Returns:
        Columns ``step``, ``not_yet`` (1 to 0), ``low`` and ``high`` (pointwise, Greenwood's variance on the
        log(−log) scale; NaN where ``not_yet`` is 0, which that scale cannot say), ``happened`` and ``at_risk`` (runs).
    """
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # that the interval is undefined at 0 and 1
        curve = stats.ecdf(durations.censored()).sf
        around = curve.confidence_interval(confidence, method="log-log")
    steps = curve.quantiles
    table = pd.DataFrame(
        {
            "step": steps,
            "not_yet": curve.probabilities,
            "low": around.low.probabilities,
            "high": around.high.probabilities,
            "happened": [int((durations.happened & (durations.steps == step)).sum()) for step in steps],
            "at_risk": [int((durations.steps >= step).sum()) for step in steps],
        }
    )
    table.loc[table["not_yet"] == 1, ["low", "high"]] = 1.0
    if steps[0] == 0:
        return table
    start = pd.DataFrame(
        {"step": [0.0], "not_yet": 1.0, "low": 1.0, "high": 1.0, "happened": 0, "at_risk": len(durations.steps)}
    )
    return pd.concat([start, table], ignore_index=True)


def median_time(durations: Durations, *, confidence: float = 0.95, n_resamples: int = 9_999, seed: int = 0) -> Interval:
    """Return the step by which half of the runs have grokked, and its bootstrap interval (percentiles over runs).

    It is where the Kaplan–Meier curve first comes to one half or below; infinite if it does not. An end of the
    interval is infinite if in so many resamples fewer than half of the runs got there.

    Args:
        durations: of the runs.
        confidence: of the interval.
        n_resamples: draws of as many runs, with replacement.
        seed: of the draws.
    """
    medians = _resampled(durations, n_resamples, np.random.default_rng(seed))
    return _percentiles(durations.median(), medians, confidence)


def median_ratio(
    one: Durations, other: Durations, *, confidence: float = 0.95, n_resamples: int = 9_999, seed: int = 0
) -> Interval:
    """Return how many times as long ``one`` takes as ``other`` in the median, and its bootstrap interval.

    Runs of each are drawn with replacement, independently. NaN where neither gets to its median: nothing is known.

    Args:
        one: runs of one group.
        other: runs of the other.
        confidence: of the interval.
        n_resamples: draws.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    tops, bottoms = (_resampled(each, n_resamples, rng) for each in (one, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio, ratios = float(np.divide(one.median(), other.median())), tops / bottoms
        known = ratios[~np.isnan(ratios)]
        return _percentiles(ratio, known if len(known) else np.array([np.nan]), confidence)


def _percentiles(estimate: float, resamples: Float[np.ndarray, " resample"], confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    # a resample's own value: between a number and infinity there is nothing to interpolate
    low, high = np.quantile(resamples, [tail, 1 - tail], method="inverted_cdf")
    return Interval(float(estimate), float(low), float(high), confidence)


def _resampled(durations: Durations, n_resamples: int, rng: np.random.Generator) -> Float[np.ndarray, " resample"]:
    """Return the medians of draws of as many runs with replacement."""
    steps, places = np.unique(durations.steps, return_inverse=True)
    n = len(durations.steps)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples)
    times = np.eye(len(steps), dtype=np.int64)[places]  # [run, step]
    return _medians(steps, drawn @ times, drawn @ (times * durations.happened[:, None]))


def _medians(
    steps: Float[np.ndarray, " step"], ended: np.ndarray, happened: np.ndarray
) -> Float[np.ndarray, " resample"]:
    """Return the median of each resample, from how many of its runs ended, and grokked, at each step."""
    at_risk = ended[:, ::-1].cumsum(1)[:, ::-1]
    left = np.cumprod(1 - happened / np.maximum(at_risk, 1), axis=1)
    reached = left <= 0.5 + 1e-12
    return np.where(reached.any(1), steps[reached.argmax(1)], np.inf)


def grok_rate(durations: Durations, confidence: float = 0.95) -> Interval:
    """Return the share of runs that grokked before they ended, with Wilson's interval (Wilson 1927).

    A fair comparison only between runs of as many steps; otherwise compare the curves.
    """
    counted = stats.binomtest(int(durations.happened.sum()), len(durations.happened))
    around = counted.proportion_ci(confidence, method="wilson")
    return Interval(float(counted.statistic), float(around.low), float(around.high), confidence)


def log_rank_tests(groups: Mapping[str, Durations]) -> pd.DataFrame:
    """Return for each two groups whether their times to grok differ by more than chance (log-rank, Mantel 1966).

    Returns:
        Columns ``one``, ``other``, ``z`` (above 0 where more of ``one`` grok, and sooner, than if there were no
        difference), ``p`` (two-sided), and ``p_holm``, corrected for the number of tests (Holm 1979).
        NaN where neither group has a run that grokked: there is nothing to compare.
    """
    rows = []
    for (one, first), (other, second) in combinations(groups.items(), 2):
        if not (first.happened.any() or second.happened.any()):
            rows.append((one, other, np.nan, np.nan))
            continue
        found = stats.logrank(first.censored(), second.censored())
        rows.append((one, other, float(found.statistic), float(found.pvalue)))
    table = pd.DataFrame(rows, columns=["one", "other", "z", "p"]).astype({"z": float, "p": float})
    return table.assign(p_holm=_holm(table["p"].to_numpy()))


def _holm(p: Float[np.ndarray, " test"]) -> Float[np.ndarray, " test"]:
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known])]
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return corrected
