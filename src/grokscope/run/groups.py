"""Runs that differ only by chance, together: what seeds of one experiment are, and what tells experiments apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grokscope.errors import ConfigError, RunError
from grokscope.run.experiment import Experiment
from grokscope.run.run import Run

NOT_OF_A_GROUP = ("name", "description", "seeds", "stop", "evaluate_every", "checkpoint_every")
"""Settings that change nothing of what a step of training does, but for chance: how long, how often looked at."""
MOST_NAMED = 3
"""Settings that a group's name says; where more differ, it says what kind of run it is."""

_TASK = "task"
_HEADS = {"task.data.": (_TASK, "task.data.kind"), "model.": ("model.kind",), "optimizer.": ("optimizer.kind",)}
"""Where settings are of a kind: what is the same in all runs of the kind need not be said beside it."""

Settings = dict[str, Any]


@dataclass(frozen=True, eq=False)
class RunGroup:
    """Runs of one experiment that differ in their seeds, and in nothing else that training depends on."""

    name: str
    """What it is, beside the others: ``weight decay 0.3``."""
    runs: tuple[Run, ...]
    named: Settings
    """The settings that are in its name, by dotted name; ``task`` is what is learned, in words."""
    differing: Settings
    """Every setting in which the groups differ, by dotted name, where this group has it."""

    @property
    def is_infinite(self) -> bool:
        """Whether every step had fresh examples."""
        return self.runs[0].experiment.task.data.kind == "infinite"


def group_runs(runs: Sequence[Run]) -> list[RunGroup]:
    """Return ``runs`` in groups of one experiment each, by the values of what tells them apart.

    Raises:
        ConfigError: there are no runs, or runs of different kinds of task, whose losses mean different things.
        RunError: a run is given twice.
    """
    if not runs:
        raise ConfigError("there are no runs to compare; name some")
    _once_each(runs)
    _one_kind(runs)
    members: dict[str, list[Run]] = {}
    settings: dict[str, Settings] = {}
    for run in runs:
        tree = settings_of(run.experiment)
        members.setdefault(repr(tree), []).append(run)
        settings.setdefault(repr(tree), tree)
    trees = list(settings.values())
    differing = differing_settings(trees)
    named = naming_settings(trees, [{of.experiment.name for of in each} for each in members.values()])
    if len(trees) == 1:
        return [RunGroup(runs[0].experiment.name, tuple(runs), {}, {})]
    groups = [
        RunGroup(
            ", ".join(setting_in_words(name, value) for name, value in chosen.items()),
            tuple(members[key]),
            chosen,
            {name: tree[name] for name in differing if name in tree},
        )
        for (key, tree), chosen in zip(settings.items(), named, strict=True)
    ]
    return sorted(groups, key=lambda group: [_rank(value) for value in group.named.values()])


def settings_of(experiment: Experiment) -> Settings:
    """Return the settings that a group shares, by dotted name; ``task`` stands for what is learned, in words."""
    tree = experiment.model_dump(mode="json")
    kept = {name: branch for name, branch in tree.items() if name not in NOT_OF_A_GROUP}
    config = experiment.task
    return {_TASK: config.summary.removesuffix(f", {config.data.summary}"), **_leaves(kept)}


def differing_settings(trees: Sequence[Settings]) -> list[str]:
    """Return the names of the settings in which ``trees`` differ, or that not all of them have."""
    names = dict.fromkeys(name for tree in trees for name in tree)
    return [name for name in names if len({_value(tree, name) for tree in trees}) > 1]


def naming_settings(trees: Sequence[Settings], experiments: Sequence[set[str]]) -> list[Settings]:
    """Return for each of ``trees`` the settings that tell it from the others and stand in its name.

    What follows from the task or from a kind is left out: ``infinite`` and ``finite`` say enough of the sizes that go
    with them. Where more than :data:`MOST_NAMED` differ, the first that is enough of: the task; the kind of data;
    both; the experiments' names; as many settings as it takes.

    Args:
        trees: of :func:`settings_of`, no two alike.
        experiments: the names of the experiments of each.
    """
    independent = [name for name in differing_settings(trees) if not _follows(name, trees)]
    if len(independent) <= MOST_NAMED:
        return [_only(tree, independent) for tree in trees]
    for names in ((_TASK,), ("task.data.kind",), (_TASK, "task.data.kind")):
        if _tell_apart(trees, names):
            return [_only(tree, names) for tree in trees]
    if len({frozenset(names) for names in experiments}) == len(trees) and all(len(names) == 1 for names in experiments):
        return [{"name": next(iter(names))} for names in experiments]
    chosen: list[str] = []
    for name in independent:
        with_it = {tuple(_value(tree, each) for each in (*chosen, name)) for tree in trees}
        if len(with_it) > len({tuple(_value(tree, each) for each in chosen) for tree in trees}):
            chosen.append(name)
    return [_only(tree, chosen) for tree in trees]


def setting_in_words(name: str, value: Any) -> str:
    """Return a setting as a reader says it: ``weight decay 0.3``, ``infinite``, ``no layer norm``."""
    words = name.rpartition(".")[2].replace("_", " ")
    match value:
        case str() if words in ("kind", "name", _TASK):
            return value
        case bool():
            return words if value else f"no {words}"
        case float():
            return f"{words} {value:g}" if float(f"{value:g}") == value else f"{words} {value!r}"
        case list():
            return f"{words} {' and '.join(map(str, value))}"
        case None:
            return f"{words} null"
        case _:
            return f"{words} {value}"


def _once_each(runs: Sequence[Run]) -> None:
    seen = set()
    for run in runs:
        where = run.path.resolve()
        if where in seen:
            raise RunError(f"{run.path} is given twice; name each run once")
        seen.add(where)


def _one_kind(runs: Sequence[Run]) -> None:
    kinds: dict[str, Run] = {}
    for run in runs:
        kinds.setdefault(run.experiment.task.kind, run)
    if len(kinds) > 1:
        told = " and ".join(f"{kind!r} ({run.path})" for kind, run in kinds.items())
        raise ConfigError(
            f"runs of different tasks cannot be compared, as their losses mean different things: {told}; compare "
            f"those of each task, or draw them side by side with 'grokscope changes RUN RUN --figure FILE'"
        )


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Settings:
    found: Settings = {}
    for key, value in tree.items():
        found |= _leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def _follows(name: str, trees: Sequence[Settings]) -> bool:
    """Return whether a setting is the same in all ``trees`` of one kind that have it."""
    heads = next((heads for prefix, heads in _HEADS.items() if name.startswith(prefix)), (_TASK,))
    if name in heads or not name.startswith(("task.", *_HEADS)):
        return False
    by_kind: dict[str, set[str]] = {}
    for tree in trees:
        by_kind.setdefault(repr([_value(tree, head) for head in heads]), set()).add(_value(tree, name))
    return all(len(values) == 1 for values in by_kind.values())


def _value(tree: Settings, name: str) -> str:
    """Return a setting's value in a form that can be counted; having no such setting is unlike null."""
    return repr(tree[name]) if name in tree else ""


def _tell_apart(trees: Sequence[Settings], names: Sequence[str]) -> bool:
    return len({tuple(_value(tree, name) for name in names) for tree in trees}) == len(trees)


def _only(tree: Settings, names: Sequence[str]) -> Settings:
    return {name: tree[name] for name in names if name in tree}


def _rank(value: Any) -> tuple[int, float, str]:
    """Return what orders values: numbers by size, before words."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (0, float(value), "") if is_number else (1, 0.0, str(value))
