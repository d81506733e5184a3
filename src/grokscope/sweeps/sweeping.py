"""A sweep from its plan to its table: what has ended is not repeated, what fails is tried again and listed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pandas as pd
import yaml
from pydantic import ValidationError

from grokscope.errors import RunError
from grokscope.runs import Execution
from grokscope.runs.experiment import explain_validation
from grokscope.runs.files import write_atomically
from grokscope.sweeps.engines import Engine
from grokscope.sweeps.jobs import Job, Result, jobs_of, kept_row
from grokscope.sweeps.outcomes import check_measures
from grokscope.sweeps.plan import PlannedRun, Sweep
from grokscope.sweeps.table import results_table, write_table

PLAN, TABLE, RUNS = "sweep.yaml", "results.parquet", "runs"
"""What is in a sweep's folder: what it consists of, what came of it, and a folder for each run."""
TRIES = 2
"""How often a run that fails is trained, the first time included."""


class Watcher(Protocol):
    """Is told how a sweep goes on."""

    def begin(self, n_runs: int, ended: Sequence[Result]) -> None:
        """Take how many runs there are, and those that had ended before."""
        ...

    def step(self, folder: str, step: int) -> None:
        """Take the step at which the run in ``folder`` has been evaluated."""
        ...

    def ended(self, result: Result) -> None:
        """Take how a run ended; one that failed may be tried again."""
        ...


def run_sweep(
    sweep: Sweep,
    folder: Path,
    engine: Engine,
    *,
    execution: Execution,
    watcher: Watcher,
    together: int = 1,
    measures: Sequence[str] = (),
    explained: bool = True,
    resume: bool = False,
) -> pd.DataFrame:
    """Train every run of ``sweep`` below ``folder``, and return one row a run.

    The table is written as runs end, so that it can be read meanwhile. Called again with ``resume``, also with more
    seeds or values, it trains what has not ended, and runs that failed.

    Args:
        sweep: what to train.
        folder: of the sweep; must not hold anything yet, unless ``resume``.
        engine: where.
        execution: device and threads of each worker.
        watcher: is told how it goes on.
        together: how many runs may be trained as one ensemble.
        measures: of each run's last network, for the table (:func:`grokscope.sweeps.measures_of`).
        explained: whether to test each last network's explanation, for its ``verdict``.
        resume: go on with the sweep in ``folder``; begin it if there is none.

    Returns:
        :func:`grokscope.sweeps.table.results_table`; after Ctrl-C it lacks the runs that had not ended.

    Raises:
        RunError: the folder is taken by something else, or cannot be written.
        ConfigError: a setting, a value or a measure is not possible.
    """
    planned = sweep.runs()
    check_measures(sweep.base, measures)
    _open(sweep, folder, resume=resume)
    place = folder / RUNS
    kept = {run.folder: kept_row(place / run.folder, measures, explained=explained) for run in planned}
    results = {name: Result(name, row) for name, row in kept.items() if row is not None}
    watcher.begin(len(planned), list(results.values()))
    for attempt in range(TRIES):
        left = [run for run in planned if run.folder not in results or results[run.folder].error is not None]
        # what failed together is tried again alone: one of them may have taken the others along
        jobs = jobs_of(
            left, place, execution, together=1 if attempt else together, measures=measures, explained=explained
        )
        if not jobs or not _carried_out(jobs, engine, watcher, results, planned, measures, folder):
            break
    return results_table(planned, list(results.values()), measures)


def _carried_out(
    jobs: Sequence[Job],
    engine: Engine,
    watcher: Watcher,
    results: dict[str, Result],
    planned: Sequence[PlannedRun],
    measures: Sequence[str],
    folder: Path,
) -> bool:
    """Keep the results of all jobs, and return whether none was interrupted."""
    whole = True
    for some in engine.carry_out(jobs, watcher.step):
        for result in some:
            interrupted = result.row is None and result.error is None
            whole = whole and not interrupted
            if not interrupted:
                results[result.folder] = result
                watcher.ended(result)
        write_table(results_table(planned, list(results.values()), measures), folder / TABLE)
    return whole


def _open(sweep: Sweep, folder: Path, *, resume: bool) -> None:
    plan = folder / PLAN
    if plan.exists():
        if not resume:
            raise RunError(f"{folder} already holds a sweep; use --resume to go on with it, or another --out")
        changed = read_plan(folder).base.differences(sweep.base)
        changed = {name: values for name, values in changed.items() if name not in ("name", "description")}
        if changed:
            text = "; ".join(f"{name} is {there!r}, the sweep has {here!r}" for name, (here, there) in changed.items())
            raise RunError(f"{folder} cannot be gone on with from another base: {text}; use another --out")
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} exists and is not an empty folder; use another --out")
    try:
        (folder / RUNS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make {folder}: {error.strerror}; use another --out") from error
    tree = sweep.model_dump(mode="json")
    write_atomically(plan, yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode())


def read_plan(folder: Path) -> Sweep:
    """Return what the sweep in ``folder`` consists of.

    Raises:
        RunError: there is none, or its file is damaged.
    """
    path = folder / PLAN
    try:
        return Sweep.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise RunError(f"there is no sweep in {folder}: no {PLAN}") from error
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
    except ValidationError as error:
        raise RunError(f"{path} is damaged: {explain_validation(error)}") from error
