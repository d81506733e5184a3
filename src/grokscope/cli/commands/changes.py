"""``grokscope changes``: where curves have their phase change, in one run or over several."""

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console

from grokscope.analysis.curves.change_points import ChangePoint
from grokscope.analysis.trajectories.run_change_points import DELAY, change_spread, change_table, changes_of_run
from grokscope.cli.render.tables import frame_table
from grokscope.errors import RunError
from grokscope.run import Run
from grokscope.run.atomic import write_atomically


def changes(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Folders of runs; several are seeds of one.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the table as CSV.")] = None,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw infinite runs above finite ones (.png, .svg or .pdf).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Find where each curve of a run has its phase change, and how long grokking took.

    Every loss, loss of a part, accuracy, and (after 'grokscope measure') score: the step at which it changes with a
    95 % interval, how many steps half of the change takes, and how high it is. The grokking delay is the change of
    the test loss less that of the training loss. Of several runs, it prints medians and ranges.

    Examples:

    \b
      grokscope changes runs/five-digit-addition
      grokscope changes runs/skip-trigrams-seed* -o changes.csv
      grokscope changes runs/skip-trigrams runs/skip-trigrams-finite --figure phase-changes.png
    """
    opened = [Run(path) for path in runs]
    found = [changes_of_run(run) for run in opened]
    tables = [change_table(points, run.task.subtasks) for points, run in zip(found, opened, strict=True)]
    table = tables[0] if len(tables) == 1 else change_spread(tables)
    if figure is not None:
        _draw(opened, found, figure)
    if out is not None:
        if not out.parent.is_dir():
            raise RunError(f"cannot write {out}: there is no folder {out.parent}; make it first")
        kept = [each.assign(run=str(run.path)) for each, run in zip(tables, opened, strict=True)]
        write_atomically(out, pd.concat(kept).to_csv(index=False).encode())
    if as_json:
        typer.echo(json.dumps(json.loads(table.to_json(orient="records") or "[]"), indent=2))
        return
    console = Console()
    if table.empty:
        console.print("No curve of this run changes.")
        return
    console.print(frame_table(_in_words(table)))
    if out is not None:
        Console(soft_wrap=True).print(f"Written: {out}", markup=False, highlight=False)


def _draw(runs: list[Run], changes: list[dict[str, ChangePoint]], path: Path) -> None:
    from grokscope.figures import TrainedRun, infinite_against_finite, save_figure  # only now: heavy to import

    drawn = [
        TrainedRun(
            task=run.experiment.task.kind.replace("modular", "modular addition").replace("-", " "),
            is_infinite=run.experiment.task.data.kind == "infinite",
            metrics=run.metrics,
            chance_loss=run.task.chance_loss,
            changes=points,
        )
        for run, points in zip(runs, changes, strict=True)
    ]
    save_figure(infinite_against_finite(drawn), path)


def _in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as it is printed: whole steps, and an interval in one column."""
    shown = pd.DataFrame({"curve": table["curve"]})
    if "median" in table:
        shown["runs"] = table["runs"]
        shown["at step"] = [f"{step:,.0f}" for step in table["median"]]
        shown["lowest to highest"] = _ranges(table, "lowest", "highest")
        shown["abrupt in"] = ["" if delay else str(n) for n, delay in zip(table["abrupt"], _delays(table), strict=True)]
        return shown
    shown["at step"] = [f"{step:,.0f}" for step in table["location"]]
    shown["95 % interval"] = _ranges(table, "low", "high")
    shown["half of it in"] = ["" if width != width else f"{width:,.0f}" for width in table["width"]]
    shown["height"] = ["" if height != height else f"{height:.3g}" for height in table["height"]]
    answers = ["yes" if abrupt is True else "no" for abrupt in table["abrupt"]]
    shown["abrupt"] = ["" if delay else answer for answer, delay in zip(answers, _delays(table), strict=True)]
    return shown


def _ranges(table: pd.DataFrame, low: str, high: str) -> list[str]:
    return ["" if a != a else f"{a:,.0f}–{b:,.0f}" for a, b in table[[low, high]].to_numpy().tolist()]


def _delays(table: pd.DataFrame) -> list[bool]:
    return [name.startswith(DELAY) for name in table["curve"]]
