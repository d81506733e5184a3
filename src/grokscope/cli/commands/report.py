"""``grokscope report``: one HTML file about a run, a sweep, or a network that somebody else trained."""

from pathlib import Path
from typing import Annotated

import typer

from grokscope.cli.options import Modulus, Operation, Settings, StepOption, assignments, run_folders
from grokscope.cli.output import say
from grokscope.errors import ConfigError


def report(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|SWEEP|FILE",
            help="The folder of a run or of a sweep, or a file with weights.",
            autocompletion=run_folders,
        ),
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
    stated = assignments(set_ or [])

    from grokscope.progress import displayed
    from grokscope.recipe import published_of
    from grokscope.reports import write_report
    from grokscope.reports.foreign.page import report_file
    from grokscope.reports.sweep.write import write_page
    from grokscope.run import Run
    from grokscope.sweeps import SweepFolder
    from grokscope.sweeps.folder import PLAN

    if run.is_file():
        if step is not None:
            raise ConfigError(f"--step {step}: {run} is a file with one network, which has no step; leave it off")
        with displayed() as progress:
            path = report_file(run, out, p=p, operation=operation, progress=progress, **stated)
        say(f"Report: {path}")
        return
    for name, value in {"p": p, "operation": operation, **stated}.items():
        if value is not None:
            raise ConfigError(f"{name} is recorded in {run}; it can be stated for a file only")
    if (run / PLAN).is_file():
        if step is not None:
            raise ConfigError(f"--step {step}: {run} is a sweep, whose page has no step; leave it off")
        folder = SweepFolder(run)
        path = write_page(folder, folder.outcomes(), out)
        say(f"Report: {path}")
        return
    opened = Run(run)
    with displayed() as progress:
        path = write_report(opened, out, step=step, published=published_of(opened.experiment), progress=progress)
    say(f"Report: {path}")
