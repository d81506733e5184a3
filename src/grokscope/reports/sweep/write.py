"""The page of a sweep, beside its table."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from grokscope.config import dump_yaml
from grokscope.run.atomic import write_atomically
from grokscope.sweeps.plan import Sweep
from grokscope.sweeps.run import RUNS, SweepFolder
from grokscope.tasks import ModularConfig

if TYPE_CHECKING:
    from grokscope.reports.sweep.pictures import SweepFacts

PAGE = "sweep.html"
"""The page, in the sweep's folder."""


def write_page(folder: SweepFolder, sweep: Sweep, table: pd.DataFrame, path: Path | None = None) -> str:
    """Write the page of a sweep, and return where it is.

    Args:
        folder: of the sweep.
        sweep: what it consists of.
        table: a row a run.
        path: the file to write; ``sweep.html`` in the folder if None.

    Raises:
        ConfigError: no run has ended.
        RunError: the file cannot be written.
    """
    from grokscope.reports.sweep.page import read_sweep, render_sweep  # only now: drawing is heavy to import

    facts = sweep_facts(sweep, runs=RUNS if path is None else _from(path.parent, folder))
    content = render_sweep(read_sweep(table, facts)).encode()
    if path is None:
        folder.place.write(PAGE, content)
        return str(folder.place / PAGE)
    write_atomically(path, content)
    return str(path)


def sweep_facts(sweep: Sweep, *, runs: str = RUNS) -> "SweepFacts":
    """Return what pages and pictures say of a sweep.

    Args:
        sweep: what it consists of.
        runs: the folder of the runs' folders, from where the page is.
    """
    from grokscope.reports.sweep.pictures import SweepFacts

    chosen, drawn, task = sweep.chosen_settings(), sweep.drawn_settings(), sweep.base.task
    one_modulus = isinstance(task, ModularConfig) and not {"task.p", "task.kind"} & {*chosen, *drawn}
    return SweepFacts(
        name=sweep.base.name,
        chosen=chosen,
        drawn=drawn,
        n_seeds=len(sweep.seeds),
        n_planned=len(sweep.runs()),
        n_frequencies=task.p // 2 if one_modulus and isinstance(task, ModularConfig) else None,
        plan=dump_yaml(sweep.model_dump(mode="json")),
        runs=runs,
    )


def _from(start: Path, folder: SweepFolder) -> str:
    runs = folder.place / RUNS
    return Path(os.path.relpath(runs.path, start)).as_posix() if runs.is_here else str(runs)
