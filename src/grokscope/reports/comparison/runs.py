"""What is said of several runs together, in words and tables: on the page, and in the terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from grokscope import formatting
from grokscope.analysis.many_runs.groups import RunGroup, group_runs
from grokscope.analysis.many_runs.outcomes import COLUMNS, RunOutcome
from grokscope.analysis.many_runs.table import outcome_table
from grokscope.analysis.many_runs.time_to import Event, TimeTo, time_to
from grokscope.curves.phases import GROKKED_ACCURACY
from grokscope.display import brief_repr
from grokscope.errors import ConfigError
from grokscope.reports.provenance import interruption
from grokscope.reports.run.evidence import FoundTable
from grokscope.reports.sweep.tables import MOST_COMPARED, pair_table
from grokscope.run import Run

_ENOUGH = formatting.percent(GROKKED_ACCURACY)
MOST_TOLD = 8
"""Groups up to which there is a sentence for each."""
Row = Mapping[Any, Any]
NOTHING = "\N{EN DASH}"
EVENTS: tuple[Event, ...] = ("memorised", "generalised", "grokked", "delay")
SCORES = ("train_loss", "test_loss", "test_accuracy")
MEANING = (
    f"In steps: memorised, where the test loss is at its highest; generalised, from where it is below that of "
    f"guessing; grokked, from where the test accuracy is at least {_ENOUGH}; delay, the change point of the test loss "
    f"less that of the training loss. Losses (nats) and accuracy at the last evaluation."
)
MEDIANS = (
    "Median, and in brackets lowest to highest. Medians of steps are Kaplan and Meier's: a run that has not reached "
    "something counts as not having reached it up to its last step, and the median is “not reached” if fewer than half "
    "of the runs did."
)


@dataclass(frozen=True, eq=False)
class ComparedRuns:
    """Several runs, and what they reached; texts are plain, not HTML."""

    runs: tuple[Run, ...]
    """All runs, group by group."""
    groups: tuple[RunGroup, ...]

    __repr__ = brief_repr

    @property
    def outcomes(self) -> list[RunOutcome]:
        """Of all runs, group by group."""
        return [each for group in self.groups for each in group.outcomes]

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a run: its group, and the columns of :class:`grokscope.analysis.many_runs.outcomes.RunOutcome`."""
        table = outcome_table(self.outcomes)
        table.insert(1, "group", [group.label for group in self.groups for _ in group.outcomes])
        return table

    @cached_property
    def group_table(self) -> pd.DataFrame:
        """A row a group.

        Columns: ``group``, ``runs``; of every name in :data:`EVENTS` its ``_runs`` (how many reached it), ``_median``
        (Kaplan–Meier; infinite if fewer than half did), ``_low`` and ``_high`` (of those that did); of every name in
        :data:`SCORES` its ``_median``, ``_low`` and ``_high``.
        """
        columns: dict[str, object] = {
            "group": [group.label for group in self.groups],
            "runs": [len(group) for group in self.groups],
        }
        for event in EVENTS:
            found = self.time_to(event).summary
            names = {"reached": "runs", "median": "median", "first": "low", "last": "high"}
            columns |= {f"{event}_{name}": found[column] for column, name in names.items()}
        for score in SCORES:
            values = [np.array([_number(getattr(each, score)) for each in group.outcomes]) for group in self.groups]
            for name, of in (("median", np.median), ("low", np.min), ("high", np.max)):
                columns[f"{score}_{name}"] = [float(of(each)) for each in values]
        return pd.DataFrame(columns)

    def time_to(self, event: Event) -> TimeTo:
        """Return how long the runs of each group took to reach something."""
        if event not in self._times:
            self._times[event] = time_to(self.groups, event)
        return self._times[event]

    @cached_property
    def _times(self) -> dict[Event, TimeTo]:
        return {}

    @property
    def headline(self) -> str:
        """How many runs in which groups."""
        return _headline(self.groups)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """What differs, and what came out."""
        what = f"The runs differ in nothing but their seeds and how long they were trained. All learn {self.task_name}."
        if len(self.groups) > 1:
            what = _what_differs(self.groups)
        infinite = [self.is_infinite(group) for group in self.groups]
        return (what, *_what_came_out(infinite, self.time_to("grokked").summary))

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """What a reader must know before believing a median."""
        return tuple(_cautions(self.groups, self.runs))

    @property
    def task_name(self) -> str:
        """What the runs of the first group learn."""
        return self.runs[0].task_name

    def runs_of(self, group: RunGroup) -> list[Run]:
        """Return the runs of a group, in its order."""
        by_path = {str(run.path): run for run in self.runs}
        return [by_path[each.run] for each in group.outcomes]

    def is_infinite(self, group: RunGroup) -> bool:
        """Return whether every step of a group's runs had fresh examples."""
        return self.runs_of(group)[0].experiment.task.data.kind == "infinite"


def compare_runs(runs: Sequence[Run]) -> ComparedRuns:
    """Return ``runs`` in groups, and what they reached.

    Raises:
        ConfigError: runs of different kinds of task, or fewer than two.
        RunError: a run is given twice, has no metrics yet, or is damaged.
    """
    if len(runs) == 1:
        raise ConfigError(f"one run, {runs[0].path}, cannot be compared; name others, or use 'grokscope report'")
    groups = group_runs(runs)
    by_path = {str(run.path): run for run in runs}
    return ComparedRuns(tuple(by_path[each.run] for group in groups for each in group.outcomes), groups)


def group_rows(compared: ComparedRuns) -> FoundTable | None:
    """Return the table of groups, without columns of which no run has anything; None where every group is one run."""
    if len(compared.groups) == len(compared.runs):
        return None
    table, rows = compared.group_table, []
    events = [event for event in EVENTS if event == "grokked" or any(table[f"{event}_runs"].tolist())]
    for row in table.to_dict("records"):
        cells = [str(row["group"]), str(row["runs"]), f"{row['grokked_runs']} of {row['runs']}"]
        cells += [_reached(row, event) for event in events]
        cells += [_with_ends(row, score, _score_of(score)) for score in SCORES]
        rows.append(tuple(cells))
    columns = ("group", "runs", "grokked", *_labels(events), *_labels(SCORES))
    return FoundTable("Groups", columns, tuple(rows))


def pair_rows(compared: ComparedRuns) -> FoundTable | None:
    """Return a row for each two groups; None where that says nothing: one group, too many, no seeds, none grokked."""
    if not 1 < len(compared.groups) <= MOST_COMPARED or len(compared.groups) == len(compared.runs):
        return None
    grokking = compared.time_to("grokked")
    return pair_table(grokking) if any(grokking.summary["reached"].tolist()) else None


def run_rows(compared: ComparedRuns) -> FoundTable:
    """Return the table of runs; columns of which no run has anything are left out."""
    outcomes = compared.outcomes
    events = [
        event for event in EVENTS if event == "grokked" or any(getattr(each, event) is not None for each in outcomes)
    ]
    grouped, keyed = len(compared.groups) > 1, any(each.key_frequencies for each in outcomes)
    rows = []
    for group in compared.groups:
        for each in group.outcomes:
            cells = [each.run, *([group.label] if grouped else []), _seeds(each)]
            cells += [_step(_number(getattr(each, event))) for event in events]
            cells += [f"{each.last_step:,}", *(_score_of(name)(_number(getattr(each, name))) for name in SCORES)]
            cells += [" ".join(map(str, each.key_frequencies or ())) or NOTHING] if keyed else []
            rows.append(tuple(cells))
    columns = ["run", *(["group"] if grouped else []), "seed", *_labels(events), COLUMNS["last_step"].label]
    columns += [*_labels(SCORES), *(_labels(["key_frequencies"]) if keyed else [])]
    return FoundTable("Runs", tuple(columns), tuple(rows))


def difference_rows(groups: Sequence[RunGroup]) -> FoundTable | None:
    """Return a row a setting with its value in each group; None where labels of groups say all of it."""
    names = list(dict.fromkeys(name for group in groups for name in group.settings if name not in ("task", "name")))
    if all(set(group.settings) <= set(group.labelled_by) for group in groups):
        return None
    rows = [(name, *(_setting(group, name) for group in groups)) for name in names]
    return FoundTable("What differs", ("setting", *(group.label for group in groups)), tuple(rows))


def _headline(groups: Sequence[RunGroup]) -> str:
    n_runs = sum(map(len, groups))
    runs = f"{n_runs} run{'s' if n_runs != 1 else ''}"
    if len(groups) == 1:
        return f"{runs} of {groups[0].label}"
    if len(groups) > MOST_TOLD:
        return f"{runs} in {len(groups)} groups"
    return f"{runs} in {len(groups)} groups: {formatting.listed(group.label for group in groups)}"


def _what_differs(groups: Sequence[RunGroup]) -> str:
    names = list(dict.fromkeys(name for group in groups for name in group.settings if name not in ("task", "name")))
    return (
        f"Runs that differ only in their seeds, and in how long they were trained, are one group. The groups differ in "
        f"{formatting.listed(names)}."
    )


def _what_came_out(infinite: Sequence[bool], grokked: pd.DataFrame) -> list[str]:
    if len(grokked) > MOST_TOLD:
        some, runs, n = (grokked["reached"] > 0).sum(), grokked["runs"].sum(), grokked["reached"].sum()
        return [f"{n} of {runs} runs grokked, in {some} of {len(grokked)} groups; the tables say which, and when."]
    sentences = []
    for fresh, row in zip(infinite, grokked.to_dict("records"), strict=True):
        n, reached, median, first, last = (row[name] for name in ("runs", "reached", "median", "first", "last"))
        verb = f"reached {_ENOUGH} test accuracy" if fresh else "grokked"
        if n == 1:
            when = f"{verb} at {formatting.step(round(median))}" if reached else f"has not {verb}"
            sentences.append(f"“{row['group']}”: its one run {when}.")
            continue
        text = f"“{row['group']}”: {reached} of {n} runs {verb}"
        if np.isfinite(median):
            text += f", half of all by {formatting.step(round(median))}"
        if reached and first < last:
            text += f" (the first at {first:,.0f}, the last at {last:,.0f})"
        sentences.append(f"{text}.")
    return sentences


def _cautions(groups: Sequence[RunGroup], runs: Sequence[Run]) -> Iterable[str]:
    for run in runs:
        warning = interruption(run)
        if warning is not None:
            yield f"{run.path}: {warning.removesuffix('.')}."
    for group in groups:
        same: dict[tuple[int, ...], list[str]] = {}
        for each in group.outcomes:
            same.setdefault(each.seeds, []).append(each.run)
        for paths in same.values():
            if len(paths) > 1:
                yield (
                    f"{formatting.listed(paths)} have the same settings and seeds: they are one network, counted "
                    f"{len(paths)} times in medians."
                )
        ends = {each.run: each.last_step or 0 for each in group.outcomes}
        shortest, longest = min(ends, key=ends.__getitem__), max(ends, key=ends.__getitem__)
        if ends[shortest] < ends[longest]:
            yield (
                f"The median curves of “{group.label}” end at {formatting.step(ends[shortest])}, with {shortest}; "
                f"its longest run, {longest}, goes on to {ends[longest]:,}."
            )
    alone = [group.label for group in groups if len(group) == 1]
    if alone and len(alone) == len(groups):
        yield "Every group is one run: how much seeds differ cannot be seen."
    else:
        for label in alone:
            yield f"“{label}” is one run: how much its seeds differ cannot be seen."


def _labels(names: Iterable[str]) -> list[str]:
    return [COLUMNS[name].label for name in names]


def _seeds(outcome: RunOutcome) -> str:
    return "/".join(map(str, outcome.seeds)) if outcome.seed is None else str(outcome.seed)


def _setting(group: RunGroup, name: str) -> str:
    if name not in group.settings:
        return NOTHING
    value = group.settings[name]
    return "null" if value is None else str(value)


def _reached(row: Row, event: str) -> str:
    if not row[f"{event}_runs"]:
        return "not reached" if event == "grokked" else NOTHING
    if not np.isfinite(row[f"{event}_median"]):
        return f"not reached ({_ends(row, event, _step)})"
    return _with_ends(row, event, _step)


def _with_ends(row: Row, name: str, written: Callable[[float], str]) -> str:
    median, ends = written(row[f"{name}_median"]), _ends(row, name, written)
    return median if ends == median else f"{median} ({ends})"


def _ends(row: Row, name: str, written: Callable[[float], str]) -> str:
    low, high = written(row[f"{name}_low"]), written(row[f"{name}_high"])
    return low if low == high else f"{low} to {high}"


def _number(value: int | float | None) -> float:
    return np.nan if value is None else float(value)


def _step(value: float) -> str:
    return NOTHING if np.isnan(value) else f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")


def _score_of(name: str) -> Callable[[float], str]:
    written = formatting.percent if name.endswith("accuracy") else formatting.number
    return lambda value: NOTHING if np.isnan(value) else written(value)
