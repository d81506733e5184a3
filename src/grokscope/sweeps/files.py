"""A sweep in a YAML file, or in words: what it starts from is an experiment by its name, a file, or its settings."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grokscope.config import read_yaml
from grokscope.errors import ConfigError, nearest
from grokscope.recipe.registry import experiment_called, recipe
from grokscope.run import Experiment
from grokscope.run.experiment import experiment_from, explain_validation
from grokscope.run.overrides import Note, ignored
from grokscope.sweeps import Sweep
from grokscope.sweeps.plan import RENAMED, setting_names, whole_name

_OF_EXPERIMENTS = Experiment.model_fields.keys() - {"seeds"}


def load_sweep(path: Path) -> Sweep:
    """Return the sweep in a YAML file.

    It has the fields of :class:`grokscope.sweeps.Sweep`, but that ``base`` may be an experiment's name, ``set`` changes
    some of its settings, and ``seeds`` may be a range, ``0:64``. An experiment's file is a sweep of one run.

    Raises:
        RunError: the file cannot be read, or is not YAML.
        ConfigError: it is not a sweep.
    """
    tree = read_yaml(path)
    known = {*Sweep.model_fields, "set"}
    if isinstance(tree, Mapping) and tree.keys() & _OF_EXPERIMENTS and not tree.keys() & (known - {"seeds"}):
        return Sweep(base=experiment_from(tree, source=str(path)))
    if not isinstance(tree, Mapping) or "base" not in tree:
        raise ConfigError(f"{path} is not a sweep: it has no 'base'; give an experiment's name, as in  base: mainline")
    for name in tree:
        if name in RENAMED:
            raise ConfigError(f"{path}: {name!r} is called {RENAMED[name]!r} now; change it in the file")
        if name not in known:
            raise ConfigError(f"{path}: a sweep has no {name!r}{nearest(str(name), known)}")
    try:
        return sweep_of(_base(tree["base"], path.parent), changes=tree.get("set") or {}, **_fields(tree))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def sweep_of(
    base: str | Path | Experiment, *, changes: Mapping[str, Any] | None = None, note: Note = ignored, **fields: Any
) -> Sweep:
    """Return a sweep from an experiment, a named one, or the file of a sweep or of an experiment.

    Args:
        base: what it starts from.
        changes: of its settings, whose names may be the last parts of the dotted ones.
        note: called with a sentence about settings that a change of kind drops.
        fields: of the :class:`grokscope.sweeps.Sweep`; what is given replaces what a file says.

    Raises:
        RunError: the file cannot be read.
        ConfigError: an unknown name, or an impossible value.
    """
    if isinstance(base, Path):
        there = load_sweep(base)
        fields = {**{name: getattr(there, name) for name in there.model_fields_set if name != "base"}, **fields}
        base = there.base
    experiment = recipe(base).experiment if isinstance(base, str) else base
    experiment = experiment.override(_by_whole_name(experiment, changes or {}), note=note)
    try:
        return Sweep.model_validate({"base": experiment, **fields})
    except ValidationError as error:
        raise ConfigError(explain_validation(error)) from error


def seeds_in(text: str) -> tuple[int, ...]:
    """Return the seeds that a text names: ``0:64`` (0 to 63), ``7``, ``0,3,10:20``.

    Raises:
        ConfigError: it names none.
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d+)(?::(\d+))?\s*", part)
        first, last = (int(found[1]), int(found[2] or int(found[1]) + 1)) if found else (0, 0)
        if first >= last:
            raise ConfigError(f"seeds {text!r}: expected a range like 0:64, which is 0 to 63, or numbers like 0,3,7")
        seeds += range(first, last)
    return tuple(seeds)


def _base(base: Any, folder: Path) -> Experiment:
    return experiment_called(base, folder) if isinstance(base, str) else experiment_from(base)


def _fields(tree: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in tree.items() if name not in ("base", "set")}
    if isinstance(fields.get("seeds"), str | int):
        fields["seeds"] = seeds_in(str(fields["seeds"]))
    return fields


def _by_whole_name(experiment: Experiment, changes: Mapping[str, Any]) -> dict[str, Any]:
    # a change of kind brings settings that the experiment has not
    for name in changes:
        if name.partition(".")[0] in ("seed", "seeds"):
            raise ConfigError(f"{name} is set for all runs of a sweep; give seeds as seeds: 0:64")
    given_whole, known = any(name.endswith("kind") for name in changes), setting_names(experiment)
    return {name if given_whole else whole_name(known, name): value for name, value in changes.items()}
