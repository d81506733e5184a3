"""The page of a sweep, beside its table."""

import os
from os import PathLike
from pathlib import Path

from grokscope.run.atomic import write_atomically
from grokscope.sweeps import SweepFolder, SweepOutcomes
from grokscope.sweeps.folder import RUNS

PAGE = "sweep.html"
"""The page, in the sweep's folder."""


def write_page(folder: SweepFolder, sweep: SweepOutcomes, path: str | PathLike[str] | None = None) -> str:
    """Write the page of a sweep, and return its path or address.

    Args:
        folder: of the sweep.
        sweep: with the outcomes of its runs.
        path: the file to write; ``sweep.html`` in the folder if None.

    Raises:
        ConfigError: no run has ended.
        RunError: the file cannot be written.
    """
    from grokscope.reports.sweep.page import read_sweep, render_sweep  # only now: drawing is heavy to import

    runs = RUNS if path is None else _from(Path(path).parent, folder)
    content = render_sweep(read_sweep(sweep, runs)).encode()
    if path is None:
        folder.storage.write(PAGE, content)
        return str(folder.storage / PAGE)
    write_atomically(Path(path), content)
    return os.fspath(path)


def _from(start: Path, folder: SweepFolder) -> str:
    local = folder.local_path()
    return str(folder.storage / RUNS) if local is None else Path(os.path.relpath(local / RUNS, start)).as_posix()
