"""From a name to what many runs reached."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.progress import SILENT, Progress
from grokscope.recipe import names_a_file
from grokscope.reports.sweep.write import write_page
from grokscope.run import Experiment
from grokscope.sweeps import Sweep, SweepBackend, SweepFolder, SweepOutcomes, run_sweep, sweep_backend
from grokscope.sweeps.files import sweep_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from grokscope.figures import Target


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult(SweepOutcomes):
    """A sweep, what its runs reached, and where they are kept."""

    folder: SweepFolder = None  # pyright: ignore[reportAssignmentType]  # fields of the base have defaults

    def report(self, path: str | PathLike[str] | None = None) -> str:
        """Write the sweep's page, and return its path.

        Args:
            path: the file; ``sweep.html`` in the sweep's folder if None.

        Raises:
            ConfigError: no run has ended.
            RunError: the file cannot be written.
        """
        return write_page(self.folder, self, path)

    def figure(self, name: str, *, ax: "Target" = None) -> "Figure":
        """Return a picture of the sweep: ``survival``, ``phase-diagram``, ``settings`` or ``frequencies``.

        Args:
            name: of the picture.
            ax: where to draw it; in a new figure if None.

        Raises:
            ConfigError: there is no such picture, or nothing to draw.
        """
        from grokscope.figures import draw_sweep_figure  # only now: drawing is heavy to import

        return draw_sweep_figure(name, self, ax=ax)


def sweep(
    base: str | PathLike[str] | Experiment | Sweep,
    *,
    seeds: Iterable[int] | None = None,
    vary: Mapping[str, Sequence[Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    out: str | PathLike[str] | None = None,
    measures: Sequence[str] = (),
    explained: bool = True,
    resume: bool = False,
    backend: SweepBackend | None = None,
    progress: Progress = SILENT,
    **fields: Any,
) -> SweepResult:
    """Train many runs, keep each, and return what they reached.

    In a script this belongs below ``if __name__ == "__main__":``, as worker processes import the script.

    Args:
        base: a recipe's name, the YAML file of a sweep or an experiment, or one of these as an object.
        seeds: each is used for weights, split and data.
        vary: values by the name of a setting; every combination is trained.
        settings: of all runs, by name.
        out: the sweep's folder or address; ``runs/sweep-NAME`` if None.
        measures: of each last network, for the table.
        explained: whether to test each last network's explanation, for the ``verdict``.
        resume: resume the sweep in the folder, also with more seeds or values.
        backend: where to train (:func:`grokscope.sweeps.sweep_backend`); processes, or a GPU, if None.
        progress: shows how far the sweep is.
        **fields: others of :class:`grokscope.sweeps.Sweep`: ``cases``, ``sample``, ``n_samples``, ``sample_seed``.

    Raises:
        ConfigError: a name, a setting or a value is not possible.
        RunError: the folder is taken, or cannot be written.

    Example:
        >>> found = gs.sweep("small", seeds=range(64), vary={"weight_decay": [0.3, 1, 3]})
        >>> found.table.groupby("optimizer.weight_decay")["grokked"].median()
        >>> found.time_to_grok.pairs
        >>> found.report()
    """
    if isinstance(base, Sweep):
        plan, name = base, base.base.name
    else:
        given = {"seeds": None if seeds is None else tuple(seeds), "vary": vary, **fields}
        chosen = {key: value for key, value in given.items() if value is not None}
        plan, name = plan_sweep(base, changes=settings, **chosen)
    folder = SweepFolder(out if out is not None else default_folder(name))
    found = run_sweep(
        plan,
        folder,
        backend or sweep_backend(),
        progress=progress,
        measures=measures,
        explained=explained,
        resume=resume,
    )
    return _result(found, folder)


def open_sweep(folder: str | PathLike[str]) -> SweepResult:
    """Return the sweep in a folder, with what its runs have reached so far.

    Raises:
        RunError: there is no sweep, or a file of it is damaged.
    """
    there = SweepFolder(folder)
    return _result(there.outcomes(), there)


def plan_sweep(base: str | PathLike[str] | Experiment, **fields: Any) -> tuple[Sweep, str]:
    """Return a sweep and its name, from a recipe's name, a file or an experiment (:func:`sweep_of`)."""
    if isinstance(base, Experiment):
        return sweep_of(base, **fields), base.name
    text = str(base)
    if names_a_file(text):
        return sweep_of(Path(text), **fields), Path(text).stem
    return sweep_of(text, **fields), text


def default_folder(name: str) -> Path:
    """Return the folder of a sweep that is given none."""
    return Path("runs") / f"sweep-{name}"


def _result(found: SweepOutcomes, folder: SweepFolder) -> SweepResult:
    return SweepResult(**{each.name: getattr(found, each.name) for each in fields(SweepOutcomes)}, folder=folder)
