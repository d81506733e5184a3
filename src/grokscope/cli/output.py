"""What every command prints, and where a command may write."""

import os
from collections.abc import Collection
from pathlib import Path

from rich.console import Console

from grokscope.errors import ConfigError, RunError


def say(text: str) -> None:
    """Print a line as it stands: no markup, no colours, broken only where the terminal breaks it."""
    Console(soft_wrap=True).print(text, markup=False, highlight=False)


def destination(path: Path, suffixes: Collection[str] = (), option: str = "--out") -> Path:
    """Return ``path`` if a file can be written to it; called before any work is done for it.

    Args:
        path: the file.
        suffixes: the endings that its name may have; any if empty.
        option: the option that named it.

    Raises:
        ConfigError: the name has another ending.
        RunError: its folder does not exist, or cannot be written to.
    """
    if suffixes and path.suffix not in suffixes:
        raise ConfigError(f"{option} {path}: the name must end in {' or '.join(suffixes)}, got {path.suffix!r}")
    if not path.parent.is_dir():
        raise RunError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    if not os.access(path.parent, os.W_OK):
        raise RunError(f"cannot write {path}: the folder {path.parent} is not writable; choose another with {option}")
    return path
