"""``grokscope changes``: where curves have their phase change, in one run or over several."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grokscope.cli.options import JsonOption
from grokscope.cli.output import destination, say

if TYPE_CHECKING:
    from grokscope.curves.change_points import ChangePoint
    from grokscope.run import Run


def changes(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Folders of runs; several are seeds of one.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the table as CSV.")] = None,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw infinite runs above finite ones (.png, .svg or .pdf).")
    ] = None,
    as_json: JsonOption = False,
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
    if out is not None:
        destination(out)
    if figure is not None:
        destination(figure, (".png", ".svg", ".pdf"), "--figure")

    import pandas as pd
    from rich.console import Console

    from grokscope.analysis.trajectories.run_change_points import change_spread, change_table, changes_of_run
    from grokscope.cli.render.changes import shown_changes
    from grokscope.cli.render.tables import frame_table
    from grokscope.run import Run
    from grokscope.run.atomic import write_atomically

    opened = [Run(path) for path in runs]
    found = [changes_of_run(run) for run in opened]
    tables = [change_table(points, run.task.subtasks) for points, run in zip(found, opened, strict=True)]
    table = tables[0] if len(tables) == 1 else change_spread(tables)
    if figure is not None:
        _draw(opened, found, figure)
    if out is not None:
        kept = [each.assign(run=str(run.path)) for each, run in zip(tables, opened, strict=True)]
        write_atomically(out, pd.concat(kept).to_csv(index=False).encode())
    if as_json:
        typer.echo(json.dumps(json.loads(table.to_json(orient="records") or "[]"), indent=2))
        return
    console = Console()
    if table.empty:
        console.print("No curve of this run changes.")
        return
    console.print(frame_table(shown_changes(table)))
    if out is not None:
        say(f"Written: {out}")


def _draw(runs: "list[Run]", changes: "list[dict[str, ChangePoint]]", path: Path) -> None:
    from grokscope.figures import TrainedRun, infinite_against_finite, save_figure

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
