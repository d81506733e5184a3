"""A sweep from its plan to its table: what has ended is not repeated, what fails is tried again and listed."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import pandas as pd
from pydantic import ValidationError

from grokscope.config import dump_yaml, load_yaml
from grokscope.errors import RunError
from grokscope.run.experiment import explain_validation
from grokscope.sweeps.backend import Way
from grokscope.sweeps.jobs import OUTCOME, Result, jobs_of, kept_row
from grokscope.sweeps.outcomes import check_measures
from grokscope.sweeps.plan import PlannedRun, Sweep
from grokscope.sweeps.storage import Destination
from grokscope.sweeps.table import as_parquet, results_table

PLAN, TABLE, RUNS = "sweep.yaml", "results.parquet", "runs"
"""What is in a sweep's folder: what it consists of, what came of it, and a folder for each run."""
TRIES = 2
"""How often a run that fails is trained, the first time included."""


@runtime_checkable
class Watcher(Protocol):
    """Is told how a sweep goes on."""

    def begin(self, planned: Sequence[PlannedRun], ended: Sequence[Result]) -> None:
        """Take all runs, and how those ended that had ended before."""
        ...

    def step(self, folder: str, step: int) -> None:
        """Take the step at which the run in ``folder`` has been evaluated."""
        ...

    def ended(self, result: Result) -> None:
        """Take how a run ended; one that failed may be tried again."""
        ...


class _Nobody:
    """Is told, and does nothing."""

    def begin(self, planned: Sequence[PlannedRun], ended: Sequence[Result]) -> None:
        pass

    def step(self, folder: str, step: int) -> None:
        pass

    def ended(self, result: Result) -> None:
        pass


class SweepFolder:
    """What is kept of a sweep, and where.

    Args:
        destination: a folder of this machine, or an address that fsspec knows.
    """

    def __init__(self, destination: str | Path | Destination) -> None:
        self.place = destination if isinstance(destination, Destination) else Destination(str(destination))

    def ended(
        self, planned: Sequence[PlannedRun], measures: Sequence[str] = (), *, explained: bool = True
    ) -> list[Result]:
        """Return how those of the runs ended of which all is known that is asked for.

        Raises:
            RunError: the folder cannot be read.
        """
        names = {run.folder: f"{RUNS}/{run.folder}/{OUTCOME}" for run in planned}
        there = self.place.read_all(names.values())
        rows = {folder: kept_row(there.get(name), measures, explained=explained) for folder, name in names.items()}
        return [Result(folder, row) for folder, row in rows.items() if row is not None]

    def plan(self) -> Sweep:
        """Return what the sweep consists of.

        Raises:
            RunError: there is none here, or its file is damaged.
        """
        content = self.place.read(PLAN)
        if content is None:
            raise RunError(f"there is no sweep in {self.place}: no {PLAN}")
        try:
            return Sweep.model_validate(load_yaml(content, source=str(self.place / PLAN)))
        except ValidationError as error:
            raise RunError(f"{self.place / PLAN} is damaged: {explain_validation(error)}") from error

    def table(self) -> pd.DataFrame:
        """Return what came of the runs so far.

        Raises:
            RunError: there is no table here, or it is damaged.
        """
        content = self.place.read(TABLE)
        if content is None:
            raise RunError(f"there is no table of results in {self.place}: no {TABLE}")
        try:
            return pd.read_parquet(io.BytesIO(content))
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.place / TABLE} is damaged ({error}); 'grokscope sweep … --resume' writes it anew"
            ) from error

    def require_free(self, sweep: Sweep, *, resume: bool) -> None:
        """Raise unless ``sweep`` may begin here, or go on with ``resume``; writes nothing.

        Raises:
            RunError: another sweep is here, or something else.
        """
        if self.place.read(PLAN) is None:
            if not self.place.is_empty():
                raise RunError(f"{self.place} exists and is not an empty folder; use another --out")
            return
        if not resume:
            raise RunError(f"{self.place} already holds a sweep; use --resume to go on with it, or another --out")
        changed = self.plan().base.differences(sweep.base)
        changed = {name: values for name, values in changed.items() if name not in ("name", "description")}
        if changed:
            text = "; ".join(f"{name} is {there!r}, the sweep has {here!r}" for name, (here, there) in changed.items())
            raise RunError(f"{self.place} cannot be gone on with from another base: {text}; use another --out")

    def write_plan(self, sweep: Sweep) -> None:
        """Write what the sweep consists of."""
        tree = sweep.model_dump(mode="json")
        self.place.write(PLAN, dump_yaml(tree).encode())

    def write_table(self, table: pd.DataFrame) -> None:
        """Write what came of the runs."""
        self.place.write(TABLE, as_parquet(table))


def run_sweep(
    sweep: Sweep,
    folder: SweepFolder,
    way: Way,
    *,
    watcher: Watcher | None = None,
    measures: Sequence[str] = (),
    explained: bool = True,
    resume: bool = False,
) -> pd.DataFrame:
    """Train every run of ``sweep``, keep each in a folder of its own, and return one row a run.

    The table is written as runs end, so that it can be read meanwhile. Called again with ``resume``, also with more
    seeds or values, it trains what has not ended, and runs that failed.

    Args:
        sweep: what to train.
        folder: of the sweep; must not hold anything yet, unless ``resume``.
        way: where and how to train (:func:`grokscope.sweeps.way_of`).
        watcher: is told how it goes on; nobody if None.
        measures: of each run's last network, for the table (:func:`grokscope.sweeps.measures_of`).
        explained: whether to test each last network's explanation, for its ``verdict``.
        resume: go on with the sweep in ``folder``; begin it if there is none.

    Example:
        >>> sweep = Sweep(base=recipe("small").experiment, seeds=range(8), vary={"weight_decay": (0.3, 1, 3)})
        >>> table = run_sweep(sweep, SweepFolder("runs/decays"), way_of("processes"))

    Returns:
        :func:`grokscope.sweeps.table.results_table`; after Ctrl-C it lacks the runs that had not ended.

    Raises:
        RunError: the folder is taken by something else, or cannot be written.
        ConfigError: a setting, a value or a measure is not possible.
    """
    planned, watching = sweep.runs(), watcher or _Nobody()
    check_measures(sweep.base, measures)
    folder.require_free(sweep, resume=resume)
    folder.place.require_reachable()
    with folder.place.held():
        folder.write_plan(sweep)
        results = {each.folder: each for each in folder.ended(planned, measures, explained=explained)}
        watching.begin(planned, list(results.values()))

        def table() -> pd.DataFrame:
            return results_table(planned, list(results.values()), measures)

        folder.write_table(table())
        for attempt in range(TRIES):
            jobs = jobs_of(
                [run for run in planned if run.folder not in results or results[run.folder].error is not None],
                (folder.place / RUNS).absolute(),
                way.execution,
                # what failed together is tried again alone: one of them may have taken the others along
                together=1 if attempt else way.together,
                n_workers=way.n_workers,
                measures=measures,
                explained=explained,
            )
            for some in way.engine.carry_out(jobs, watching.step):
                for result in some:
                    if not result.is_interrupted:
                        results[result.folder] = result
                        watching.ended(result)
                folder.write_table(table())
            if not all(run.folder in results for job in jobs for run in job.runs):
                break  # somebody wants it to stop
        return table()
