"""What a race shows: a row a run, a row an entry, with intervals; runs that never got there count as censored."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.analysis.many_runs.survival import Interval, first_crossing, median_time
from grokscope.analysis.many_runs.time_to import durations_until
from grokscope.curves.phases import kept_from
from grokscope.display import brief_repr
from grokscope.races.cost import StepCost
from grokscope.races.entry import Entry
from grokscope.races.plan import LEVELS, Race
from grokscope.races.tuning import Tuned
from grokscope.run import Run


@dataclass(frozen=True)
class ScoredRun:
    """A run by which an entry is scored."""

    outcome: RunOutcome
    first: dict[float, int | None]
    """By test accuracy: the first step at which it is reached."""
    kept: dict[float, int | None]
    """By test accuracy: the first step from which on it is kept to the end."""
    margin: float | None
    """Mean lead of the right logit over the best wrong one, over all pairs (nats)."""

    @classmethod
    def of(cls, run: Run, outcome: RunOutcome) -> "ScoredRun":
        """Return what is scored of a run that ended."""
        metrics = run.metrics
        return cls(
            outcome,
            {level: first_crossing(metrics, level) for level in LEVELS},
            {level: None if outcome.status == "diverged" else kept_from(metrics, level) for level in LEVELS},
            outcome.measures.get("margin_mean"),
        )


@dataclass(frozen=True, eq=False)
class Scored:
    """An entry, with what it reached."""

    entry: Entry
    tuned: Tuned
    runs: tuple[ScoredRun, ...]
    cost: StepCost
    random_labels: float
    """Test accuracy at the end where labels have no rule: at chance, unless the test set was seen."""

    __repr__ = brief_repr

    def median(self, level: float, *, kept: bool) -> Interval:
        """Return the steps to ``level`` in the median of the runs, with its bootstrap interval."""
        steps = [(run.kept if kept else run.first)[level] for run in self.runs]
        return median_time(durations_until(steps, [run.outcome for run in self.runs]))

    def count(self, level: float, *, kept: bool) -> int:
        """Return how many of the runs reached ``level``, or kept it."""
        return sum((run.kept if kept else run.first)[level] is not None for run in self.runs)

    @property
    def n_explained(self) -> int:
        """How many of the last networks are explained."""
        return sum(run.outcome.verdict == "explained" for run in self.runs)

    @property
    def n_frequencies(self) -> float | None:
        """The median number of key frequencies; None where there are none to count."""
        counts = [run.outcome.n_key_frequencies for run in self.runs]
        known = [count for count in counts if count is not None]
        return float(np.median(known)) if known else None

    @property
    def margin(self) -> float | None:
        """The median of the runs' mean margins, in nats."""
        known = [run.margin for run in self.runs if run.margin is not None]
        return float(np.median(known)) if known else None


@dataclass(frozen=True, eq=False)
class Standings:
    """All entries of a race that have been scored, the soonest first."""

    race: Race
    scored: tuple[Scored, ...]
    is_complete: bool = True
    """Whether all entries have been scored."""

    __repr__ = brief_repr

    @cached_property
    def ranked(self) -> list[Scored]:
        """The entries, by the median step from which on 95 % is kept; where that is never, by how many kept it."""
        level = LEVELS[0]
        return sorted(
            self.scored,
            key=lambda each: (each.median(level, kept=True).estimate, -each.count(level, kept=True), each.entry.name),
        )

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row an entry, in the order of :attr:`ranked`; steps are infinite where fewer than half of the runs got to.

        Columns for each level (95, 99) and for ``first`` and ``kept``: the number of runs, the median step and its
        95 % interval; then ``seconds`` and ``gflop`` to 95 % for good, of a step, verdicts, key frequencies, margin,
        the control with random labels, and the tuned settings.
        """
        return pd.DataFrame([_row(each) for each in self.ranked])

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a scored run."""
        return pd.DataFrame(
            [
                {
                    "entry": each.entry.name,
                    "seed": run.outcome.seed,
                    **{f"first_{_percent(level)}": run.first[level] for level in LEVELS},
                    **{f"kept_{_percent(level)}": run.kept[level] for level in LEVELS},
                    "test_accuracy": run.outcome.test_accuracy,
                    "verdict": run.outcome.verdict,
                    "n_key_frequencies": run.outcome.n_key_frequencies,
                    "margin": run.margin,
                    "status": run.outcome.status,
                }
                for each in self.ranked
                for run in each.runs
            ]
        )


def _percent(level: float) -> str:
    return f"{100 * level:g}"


def _row(scored: Scored) -> dict[str, Any]:
    found: dict[str, Any] = {"entry": scored.entry.name, "runs": len(scored.runs)}
    for level in LEVELS:
        for kept in (False, True):
            name = f"{'kept' if kept else 'first'}_{_percent(level)}"
            middle = scored.median(level, kept=kept)
            found |= {
                f"{name}_runs": scored.count(level, kept=kept),
                name: middle.estimate,
                f"{name}_low": middle.low,
                f"{name}_high": middle.high,
            }
    steps = found[f"kept_{_percent(LEVELS[0])}"]
    found |= {
        "seconds": steps * scored.cost.seconds,
        "gflop": steps * scored.cost.flop / 1e9,
        "step_seconds": scored.cost.seconds,
        "step_gflop": scored.cost.flop / 1e9,
        "explained": scored.n_explained,
        "n_key_frequencies": scored.n_frequencies,
        "margin": scored.margin,
        "random_labels": scored.random_labels,
        "trials_that_grokked": scored.tuned.n_grokked,
        "changes_network": scored.entry.changes_network,
        "settings": ", ".join(f"{name}={value:.4g}" for name, value in scored.tuned.settings.items()),
    }
    return found
