"""``grokscope runs``: the runs in a folder."""

from pathlib import Path
from typing import Annotated

import typer

from grokscope.errors import RunError


def runs(
    folder: Annotated[Path, typer.Argument(help="The folder to search, at any depth.")] = Path("runs"),
) -> None:
    """List the runs in a folder.

    Examples:

    \b
      grokscope runs
      grokscope runs ~/experiments
    """
    if not folder.is_dir():
        raise RunError(f"there is no folder {folder}; train something first ('grokscope train fast'), or name another")

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from grokscope.cli.render.summary import run_cells
    from grokscope.run import run_folders

    found = run_folders(folder)
    if not found:
        raise RunError(f"there are no runs in {folder}; train something first: grokscope train fast")
    table = Table(box=None, pad_edge=False)
    for heading in ("run", "task", "seed", "status"):
        table.add_column(heading, overflow="fold")
    for heading in ("step", "train loss", "test loss", "test accuracy"):
        table.add_column(heading, justify="right")
    for each in found:
        table.add_row(*(Text(cell) for cell in run_cells(each.path)))
    Console().print(table)
