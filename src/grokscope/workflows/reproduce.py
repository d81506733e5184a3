"""``gs.reproduce``: published numbers and ours, from names to a table and a page."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from grokscope.progress import SILENT, Progress
from grokscope.reports.reproduction.page import PAGE, write_reproduction_page
from grokscope.reproduction.plan import plan_of
from grokscope.reproduction.results import Reproduction
from grokscope.reproduction.run import reproduce_items
from grokscope.sweeps import SweepBackend, sweep_backend

FOLDER = Path("runs") / "reproduction"
"""Of a reproduction that is given none."""


def reproduce(
    items: Sequence[str] = (),
    *,
    seeds: int | None = None,
    quick: bool = False,
    out: str | PathLike[str] | None = None,
    resume: bool = False,
    backend: SweepBackend | None = None,
    progress: Progress = SILENT,
) -> Reproduction:
    """Train what published numbers are of, measure them, and say of each whether ours agrees.

    In a script this belongs below ``if __name__ == "__main__":``, as worker processes import the script.

    Args:
        items: names (``mainline/key_frequencies``), experiments (``mainline``) or patterns (``fraction-*``); all if
            empty.
        seeds: of each experiment; 5 if None, or 1 if ``quick``.
        quick: only what takes minutes.
        out: the folder; ``runs/reproduction`` if None.
        resume: go on in the folder, also with other items, more seeds or longer runs.
        backend: where to train (:func:`grokscope.sweeps.sweep_backend`); processes, or a GPU, if None.
        progress: shows how far it is.

    Raises:
        ConfigError: there is no such item, or it takes too long to be quick.
        RunError: the folder is taken, or a run failed.

    Example:
        >>> found = gs.reproduce(["skip-trigrams"], quick=True)
        >>> found.table[["item", "published", "measured", "verdict"]]
    """
    folder = FOLDER if out is None else Path(out)
    plan = plan_of(items, seeds=seeds, quick=quick)
    found = reproduce_items(plan, folder, backend or sweep_backend(), progress=progress, resume=resume)
    write_reproduction_page(found, folder, folder / PAGE, progress=progress)
    return found
