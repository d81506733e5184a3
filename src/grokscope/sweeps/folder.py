"""What is kept of a sweep: its plan, its table, and a folder for each run."""

import io
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from grokscope.analysis.many_runs.outcomes import COLUMNS
from grokscope.analysis.many_runs.table import outcomes_in, to_parquet
from grokscope.config import dump_yaml, load_yaml
from grokscope.errors import RunError
from grokscope.run.experiment import explain_validation
from grokscope.run.overrides import brought_up_to_date
from grokscope.sweeps.jobs import OUTCOME, Result, kept_outcome
from grokscope.sweeps.plan import RENAMED, PlannedRun, Sweep
from grokscope.sweeps.results import SweepOutcomes, sweep_outcomes
from grokscope.sweeps.storage import Storage, storage_at

PLAN, TABLE, RUNS = "sweep.yaml", "results.parquet", "runs"
"""What is in a sweep's folder: what it consists of, what its runs reached, and a folder for each run."""


class SweepFolder:
    """A sweep's folder, or the address that stands for one.

    Args:
        address: a folder of this machine, or an address that fsspec knows.
    """

    def __init__(self, address: str | PathLike[str]) -> None:
        self.storage: Storage = storage_at(address)

    def ended(
        self, planned: Sequence[PlannedRun], measures: Sequence[str] = (), *, explained: bool = True
    ) -> list[Result]:
        """Return the results of those runs of which everything is known that is asked for.

        Args:
            planned: runs of the sweep.
            measures: that their outcomes must have.
            explained: whether their outcomes must have been made with a verdict.

        Raises:
            RunError: the folder cannot be read.
        """
        names = {run.folder: f"{RUNS}/{run.folder}/{OUTCOME}" for run in planned}
        contents = self.storage.read_all(names.values())
        found = {
            folder: kept_outcome(contents.get(name), measures, explained=explained) for folder, name in names.items()
        }
        return [Result(folder, outcome) for folder, outcome in found.items() if outcome is not None]

    def plan(self) -> Sweep:
        """Return what the sweep consists of.

        Raises:
            RunError: there is no sweep, or its file is damaged.
        """
        content = self.storage.read(PLAN)
        if content is None:
            raise RunError(f"there is no sweep in {self.storage}: no {PLAN}")
        path = str(self.storage / PLAN)
        tree = load_yaml(content, source=path)
        try:
            if isinstance(tree, dict):
                tree = {RENAMED.get(name, name): value for name, value in tree.items()}
                tree["base"] = brought_up_to_date(tree["base"]) if isinstance(tree.get("base"), dict) else None
            return Sweep.model_validate(tree)
        except ValidationError as error:
            raise RunError(f"{path} is damaged: {explain_validation(error)}") from error

    def outcomes(self) -> SweepOutcomes:
        """Return what the runs of the sweep reached so far.

        Raises:
            RunError: there is no sweep or no table, or a file is damaged.
        """
        plan, table = self.plan(), self.table()
        settings = list(dict.fromkeys(name for run in plan.runs() for name in run.settings))
        measures = [str(name) for name in table.columns if name not in COLUMNS and name not in settings]
        return sweep_outcomes(plan, outcomes_in(table, settings), measures)

    def table(self) -> pd.DataFrame:
        """Return the table of the runs that have ended so far.

        Raises:
            RunError: there is no table, or it is damaged.
        """
        content = self.storage.read(TABLE)
        if content is None:
            raise RunError(f"there is no table of results in {self.storage}: no {TABLE}")
        try:
            return pd.read_parquet(io.BytesIO(content))
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.storage / TABLE} is damaged ({error}); 'grokscope sweep … --resume' writes it anew"
            ) from error

    def require_free(self, sweep: Sweep, *, resume: bool) -> None:
        """Raise unless ``sweep`` may begin in this folder, or be resumed with ``resume``; writes nothing.

        Raises:
            RunError: another sweep is in it, or something else.
        """
        if self.storage.read(PLAN) is None:
            if not self.storage.is_empty():
                raise RunError(f"{self.storage} exists and is not an empty folder; use another --out")
            return
        if not resume:
            raise RunError(f"{self.storage} already holds a sweep; use --resume to go on with it, or another --out")
        changed = self.plan().base.differences(sweep.base)
        changed = {name: values for name, values in changed.items() if name not in ("name", "description")}
        if changed:
            text = "; ".join(f"{name} is {new!r}, the sweep has {old!r}" for name, (old, new) in changed.items())
            raise RunError(f"{self.storage} cannot be resumed from another base: {text}; use another --out")

    def write_plan(self, sweep: Sweep) -> None:
        """Write what the sweep consists of."""
        self.storage.write(PLAN, dump_yaml(sweep.model_dump(mode="json")).encode())

    def write_table(self, table: pd.DataFrame) -> None:
        """Write the table of the runs that have ended."""
        self.storage.write(TABLE, to_parquet(table))

    def local_path(self) -> Path | None:
        """Return the folder of this machine; None of an address."""
        return getattr(self.storage, "path", None)
