"""``gs.runs`` and ``gs.recipes``: the runs in a folder, and the experiments that have a name."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from grokscope.display import list_table
from grokscope.errors import GrokscopeError
from grokscope.recipe import Recipe, recipe, recipe_names
from grokscope.run import Run, run_folders
from grokscope.workflows.opening import RUNS, require_folder


class Runs(list[Run]):
    """The runs in a folder, by path; a notebook shows them as a table."""

    damaged: dict[Path, str]
    """Folders whose run cannot be opened, and why."""

    @property
    def table(self) -> pd.DataFrame:
        """One row a run: path, task, seed, status, last step, losses (nats) and accuracies."""
        return pd.DataFrame([_row(run) for run in self])

    def _repr_html_(self) -> str:
        table = self.table
        return list_table([str(name) for name in table.columns], table.to_numpy().tolist())


def _row(run: Run) -> dict[str, object]:
    last = run.metrics.iloc[-1:].to_dict("records")
    seeds = run.experiment.seeds
    return {"path": str(run.path), "task": run.task_name, "seed": seeds.init, "status": run.status, **dict(*last)}


def runs(folder: str | os.PathLike[str] = RUNS) -> Runs:
    """Return the runs in a folder, at any depth.

    Args:
        folder: where to look.

    Raises:
        RunError: there is no such folder.

    Example:
        >>> gs.runs("runs").table
    """
    found = Runs()
    found.damaged = {}
    for each in run_folders(require_folder(folder)):
        try:
            found.append(Run(each.path))
        except GrokscopeError as error:
            found.damaged[each.path] = str(error)
    return found


class Recipes(Mapping[str, Recipe]):
    """The recipes by name; a notebook shows them as a table."""

    def __getitem__(self, name: str) -> Recipe:
        if name not in recipe_names():
            raise KeyError(name)
        return recipe(name)

    def __iter__(self) -> Iterator[str]:
        return iter(recipe_names())

    def __len__(self) -> int:
        return len(recipe_names())

    @property
    def table(self) -> pd.DataFrame:
        """One row a recipe: name, kind of data, duration on two CPU cores, description."""
        rows = [
            (name, each.experiment.task.data.kind, each.duration, each.experiment.description)
            for name, each in self.items()
        ]
        return pd.DataFrame(rows, columns=["name", "data", "on two cores", "description"])

    def __repr__(self) -> str:
        return f"Recipes({', '.join(self)})"

    def _repr_html_(self) -> str:
        table = self.table
        return list_table([str(name) for name in table.columns], table.to_numpy().tolist())


def recipes() -> Recipes:
    """Return the recipes: experiments that have a name, with what was published of them.

    Example:
        >>> gs.recipes()["mainline"].published
    """
    return Recipes()
