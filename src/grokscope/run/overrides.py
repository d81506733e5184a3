"""The one grammar for changing settings: dotted names and values; a change of kind keeps what both kinds have."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from grokscope.errors import ConfigError, nearest

Tree = dict[str, Any]
"""Settings as plain values, nested as in a file."""
Completed = Callable[[Tree], Tree]
"""Returns a tree with every setting filled in, or raises ConfigError if it is not valid."""

Note = Callable[[str], None]
"""Takes a sentence about settings that a change of kind drops."""

RENAMED = {"task.data.kind": {"endless": "infinite"}}
"""Values that files of earlier versions have, by setting, and what they are called now."""


def ignored(text: str) -> None:
    """Take no note."""


def changed(tree: Tree, changes: Mapping[str, Any], completed: Completed) -> tuple[Tree, list[str]]:
    """Return ``tree`` with some settings changed, and notes about what changes of kind could not keep.

    Args:
        tree: with every setting; it is changed in place.
        changes: values by dotted name.
        completed: fills in the defaults of a new kind.

    Raises:
        ConfigError: a name does not exist, or a new kind does not.
    """
    notes: list[str] = []
    kinds = {name: value for name, value in changes.items() if name.rpartition(".")[2] == "kind"}
    # kinds first, from the outside in, so that settings of the new kind can be given beside it in any order
    for name, value in sorted(kinds.items(), key=lambda item: item[0].count(".")):
        _require_current(name, value)
        if _branch(tree, name)["kind"] != value:
            tree, lost = _with_kind(tree, name.removesuffix(".kind"), value, completed)
            notes += lost
    for name, value in changes.items():
        if name not in kinds:
            _branch(tree, name)[name.rpartition(".")[2]] = value
    return tree, notes


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yield the settings in ``tree`` as dotted names and values."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def brought_up_to_date(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``tree``, perhaps of an earlier version's file, with the present names of values."""
    for name, renamed in RENAMED.items():
        *path, last = name.split(".")
        branches = [tree]
        for part in path:
            branches.append(branches[-1].get(part, {}) if isinstance(branches[-1], Mapping) else {})
        value = branches[-1].get(last) if isinstance(branches[-1], Mapping) else None
        if isinstance(value, str) and value in renamed:
            updated: Any = {**branches[-1], last: renamed[value]}
            for part, branch in zip(reversed(path), reversed(branches[:-1]), strict=True):
                updated = {**branch, part: updated}
            tree = updated
    return tree


def _require_current(name: str, value: Any) -> None:
    renamed = RENAMED.get(name, {})
    if isinstance(value, str) and value in renamed:
        raise ConfigError(f"{name}: {value!r} is now called {renamed[value]!r}")


def _branch(tree: Tree, name: str) -> Tree:
    """Return the part of ``tree`` that holds the setting ``name``."""
    *path, last = name.split(".")
    branch: Any = tree
    for depth, part in enumerate([*path, last]):
        if not isinstance(branch, dict) or part not in branch:
            known = [".".join([*path[:depth], key]) for key in branch] if isinstance(branch, dict) else []
            raise ConfigError(f"no setting is called {name!r}{nearest(name, known) if known else ''}")
        if depth < len(path):
            branch = branch[part]
    return branch


def _with_kind(tree: Tree, part: str, kind: Any, completed: Completed) -> tuple[Tree, list[str]]:
    """Return ``tree`` with another kind of ``part``, which keeps the settings that both kinds have, and notes."""
    branch = _branch(tree, f"{part}.kind")
    before = {name: value for name, value in branch.items() if name != "kind"}
    branch.clear()
    branch["kind"] = kind
    missing: dict[str, Any] = {}
    impossible: dict[str, Any] = {}
    tree = _carried_over(completed(tree), part, before, completed, missing, impossible)
    notes = []
    if missing:
        notes.append(f"dropped {', '.join(f'{name} = {_shown(value)}' for name, value in missing.items())}")
        notes[0] += f" ({kind} has none)"
    for name, value in impossible.items():
        has = _branch(tree, name)[name.rpartition(".")[2]]
        notes.append(f"dropped {name} = {_shown(value)} ({kind} has {_shown(has)})")
    return tree, notes


def _carried_over(
    tree: Tree, part: str, before: Tree, completed: Completed, missing: dict[str, Any], impossible: dict[str, Any]
) -> Tree:
    """Return ``tree`` with the settings that ``part`` had before; those that it cannot have are added to the others."""
    for setting, value in before.items():
        name = f"{part}.{setting}"
        branch = _branch(tree, f"{part}.kind")
        if setting not in branch:
            missing.update(leaves({name: value}))
        elif isinstance(value, dict) and isinstance(branch[setting], dict):
            tree = _carried_over(tree, name, value, completed, missing, impossible)
        elif branch[setting] != value:
            attempt = deepcopy(tree)
            branch = _branch(attempt, name)
            if setting == "kind":
                branch.clear()
            branch[setting] = value
            try:
                tree = completed(attempt)
            except ConfigError:
                impossible[name] = value
    return tree


def _shown(value: Any) -> str:
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
