"""The commands that look: ``experiments``, ``runs``, ``show`` and ``report``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grokscope.cli.commands.explain import Modulus, Operation, Settings
from grokscope.cli.options import assignments
from grokscope.cli.progress import frame_bar
from grokscope.cli.render.summary import print_summary
from grokscope.errors import ConfigError, GrokscopeError, RunError
from grokscope.progress import displayed
from grokscope.recipe import published_of, recipe, recipe_names
from grokscope.reports.sweep.write import write_page
from grokscope.run import Run, find_runs
from grokscope.sweeps import SweepFolder
from grokscope.sweeps.folder import PLAN


def experiments(
    name: Annotated[str | None, typer.Argument(help="Show this one whole: settings and published numbers.")] = None,
) -> None:
    """List the named experiments, or show one.

    Examples:

    \b
      grokscope experiments
      grokscope experiments mainline
    """
    console = Console(soft_wrap=True)
    if name is not None:
        chosen = recipe(name)
        console.print(chosen.experiment.to_yaml(), end="", markup=False, highlight=False)
        for key, value in chosen.published.items():
            console.print(f"# published {key}: {value}", markup=False, highlight=False)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "data", "on two cores", "what it is"):
        table.add_column(heading, no_wrap=heading == "name")
    for each in recipe_names():
        chosen = recipe(each)
        table.add_row(each, chosen.experiment.task.data.kind, chosen.duration, chosen.experiment.description)
    Console().print(table)


def runs(
    folder: Annotated[Path, typer.Argument(help="Where to look, at any depth.")] = Path("runs"),
) -> None:
    """List the runs in a folder.

    Examples:

    \b
      grokscope runs
      grokscope runs ~/experiments
    """
    if not folder.is_dir():
        raise RunError(f"there is no folder {folder}; train something first ('grokscope train fast'), or name another")
    found = find_runs(folder)
    if not found:
        raise RunError(f"there are no runs in {folder}; train something first: grokscope train fast")
    table = Table(box=None, pad_edge=False)
    for heading in ("run", "task", "seed", "status"):
        table.add_column(heading, overflow="fold")
    for heading in ("step", "train loss", "test loss", "test accuracy"):
        table.add_column(heading, justify="right")
    for each in found:
        table.add_row(*(Text(cell) for cell in _row(each.path)))
    Console().print(table)


def _row(path: Path) -> list[str]:
    try:
        run = Run(path)
        seeds = run.experiment.seeds
        same = len(set(seeds.model_dump().values())) == 1
        cells = [
            str(path),
            run.task_name,
            str(seeds.init) if same else f"{seeds.init}/{seeds.split}",
            run.status,
        ]
        metrics = run.metrics
        if metrics.empty:
            return [*cells, "–", "–", "–", "–"]
        last = metrics.iloc[-1]
        return [
            *cells,
            f"{int(last.step):,}",
            f"{last.train_loss:.2e}",
            f"{last.test_loss:.2e}",
            f"{last.test_accuracy:.2%}",
        ]
    except GrokscopeError as error:
        return [str(path), "", "", f"damaged: {error}", "", "", "", ""]


RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, for example runs/mainline.")]
StepOption = Annotated[int | None, typer.Option(help="Look at the network at this checkpoint [the last].")]


def show(run: RunArgument, step: StepOption = None) -> None:
    """Show what a run is, how it went, and which frequencies its network uses.

    Examples:

    \b
      grokscope show runs/mainline
      grokscope show runs/mainline --step 9400
    """
    print_summary(Run(run), Console(), step=step)


def report(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN|SWEEP|FILE", help="The folder of a run or of a sweep, or a file with weights."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Where to write it [report.html in the folder, sweep.html, FILE.html]."
        ),
    ] = None,
    step: StepOption = None,
    p: Modulus = None,
    operation: Operation = None,
    set_: Settings = None,
) -> None:
    """Write the report of a run, of a sweep, or of a network that somebody else trained: one HTML file.

    Examples:

    \b
      grokscope report runs/mainline
      grokscope report runs/mainline --step 9400 -o before.html
      grokscope report runs/sweep-small        the runs that have ended so far
      grokscope report model.pth -o theirs.html --set attention_coefficient=0
    """
    from grokscope.reports import write_report  # only now: drawing is heavy to import
    from grokscope.reports.foreign.page import report_file

    stated = assignments(set_ or [])
    if run.is_file():
        if step is not None:
            raise ConfigError(f"--step {step}: {run} is a file with one network, which has no step; leave it off")
        with displayed() as progress:
            path = report_file(run, out, p=p, operation=operation, progress=progress, **stated)
        Console(soft_wrap=True).print(f"Report: {path}", markup=False, highlight=False)
        return
    for name, value in {"p": p, "operation": operation, **stated}.items():
        if value is not None:
            raise ConfigError(f"{name} is recorded in {run}; it can be stated for a file only")
    if (run / PLAN).is_file():
        if step is not None:
            raise ConfigError(f"--step {step}: {run} is a sweep, whose page has no step; leave it off")
        folder = SweepFolder(run)
        path = write_page(folder, folder.outcomes(), out)
        Console(soft_wrap=True).print(f"Report: {path}", markup=False, highlight=False)
        return
    opened = Run(run)
    with frame_bar("looking at checkpoints", Console(stderr=True)) as (begin, advance):
        published = published_of(opened.experiment)
        path = write_report(opened, out, step=step, published=published, begin=begin, advance=advance)
    Console(soft_wrap=True).print(f"Report: {path}", markup=False, highlight=False)
