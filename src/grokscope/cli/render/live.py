"""What ``grokscope watch`` shows of a run at one moment, as a picture or as a line."""

import math
import time
from contextlib import suppress
from pathlib import Path

from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from grokscope.analysis import find_phases
from grokscope.cli.render.chart import loss_chart
from grokscope.cli.render.summary import duration
from grokscope.errors import RunError
from grokscope.progress import PLAIN_INTERVAL
from grokscope.run import Run
from grokscope.run.folder import RunFolder
from grokscope.run.metrics import COLUMNS, Row
from grokscope.run.monitor import Look, RunMonitor

STYLES = {"running": "cyan", "finished": "green", "interrupted": "yellow", "diverged": "red", "failed": "red"}
OTHER_LINES = 11
"""Of the terminal: what stands above and below the curves, and the shell's prompt after the end."""


LOOK_INTERVAL = 1.0
"""Seconds between two looks at the run."""

EXIT_CODES = {"running": 130, "finished": 0, "interrupted": 130, "diverged": 1, "failed": 2}
"""As ``grokscope train`` ends; a watcher that leaves a running run was itself stopped by Ctrl-C."""


def picture(run: Run, look: Look, size: ConsoleDimensions) -> Group:
    """Return everything about the run that fits into a terminal of that size."""
    bar = Table.grid(expand=True, padding=(0, 2, 0, 0))
    bar.add_column(ratio=1)
    bar.add_column(no_wrap=True)
    bar.add_row(ProgressBar(total=run.experiment.stop.steps, completed=look.step), Text(_pace(run, look)))
    lines = [
        Text.assemble((str(run.path), "bold"), f" · {run.task_name}", no_wrap=True, overflow="ellipsis"),
        bar,
        Text("no metrics yet" if look.metrics.empty else _last(look).summary(), no_wrap=True, overflow="ellipsis"),
        Text(_phases(run, look) or "no phase is over yet", style="dim", no_wrap=True, overflow="ellipsis"),
    ]
    if not look.metrics.empty:
        height = min(max(size.height - OTHER_LINES, 3), 16)
        lines += [Text(), loss_chart(look.metrics, max(size.width, 30), height)]
    end = "Ctrl-C leaves; the run goes on" if look.status == "running" else look.reason
    return Group(*lines, Text.assemble((look.status, STYLES[look.status]), f" · {end}"))


def plain_line(run: Run, look: Look) -> str:
    """Return the last row in one line, with what has happened so far."""
    parts = [f"{run.path}: step {_pace(run, look)}", _last(look).summary(), _phases(run, look)]
    return " · ".join(part for part in parts if part)


def _last(look: Look) -> Row:
    row = look.metrics.iloc[-1]
    return Row(look.step, *(row[name] for name in COLUMNS[1:]))


def _pace(run: Run, look: Look) -> str:
    total = run.experiment.stop.steps
    text = f"{look.step:,}/{total:,}"
    if not look.steps_per_second:
        return text
    text += f" · {look.steps_per_second:.1f} steps/s"
    left = (total - look.step) / look.steps_per_second
    return f"{text} · {duration(left)} left" if look.status == "running" and left > 0 else text


def _phases(run: Run, look: Look) -> str:
    reached = {} if look.metrics.empty else find_phases(look.metrics, run.task.chance_loss).reached()
    if look.status == "running":  # that the loss has come down for good is known at the end
        reached.pop("cleaned up", None)
    return ", ".join(f"{name} {step:,}" for name, step in reached.items())


def opened(path: Path, wait: bool, console: Console) -> Run:
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


def draw(following: RunMonitor, console: Console) -> str:
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


def print_lines(following: RunMonitor, console: Console) -> str:
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
