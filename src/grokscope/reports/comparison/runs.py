"""What is said of several runs together, in words and tables: on the page, and in the terminal."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from grokscope import formatting
from grokscope.analysis.curves.phases import GROKKED_ACCURACY
from grokscope.analysis.many_runs.outcomes import group_table, outcome_table
from grokscope.errors import ConfigError
from grokscope.reports.provenance import interruption
from grokscope.reports.run.evidence import FoundTable
from grokscope.run import Run
from grokscope.run.groups import RunGroup, group_runs

_ENOUGH = formatting.percent(GROKKED_ACCURACY)
MOST_TOLD = 8
"""Groups up to which there is a sentence for each."""
Row = Mapping[Any, Any]
NOTHING = "\N{EN DASH}"
_STEPS = {"memorised": "memorised", "generalised": "generalised", "grokked": "grokked at", "delay": "delay"}
_SCORES = {"train_loss": "train loss", "test_loss": "test loss", "test_accuracy": "test accuracy"}
MEANING = (
    f"In steps: memorised, where the test loss is at its highest; generalised, from where it is below that of "
    f"guessing; grokked, from where the test accuracy is at least {_ENOUGH}; delay, the change point of the test loss "
    f"less that of the training loss. Losses (nats) and accuracy at the last evaluation."
)
MEDIANS = (
    "Median, and in brackets lowest to highest. A run that has not reached something within its steps counts as later "
    "than those that have: the median is “not reached” if fewer than half of the runs reached it."
)


@dataclass(frozen=True, eq=False)
class ComparedRuns:
    """Several runs, and what came of them; texts are plain, not HTML."""

    groups: tuple[RunGroup, ...]
    outcomes: pd.DataFrame
    """Of :func:`grokscope.analysis.many_runs.outcomes.outcome_table`."""
    group_outcomes: pd.DataFrame
    """Of :func:`grokscope.analysis.many_runs.outcomes.group_table`."""
    headline: str
    sentences: tuple[str, ...]
    """What differs, and what came out."""
    cautions: tuple[str, ...]
    """What a reader must know before believing a median."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs, group by group."""
        return tuple(run for group in self.groups for run in group.runs)


def compare_runs(runs: Sequence[Run]) -> ComparedRuns:
    """Return ``runs`` in groups, and what came of them.

    Raises:
        ConfigError: runs of different kinds of task, or fewer than two.
        RunError: a run is given twice, has no metrics yet, or is damaged.
    """
    if len(runs) == 1:
        raise ConfigError(f"one run, {runs[0].path}, cannot be compared; name others, or use 'grokscope report'")
    groups = tuple(group_runs(runs))
    outcomes = outcome_table(groups)
    of_groups = group_table(outcomes)
    return ComparedRuns(
        groups=groups,
        outcomes=outcomes,
        group_outcomes=of_groups,
        headline=_headline(groups),
        sentences=(_what_differs(groups), *_what_came_out(groups, of_groups)),
        cautions=tuple(_cautions(groups, outcomes)),
    )


def group_rows(compared: ComparedRuns) -> FoundTable | None:
    """Return the table of groups, without columns of which no run has anything; None where every group is one run."""
    table, rows = compared.group_outcomes, []
    if len(compared.groups) == len(compared.runs):
        return None
    steps = [name for name in _STEPS if name == "grokked" or sum(table[f"{name}_runs"])]
    for row in table.to_dict("records"):
        cells = [str(row["group"]), str(row["runs"]), f"{row['grokked_runs']} of {row['runs']}"]
        cells += [_reached(row, name) for name in steps]
        cells += [_range(row, name) for name in _SCORES]
        rows.append(tuple(cells))
    columns = ("group", "runs", "grokked", *(_STEPS[name] for name in steps), *_SCORES.values())
    return FoundTable("Groups", columns, tuple(rows))


def run_rows(compared: ComparedRuns) -> FoundTable:
    """Return the table of runs; columns of which no run has anything are left out."""
    table = compared.outcomes
    steps = [name for name in _STEPS if name == "grokked" or len(table[name].dropna())]
    grouped, keyed = len(compared.groups) > 1, bool((table["key_frequencies"] != "").any())
    rows = []
    for row in table.astype(dict.fromkeys(steps, "float64")).to_dict("records"):
        cells = [str(row["run"]), *([str(row["group"])] if grouped else []), str(row["seeds"])]
        cells += [_step(row[name]) for name in steps]
        cells += [f"{row['last_step']:,}", *(_score(row[name], name) for name in _SCORES)]
        cells += [row["key_frequencies"] or NOTHING] if keyed else []
        rows.append(tuple(cells))
    columns = ["run", *(["group"] if grouped else []), "seed", *(_STEPS[name] for name in steps)]
    columns += ["last step", *_SCORES.values(), *(["key frequencies"] if keyed else [])]
    return FoundTable("Runs", tuple(columns), tuple(rows))


def difference_rows(groups: Sequence[RunGroup]) -> FoundTable | None:
    """Return a row a setting with its value in each group; None where names of groups say all of it."""
    names = list(dict.fromkeys(name for group in groups for name in group.differing if name != "task"))
    if all(set(group.differing) <= set(group.named) for group in groups):
        return None
    rows = [(name, *(_setting(group, name) for group in groups)) for name in names]
    return FoundTable("What differs", ("setting", *(group.name for group in groups)), tuple(rows))


def _headline(groups: Sequence[RunGroup]) -> str:
    n_runs = sum(len(group.runs) for group in groups)
    runs = f"{n_runs} run{'s' if n_runs != 1 else ''}"
    if len(groups) == 1:
        return f"{runs} of {groups[0].name}"
    if len(groups) > MOST_TOLD:
        return f"{runs} in {len(groups)} groups"
    return f"{runs} in {len(groups)} groups: {formatting.listed(group.name for group in groups)}"


def _what_differs(groups: Sequence[RunGroup]) -> str:
    if len(groups) == 1:
        return (
            f"The runs differ in nothing but their seeds and how long they were trained. All learn "
            f"{groups[0].runs[0].task_name}."
        )
    names = list(dict.fromkeys(name for group in groups for name in group.differing if name != "task"))
    return (
        f"Runs that differ only in their seeds, and in how long they were trained, are one group. The groups differ in "
        f"{formatting.listed(names)}."
    )


def _what_came_out(groups: Sequence[RunGroup], table: pd.DataFrame) -> list[str]:
    told = []
    if len(groups) > MOST_TOLD:
        some, runs = sum(table["grokked_runs"] > 0), sum(table["runs"])
        n = sum(table["grokked_runs"])
        return [f"{n} of {runs} runs grokked, in {some} of {len(groups)} groups; the tables say which, and when."]
    for group, row in zip(groups, table.to_dict("records"), strict=True):
        n, reached = row["runs"], row["grokked_runs"]
        verb = f"reached {_ENOUGH} test accuracy" if group.is_infinite else "grokked"
        if n == 1:
            when = f"{verb} at {formatting.step(round(row['grokked_median']))}" if reached else f"has not {verb}"
            told.append(f"“{group.name}”: its one run {when}.")
            continue
        text = f"“{group.name}”: {reached} of {n} runs {verb}"
        if not math.isnan(row["grokked_median"]):
            text += f", half of all by {formatting.step(round(row['grokked_median']))}"
        if reached and row["grokked_low"] < row["grokked_high"]:
            text += f" (the first at {row['grokked_low']:,.0f}, the last at {row['grokked_high']:,.0f})"
        told.append(f"{text}.")
    return told


def _cautions(groups: Sequence[RunGroup], outcomes: pd.DataFrame) -> list[str]:
    told = []
    for group in groups:
        for run in group.runs:
            warning = interruption(run)
            if warning is not None:
                told.append(f"{run.path}: {warning.removesuffix('.')}.")
    for group in groups:
        same: dict[str, list[str]] = {}
        for run in group.runs:
            same.setdefault(repr(run.experiment.seeds), []).append(str(run.path))
        told += [
            f"{formatting.listed(paths)} have the same settings and seeds: they are one network, counted {len(paths)} "
            f"times in medians."
            for paths in same.values()
            if len(paths) > 1
        ]
        ends = outcomes.loc[outcomes["group"] == group.name].set_index("run")["last_step"]
        if ends.min() < ends.max():
            told.append(
                f"The median curves of “{group.name}” end at {formatting.step(int(ends.min()))}, with {ends.idxmin()}; "
                f"its longest run, {ends.idxmax()}, goes on to {int(ends.max()):,}."
            )
    alone = [group.name for group in groups if len(group.runs) == 1]
    if alone and len(alone) == len(groups):
        told.append("Every group is one run: how much seeds differ cannot be seen.")
    elif alone:
        told += [f"“{name}” is one run: how much its seeds differ cannot be seen." for name in alone]
    return told


def _setting(group: RunGroup, name: str) -> str:
    if name not in group.differing:
        return NOTHING
    value = group.differing[name]
    return "null" if value is None else str(value)


def _reached(row: Row, name: str) -> str:
    if not row[f"{name}_runs"]:
        return "not reached" if name == "grokked" else NOTHING
    if math.isnan(row[f"{name}_median"]):
        return f"not reached ({_ends(row, name, _step)})"
    return _with_ends(row, name, _step)


def _range(row: Row, name: str) -> str:
    return _with_ends(row, name, lambda value: _score(value, name))


def _with_ends(row: Row, name: str, written: Callable[[float], str]) -> str:
    median, ends = written(row[f"{name}_median"]), _ends(row, name, written)
    return median if ends == median else f"{median} ({ends})"


def _ends(row: Row, name: str, written: Callable[[float], str]) -> str:
    low, high = written(row[f"{name}_low"]), written(row[f"{name}_high"])
    return low if low == high else f"{low} to {high}"


def _step(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")


def _score(value: float, name: str) -> str:
    if math.isnan(value):
        return NOTHING
    return formatting.percent(value) if name.endswith("accuracy") else formatting.number(value)
