"""``grokscope measure``: every measure of every checkpoint."""

from pathlib import Path
from typing import Annotated

import typer

from grokscope.cli.options import Every, Frequencies, RunArgument, ThreadsOption, frequencies_in, set_threads
from grokscope.cli.output import destination, say


def measure(
    run: RunArgument,
    every: Every = None,
    frequencies: Frequencies = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The table to write [RUN/measures.csv].")
    ] = None,
    threads: ThreadsOption = None,
) -> None:
    """Measure every checkpoint of a run: what forms inside the network while it learns.

    Modulo p: excluded and restricted loss, Gini coefficients, weight norms, margins and more, and the phases that they
    show. On sequences: head scores, accuracy of each digit by the carry that it needs, what the weights say of each
    trigger. Writes a row for each step, measure and index, as CSV; 'grokscope changes' then finds where each changes.

    Examples:

    \b
      grokscope measure runs/mainline
      grokscope measure runs/repeated-subsequences
      grokscope measure runs/mainline --every 500 --frequencies 14,35,41,42,52 -o measures.csv
    """
    chosen = frequencies_in(frequencies)
    if out is not None:
        destination(out)

    from rich.console import Console

    from grokscope.analysis.trajectories.measure_run import measure_run
    from grokscope.cli.render.explanation import print_measures
    from grokscope.progress import displayed
    from grokscope.run import Run
    from grokscope.run.atomic import write_atomically

    set_threads(threads)
    opened = Run(run)
    with displayed() as progress:
        table = measure_run(opened, frequencies=chosen, every=every, progress=progress)
    path = out or opened.folder.measures
    write_atomically(path, table.to_csv(index=False).encode())
    print_measures(table, opened, Console())
    say(f"Measures: {path}")
