"""Runs that differ only by their seeds, as one group: planned ones of a sweep, or found ones that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from grokscope.analysis.many_runs.labels import (
    Settings,
    differing_settings,
    is_number,
    naming_settings,
    setting_in_words,
    settings_of,
    value_rank,
)
from grokscope.analysis.many_runs.outcomes import RunOutcome, run_outcome
from grokscope.display import brief_repr
from grokscope.errors import ConfigError, RunError
from grokscope.run import Run

ALL = "all runs"
"""The label of the only group."""


@dataclass(frozen=True, eq=False)
class RunGroup:
    """Runs that differ only by their seeds, and in nothing else that training depends on."""

    settings: Settings
    """What tells the group from the others, by dotted name; ``task`` is what is learned, in words."""
    outcomes: tuple[RunOutcome, ...]
    """Of its runs, at least one."""
    label: str = ALL
    """What a reader sees, made from the settings: ``weight decay 0.3``."""
    labelled_by: tuple[str, ...] = ()
    """The names of the settings that the label has."""

    __repr__ = brief_repr

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def label_settings(self) -> Settings:
        """The settings that the label has, with their values."""
        return {name: self.settings[name] for name in self.labelled_by if name in self.settings}

    @property
    def ordered_by(self) -> float | None:
        """The number that alone tells the group from the others; None where there is no such number."""
        [*values] = self.label_settings.values()
        return float(values[0]) if len(values) == 1 and is_number(values[0]) else None


def group_outcomes(outcomes: Sequence[RunOutcome], settings: Sequence[str]) -> tuple[RunGroup, ...]:
    """Return the outcomes of a sweep in groups, in order of appearance, without runs that failed.

    Args:
        outcomes: of runs.
        settings: the dotted names of the settings whose values make a group.
    """
    members: dict[tuple[str, ...], list[RunOutcome]] = {}
    for each in outcomes:
        if each.status != "failed":
            members.setdefault(tuple(repr(each.settings.get(name)) for name in settings), []).append(each)
    shared = [{name: each[0].settings.get(name) for name in settings} for each in members.values()]
    labels = _labels(shared)
    return tuple(
        RunGroup(values, tuple(each), label, tuple(settings))
        for values, each, label in zip(shared, members.values(), labels, strict=True)
    )


def group_runs(runs: Sequence[Run]) -> tuple[RunGroup, ...]:
    """Return ``runs`` in groups of one experiment each, by the values of what tells them apart.

    Raises:
        ConfigError: there are no runs, or runs of different kinds of task, whose losses mean different things.
        RunError: a run is given twice, has no metrics yet, or is damaged.
    """
    if not runs:
        raise ConfigError("there are no runs to compare; name some")
    _once_each(runs)
    _one_kind(runs)
    members: dict[str, list[Run]] = {}
    trees: dict[str, Settings] = {}
    for run in runs:
        tree = settings_of(run.experiment)
        members.setdefault(repr(tree), []).append(run)
        trees.setdefault(repr(tree), tree)
    if len(trees) == 1:
        return (RunGroup({}, tuple(run_outcome(run) for run in runs), runs[0].experiment.name),)
    differing = differing_settings(list(trees.values()))
    named = naming_settings(list(trees.values()), [{run.experiment.name for run in each} for each in members.values()])
    groups = []
    for key, chosen, label in zip(trees, named, _labels(named), strict=True):
        settings = {name: trees[key][name] for name in differing if name in trees[key]}
        outcomes = tuple(run_outcome(run, settings=settings) for run in members[key])
        groups.append(RunGroup(chosen | settings, outcomes, label, tuple(chosen)))
    return tuple(sorted(groups, key=lambda group: [value_rank(value) for value in group.label_settings.values()]))


def frequency_counts(outcomes: Sequence[RunOutcome]) -> pd.DataFrame:
    """Return how many of the networks that grokked use each key frequency, and how many frequencies they use.

    Returns:
        Columns ``what`` (``frequency`` or ``number``), ``value`` and ``networks``.
    """
    keys = key_frequencies_of(outcomes)
    parts = []
    for what, values in (("frequency", [each for one in keys for each in one]), ("number", [len(one) for one in keys])):
        found, networks = np.unique(np.array(values, dtype=np.int64), return_counts=True)
        parts.append(pd.DataFrame({"what": what, "value": found, "networks": networks}))
    return pd.concat(parts, ignore_index=True)


def key_frequencies_of(outcomes: Sequence[RunOutcome]) -> list[tuple[int, ...]]:
    """Return the key frequencies of each network that grokked, of tasks that have any."""
    return [each.key_frequencies for each in outcomes if each.grokked is not None and each.key_frequencies is not None]


def _labels(named: Sequence[Mapping[str, Any]]) -> list[str]:
    labels = [", ".join(setting_in_words(name, value) for name, value in each.items()) or ALL for each in named]
    if len(set(labels)) == len(labels):
        return labels
    return [", ".join(f"{name} {value!r}" for name, value in each.items()) for each in named]


def _once_each(runs: Sequence[Run]) -> None:
    seen = set()
    for run in runs:
        path = run.path.resolve()
        if path in seen:
            raise RunError(f"{run.path} is given twice; name each run once")
        seen.add(path)


def _one_kind(runs: Sequence[Run]) -> None:
    kinds: dict[str, Run] = {}
    for run in runs:
        kinds.setdefault(run.experiment.task.kind, run)
    if len(kinds) > 1:
        named = " and ".join(f"{kind!r} ({run.path})" for kind, run in kinds.items())
        raise ConfigError(
            f"runs of different tasks cannot be compared, as their losses mean different things: {named}; compare "
            f"those of each task, or draw them side by side with 'grokscope changes RUN RUN --figure FILE'"
        )
