"""What tells groups of runs apart, and the words for it: labels are made from settings, and never read back."""

from collections.abc import Mapping, Sequence
from typing import Any

from grokscope.run import Experiment

NOT_OF_A_GROUP = (
    "name",
    "description",
    "seeds",
    "stop",
    "evaluate_every",
    "checkpoint_every",
    "checkpoints_per_decade",
)
"""Settings that change nothing of what a step of training does, but for chance: how long, how often looked at."""
MOST_NAMED = 3
"""Settings that a group's name says; where more differ, it says what kind of run it is."""

_TASK = "task"
_HEADS = {"task.data.": (_TASK, "task.data.kind"), "model.": ("model.kind",), "optimizer.": ("optimizer.kind",)}
"""Where settings are of a kind: what is the same in all runs of the kind need not be said beside it."""

Settings = dict[str, Any]


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
    """Return for each of ``trees`` the settings that tell it from the others and stand in its label.

    What follows from the task or from a kind is left out: ``infinite`` and ``finite`` say enough of the sizes that go
    with them. Where more than :data:`MOST_NAMED` differ, it is the first of these that tells all groups apart:

    1. the task: ``add mod 113``, ``add mod 59``
    2. the kind of data: ``finite``, ``infinite``
    3. both: ``add mod 113, finite``, ``add mod 113, infinite``, ``add mod 59, finite``
    4. the experiments' names: ``mainline``, ``small``
    5. as many settings as it takes: ``d mlp 512``, ``d mlp 64``

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
    words = short_name(name)
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


def short_name(name: str) -> str:
    """Return the last part of a setting's dotted name as words: ``weight decay``."""
    return name.rpartition(".")[2].replace("_", " ")


def is_number(value: object) -> bool:
    """Return whether the value of a setting is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_rank(value: Any) -> tuple[int, float, str]:
    """Return what values of a setting are sorted by: numbers by size, before words."""
    return (0, float(value), "") if is_number(value) else (1, 0.0, str(value))


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
