"""From what a user names to entries: one of the package's, a file of them, or the path of an optimiser's class."""

import inspect
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grokscope.config import load_yaml, read_file
from grokscope.errors import ConfigError, nearest
from grokscope.races.divisions import DIVISIONS, Division
from grokscope.races.entries import ENTRIES
from grokscope.races.entry import Entry
from grokscope.run.experiment import explain_validation
from grokscope.sweeps.plan import LogUniform
from grokscope.training.optimizers.external import imported


def division_called(name: str) -> Division:
    """Return the division of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in DIVISIONS:
        raise ConfigError(f"no division is called {name!r}{nearest(name, list(DIVISIONS))}")
    return DIVISIONS[name]()


def entries_called(names: Sequence[str]) -> list[Entry]:
    """Return the entries that ``names`` stand for.

    Args:
        names: of entries of the package, YAML files of entries, and paths of optimisers (``package:Class``,
            ``file.py:Class``).

    Raises:
        ConfigError: a name is none of these, a file holds no entries, or a package is not installed.
    """
    found: list[Entry] = []
    for name in names:
        if name.endswith((".yaml", ".yml")):
            found += _entries_in(Path(name))
        elif ":" in name:
            found.append(_entry_of(name))
        elif name in ENTRIES:
            found.append(ENTRIES[name])
        else:
            raise ConfigError(
                f"no entry is called {name!r}{nearest(name, list(ENTRIES))}; or give a YAML file of entries, or the "
                f"path of an optimiser such as torch.optim:RAdam"
            )
    for entry in found:
        if not is_installed(entry):
            raise ConfigError(
                f"{entry.name} needs {entry.package}, which is not installed; run pip install {entry.package}"
            )
    return found


def is_installed(entry: Entry) -> bool:
    """Return whether the package that an entry needs can be imported."""
    return not entry.package or find_spec(entry.package.replace("-", "_")) is not None


def standard_entries(network: str) -> list[Entry]:
    """Return the entries of the package for a kind of network, whether they are installed or not."""
    return [entry for entry in ENTRIES.values() if network in entry.networks]


def _entries_in(path: Path) -> list[Entry]:
    tree: Any = load_yaml(read_file(path), source=str(path))
    given = tree.get("entries") if isinstance(tree, dict) else None
    if not isinstance(given, list) or not given:
        raise ConfigError(f"{path} holds no entries; write a list of them under 'entries:'")
    return [_validated(each, str(path)) for each in given]


def _validated(given: Any, source: str) -> Entry:
    try:
        return Entry.model_validate(given)
    except ValidationError as error:
        raise ConfigError(f"{source}: {explain_validation(error)}") from error


def _entry_of(path: str) -> Entry:
    """Return an entry of an optimiser whose rate is tuned, and whose decay is if it has one."""
    try:
        takes = inspect.signature(imported(path)).parameters
    except ValueError as error:
        raise ConfigError(f"{path} is no optimiser's class ({error}); give the path of one") from error
    settings: dict[str, Any] = {"optimizer.kind": "external", "optimizer.path": path}
    search: dict[str, Any] = {"optimizer.lr": LogUniform(low=1e-4, high=1e-1)}
    if "weight_decay" in takes:
        settings["optimizer.arguments"] = {"weight_decay": 1.0}
        search["optimizer.arguments.weight_decay"] = LogUniform(low=0.03, high=30)
    name = path.rpartition(":")[2].lstrip("_")
    told = f"the optimiser {path}"
    return _validated({"name": name, "description": told, "settings": settings, "search": search}, path)
