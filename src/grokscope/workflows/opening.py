"""What every verb takes: a run by its name or path, or opened already."""

import os
from pathlib import Path
from typing import Any, TypeGuard

from grokscope.errors import ConfigError, RunError
from grokscope.run import Run
from grokscope.run.folder import RunFolder

RUNS = Path("runs")
"""Where runs are kept that were given no folder."""


def open_run(run: str | os.PathLike[str] | Run) -> Run:
    """Return the run.

    Args:
        run: the folder of a run, or the name of one in the folder ``runs``; an opened run is returned as it is.

    Raises:
        RunError: there is no such run, or it is damaged.
    """
    if isinstance(run, Run):
        return run
    path = Path(run)
    by_name = RUNS / path
    if not RunFolder(path).exists() and RunFolder(by_name).exists():
        return Run(by_name)
    return Run(path)


def is_file_of_weights(subject: str | os.PathLike[str] | Run) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether ``subject`` is one file of somebody else's weights, not a run's folder."""
    return not isinstance(subject, Run) and Path(subject).is_file()


def require_folder(path: str | os.PathLike[str]) -> Path:
    """Return ``path`` if it is a folder.

    Raises:
        RunError: it is not.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise RunError(f"there is no folder {folder}; train something first (gs.train('fast')), or name another")
    return folder


def refuse_settings(subject: object, settings: dict[str, Any]) -> None:
    """Raise if something is stated of a run that only a file of weights needs.

    Raises:
        ConfigError: something is.
    """
    given = [name for name, value in settings.items() if value is not None]
    if given:
        raise ConfigError(f"{given[0]} is for a file of weights; {subject} is a run, which records its own settings")
