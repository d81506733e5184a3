"""``grokscope watch``: a run that another process trains, as it goes."""

import shlex
from typing import Annotated

import typer

from grokscope.cli.options import RunArgument
from grokscope.cli.output import say


def watch(
    run: RunArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the run to begin, if it has not yet.")] = False,
) -> int:
    """Follow a run while another process trains it: progress, losses, phases, curves.

    Ends with the run, with the exit code that 'grokscope train' has: 0 finished, 1 diverged, 2 failed, 130
    interrupted. Ctrl-C leaves; the run goes on. Where the output is not a terminal, prints a line every 15 seconds.

    Examples:

    \b
      grokscope watch runs/mainline
      grokscope watch runs/mainline --wait     before the other terminal has begun to train
      grokscope watch runs/mainline > log      plain lines
    """
    from rich.console import Console

    from grokscope.cli.render.live import EXIT_CODES, draw, opened, print_lines
    from grokscope.run.monitor import RunMonitor

    console = Console()
    try:
        following = RunMonitor(opened(run, wait, console))
        show = draw if console.is_terminal and not console.is_dumb_terminal else print_lines
        status = show(following, console)
    except KeyboardInterrupt:  # before there was anything to see
        return EXIT_CODES["running"]
    if status == "interrupted":
        again = ["grokscope", "train", str(run / "experiment.yaml"), "--out", str(run), "--resume"]
        say(f"Resume it with:\n  {shlex.join(again)}")
    return EXIT_CODES[status]
