"""What a sweep consists of, and what its runs have reached so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from grokscope.analysis.many_runs.groups import RunGroup, group_outcomes
from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.analysis.many_runs.table import outcome_table
from grokscope.analysis.many_runs.time_to import TimeTo, time_to
from grokscope.display import brief_repr
from grokscope.sweeps.plan import Sweep


@dataclass(frozen=True, eq=False)
class SweepOutcomes:
    """A sweep and the outcomes of its runs; statistics are computed once, when they are asked for."""

    plan: Sweep
    outcomes: tuple[RunOutcome, ...]
    """Of the runs that ended or failed, in the order of the plan."""
    measures: tuple[str, ...] = ()
    """The names of the measures that were asked for."""

    __repr__ = brief_repr

    @cached_property
    def settings(self) -> list[str]:
        """The dotted names of all settings in which runs differ: chosen, then sampled ones."""
        return list(dict.fromkeys(name for run in self.plan.runs() for name in run.settings))

    @cached_property
    def chosen(self) -> list[str]:
        """Those that make the groups: in ``vary`` and ``cases``."""
        return self.plan.chosen_settings()

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a run (:class:`grokscope.analysis.many_runs.outcomes.RunOutcome`)."""
        return outcome_table(self.outcomes, self.settings, self.measures)

    @cached_property
    def ended(self) -> list[RunOutcome]:
        """The outcomes of the runs that did not fail."""
        return [each for each in self.outcomes if each.status != "failed"]

    @cached_property
    def groups(self) -> tuple[RunGroup, ...]:
        """The runs that did not fail, in groups that differ in the chosen settings."""
        return group_outcomes(self.outcomes, self.chosen)

    @cached_property
    def time_to_grok(self) -> TimeTo:
        """Of the groups; there must be one."""
        return time_to(self.groups, "grokked")

    @property
    def is_complete(self) -> bool:
        """Return whether every run ended or failed."""
        return len(self.outcomes) == len(self.plan.runs())

    @property
    def n_frequencies(self) -> int | None:
        """How many frequencies a network can have, (p − 1)/2; None where the runs differ in p, or the task has none."""
        p = getattr(self.plan.base.task, "p", None)
        return None if p is None or {"task.p", "task.kind"} & set(self.settings) else p // 2

    def varied(self) -> list[str]:
        """Return the names of the settings of which the runs that did not fail have more than one value."""
        return [name for name in self.settings if len({repr(each.settings.get(name)) for each in self.ended}) > 1]


def sweep_outcomes(plan: Sweep, outcomes: Sequence[RunOutcome], measures: Sequence[str] = ()) -> SweepOutcomes:
    """Return the outcomes of a sweep in the order of its plan; those of runs that it has not are left out."""
    by_run = {each.run: each for each in outcomes}
    return SweepOutcomes(
        plan, tuple(by_run[run.folder] for run in plan.runs() if run.folder in by_run), tuple(measures)
    )
