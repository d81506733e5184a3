"""A live display of a run in training."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from grokscope.run.metrics import Row

PLAIN_INTERVAL = 15.0
"""Seconds between two lines where the output is not a terminal."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("– steps/s" if not speed else f"{speed:.1f} steps/s", style="progress.data.speed")


def describe(row: Row) -> str:
    """Return a row's losses and accuracies in a few words."""
    text = f"train {row.train_loss:.2e} ({row.train_accuracy:.1%})"
    return text if math.isnan(row.test_loss) else f"{text} · test {row.test_loss:.2e} ({row.test_accuracy:.1%})"


@contextmanager
def show_progress(name: str, total: int, console: Console) -> Iterator[Callable[[Row], None]]:
    """Show step, losses, accuracies, steps a second and time left; yields the function that takes each row.

    On a terminal (or in a notebook) this is one live line; elsewhere a plain line every few seconds.
    """
    if not console.is_terminal and not console.is_jupyter:
        yield _plain_lines(name, total, console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TextColumn("[dim]{task.fields[row]}"),
        _Rate(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, speed_estimate_period=20, expand=True) as progress:
        bar = progress.add_task(name, total=total, row="")
        first = True

        def show(row: Row) -> None:
            nonlocal first
            if first:  # a resumed run starts in the middle: its rate counts from there
                progress.reset(bar, total=total, completed=row.step, row=describe(row))
                first = False
            progress.update(bar, completed=row.step, row=describe(row))

        yield show


def _plain_lines(name: str, total: int, console: Console) -> Callable[[Row], None]:
    began, last, first_step = time.monotonic(), -math.inf, -1

    def show(row: Row) -> None:
        nonlocal last, first_step
        now = time.monotonic()
        if first_step < 0:
            first_step = row.step
        if now - last < PLAIN_INTERVAL and row.step < total:
            return
        last = now
        rate = (row.step - first_step) / (now - began)
        left = f", {(total - row.step) / rate / 60:.1f} min left" if rate > 0 and row.step < total else ""
        console.print(
            f"{name}: step {row.step:,}/{total:,} · {describe(row)} · {rate:.1f} steps/s{left}",
            highlight=False,
            soft_wrap=True,
        )

    return show
