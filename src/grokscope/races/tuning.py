"""The choice of an entry's settings among its trials."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.errors import ConfigError


@dataclass(frozen=True)
class Tuned:
    """The settings with which an entry is scored."""

    settings: dict[str, Any]
    grokked: float
    """The step from which on the test accuracy is at least 95 %, in the median of the tuning seeds; may be infinite."""
    n_grokked: int
    """Trials of which at least half of the seeds got there."""


def choose(outcomes: Sequence[RunOutcome]) -> Tuned:
    """Return the best of the trials: the fewest steps to 95 % test accuracy for good, in the median of the seeds.

    Where no trial gets there, and among equals, the highest mean test accuracy at the end.

    Args:
        outcomes: of all trials on all tuning seeds.

    Raises:
        ConfigError: every run failed.
    """
    trials: dict[str, list[RunOutcome]] = {}
    for each in outcomes:
        if each.status != "failed":
            trials.setdefault(repr(each.settings), []).append(each)
    if not trials:
        reason = outcomes[0].error if outcomes else "there are none"
        raise ConfigError(f"every trial failed: {reason}")
    scored = {key: (_steps(some), -_final(some)) for key, some in trials.items()}
    best = min(scored, key=lambda key: scored[key])
    reached = sum(bool(np.isfinite(steps)) for steps, _ in scored.values())
    return Tuned(dict(trials[best][0].settings), scored[best][0], reached)


def _steps(outcomes: Sequence[RunOutcome]) -> float:
    """Return the median step from which on 95 % is kept; a run that diverged kept nothing."""
    kept = (None if each.status == "diverged" else each.grokked for each in outcomes)
    return float(median(np.inf if step is None else step for step in kept))


def _final(outcomes: Sequence[RunOutcome]) -> float:
    """Return the mean test accuracy at the end; a run that diverged knows nothing."""
    return float(np.mean([0.0 if each.status == "diverged" else each.test_accuracy or 0.0 for each in outcomes]))
