"""The user's own files, in which task families, measures, optimisers, figures, claims and recipes are registered.

Plugins come from three places: the option ``--plugin FILE``, the environment variable :data:`VARIABLE`, and installed
packages with an entry point in the group :data:`GROUP`. Nothing is executed because a run's folder names it: opening a
stranger's run is safe.
"""

import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from grokscope.errors import ConfigError

VARIABLE = "GROKSCOPE_PLUGINS"
"""Names files, separated as in ``PATH``; worker processes inherit it."""
GROUP = "grokscope.plugins"


@dataclass(frozen=True)
class Plugin:
    """A plugin that has been loaded."""

    name: str
    """The file's path, or the entry point's name and package."""
    sha256: str
    """Of the file; empty where an entry point has no file of its own."""


_LOADED: dict[str, Plugin] = {}
_LOCK = threading.RLock()


def plugins_are_expected() -> bool:
    """Return whether a plugin may add names: one is loaded, or named in the environment, or installed."""
    return bool(_LOADED or os.environ.get(VARIABLE) or entry_points(group=GROUP))


def load_plugins(files: Iterable[str | os.PathLike[str]] = ()) -> list[Plugin]:
    """Import ``files``, the files that :data:`VARIABLE` names and the installed plugins, each once; return all of them.

    Args:
        files: added to the environment variable, so that worker processes load them too.

    Raises:
        ConfigError: a file does not exist, or a plugin cannot be imported.
    """
    with _LOCK:
        named = [part for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
        added = [str(Path(file).resolve()) for file in files]
        if added:
            os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys([*named, *added]))
        for file in [*named, *added]:
            _load_file(Path(file).resolve())
        if GROUP not in _LOADED:
            _LOADED[GROUP] = Plugin(GROUP, "")  # before they are imported: a plugin may look something up itself
            try:
                for entry in entry_points(group=GROUP):
                    _load_entry_point(entry)
            except BaseException:
                del _LOADED[GROUP]
                raise
        return [plugin for name, plugin in _LOADED.items() if name != GROUP]


def _load_file(path: Path) -> None:
    key = str(path)
    if key in _LOADED:
        return
    try:
        source = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"plugin {path}: {error.strerror}; give the path of a Python file") from error
    # a name of its own: a plugin called random.py must not hide the standard library's
    name = f"grokscope_plugin_{hashlib.sha256(key.encode()).hexdigest()[:8]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"plugin {path} is not a Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # as Python does for a script: the file may import its neighbours
    sys.modules[name] = module
    _LOADED[key] = Plugin(key, hashlib.sha256(source).hexdigest())
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del _LOADED[key], sys.modules[name]
        if not isinstance(error, Exception):
            raise
        raise ConfigError(f"plugin {path} cannot be imported: {type(error).__name__}: {error}") from error


def _load_entry_point(entry: EntryPoint) -> None:
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "no package"
    name = f"{entry.name} ({package})"
    try:
        entry.load()
    except Exception as error:
        raise ConfigError(f"plugin {name} cannot be imported: {type(error).__name__}: {error}") from error
    file = getattr(sys.modules.get(entry.module), "__file__", None)
    _LOADED[name] = Plugin(name, hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else "")
