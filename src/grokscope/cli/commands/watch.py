"""``grokscope watch``: a run that another process trains, as it goes."""

import math
import shlex
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from grokscope.cli.commands.look import RunArgument
from grokscope.cli.render.live import picture, plain_line
from grokscope.errors import RunError
from grokscope.run import Run
from grokscope.run.folder import RunFolder
from grokscope.run.monitor import RunMonitor
from grokscope.run.recording.progress import PLAIN_INTERVAL

LOOK_INTERVAL = 1.0
"""Seconds between two looks at the run."""

EXIT_CODES = {"running": 130, "finished": 0, "interrupted": 130, "diverged": 1, "failed": 2}
"""As ``grokscope train`` ends; a watcher that leaves a running run was itself stopped by Ctrl-C."""


def watch(
    run: RunArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the run to begin, if there is none yet.")] = False,
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
    console = Console()
    try:
        following = RunMonitor(_opened(run, wait, console))
        show = _draw if console.is_terminal and not console.is_dumb_terminal else _print_lines
        status = show(following, console)
    except KeyboardInterrupt:  # before there was anything to see
        return EXIT_CODES["running"]
    if status == "interrupted":
        again = ["grokscope", "train", str(run / "experiment.yaml"), "--out", str(run), "--resume"]
        _print(console, f"Go on with:\n  {shlex.join(again)}")
    return EXIT_CODES[status]


def _opened(path: Path, wait: bool, console: Console) -> Run:
    """Return the run; with ``wait``, once there is one."""
    folder = RunFolder(path)
    if not wait or folder.exists():
        try:
            return Run(path)
        except RunError as error:
            raise RunError(f"{error}; if it is about to begin, --wait waits for it") from error
    _print(console, f"Waiting for a run to begin in {path}")
    while not folder.exists() and (folder.is_free() or not path.exists()):
        time.sleep(LOOK_INTERVAL)
    return Run(path)


def _draw(following: RunMonitor, console: Console) -> str:
    """Show the run in the whole terminal, then leave its last picture there; returns its last status."""
    look = following.look()
    if look.status == "running":
        with suppress(KeyboardInterrupt), Live(console=console, screen=True, auto_refresh=False) as live:
            while look.status == "running":
                live.update(picture(following.run, look, console.size), refresh=True)
                time.sleep(LOOK_INTERVAL)
                look = following.look()
    console.print(picture(following.run, look, console.size))
    return look.status


def _print_lines(following: RunMonitor, console: Console) -> str:
    """Print a line now and then, and one about the end; returns the last status."""
    look, told = following.look(), -math.inf
    with suppress(KeyboardInterrupt):
        while look.status == "running":
            if time.monotonic() - told >= PLAIN_INTERVAL and not look.metrics.empty:
                told = time.monotonic()
                _print(console, plain_line(following.run, look))
            time.sleep(LOOK_INTERVAL)
            look = following.look()
        if not look.metrics.empty:
            _print(console, plain_line(following.run, look))
        _print(console, f"{following.run.path}: {look.status} ({look.reason})")
    return look.status


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
