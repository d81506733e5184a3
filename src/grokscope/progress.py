"""How long work reports its progress: one protocol, silent by default, and two displays of it.

On a terminal, or in a notebook, progress is one live line; elsewhere a plain line every few seconds.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # Rich is imported only once something is displayed
    from rich.console import Console

PLAIN_INTERVAL = 15.0
"""Seconds between two lines where the output is not a terminal."""


@runtime_checkable
class Progress(Protocol):
    """What long-running functions call; a caller passes an object with these four methods."""

    def start(self, total: int | None, label: str) -> None:
        """Begin a piece of work of ``total`` units, or of unknown length; ends the piece before it."""

    def advance(self, amount: int = 1, detail: str = "") -> None:
        """Say that ``amount`` more units are done; ``detail`` is shown beside them."""

    def message(self, text: str) -> None:
        """Say what is being done now."""

    def done(self) -> None:
        """End the display."""


class Silent:
    """Shows nothing: the default of every function of the library."""

    def start(self, total: int | None, label: str) -> None:
        """Show nothing."""

    def advance(self, amount: int = 1, detail: str = "") -> None:
        """Show nothing."""

    def message(self, text: str) -> None:
        """Show nothing."""

    def done(self) -> None:
        """Show nothing."""


SILENT: Progress = Silent()


class LiveProgress:
    """One live line on a terminal: label, bar, units done, detail, rate and time left."""

    def __init__(self, console: "Console") -> None:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self._bars = Bars(
            SpinnerColumn(finished_text=""),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[amount]}"),
            TextColumn("{task.fields[detail]}", style="dim", markup=False),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=console,
            speed_estimate_period=20,
            expand=True,
        )
        self._task = None
        self._count = _Count()

    def start(self, total: int | None, label: str) -> None:
        """Begin a new line."""
        self._bars.start()
        self._count = _Count(total)
        self._task = self._bars.add_task(label, total=total, amount="", detail="", rate="")

    def advance(self, amount: int = 1, detail: str = "") -> None:
        """Move the bar."""
        if self._task is None:
            self.start(None, "")
        assert self._task is not None
        count, task = self._count, self._task
        if count.add(amount):  # resumed work starts in the middle: its rate counts from there
            self._bars.reset(task, total=count.total, completed=count.completed)
        self._bars.update(task, completed=count.completed, amount=str(count), detail=detail, rate=count.rate())

    def message(self, text: str) -> None:
        """Show what is being done, as the label of the line."""
        if self._task is None or self._count.total is not None:
            self.start(None, text)
        elif self._task is not None:
            self._bars.update(self._task, description=text)

    def done(self) -> None:
        """Stop the display; the last line stays where its work was counted, and goes otherwise."""
        for task in list(self._bars.tasks):
            if task.total is None:
                self._bars.remove_task(task.id)
        self._bars.stop()
        self._task = None


class PlainProgress:
    """A plain line every :data:`PLAIN_INTERVAL` seconds, for logs."""

    def __init__(self, console: "Console") -> None:
        self._console = console
        self._label, self._count = "", _Count()
        self._last = time.monotonic()

    def start(self, total: int | None, label: str) -> None:
        """Begin a piece of work."""
        self._label, self._count = label, _Count(total)
        self._last = time.monotonic() if total is None else -math.inf

    def advance(self, amount: int = 1, detail: str = "") -> None:
        """Print a line if the last one is old, or the work is complete."""
        count = self._count
        count.add(amount)
        now = time.monotonic()
        if now - self._last < PLAIN_INTERVAL and not count.is_complete:
            return
        self._last = now
        shown = " · ".join(part for part in (str(count), detail, count.rate()) if part)
        self._print(f"{self._label}: {shown}{count.time_left()}")

    def message(self, text: str) -> None:
        """Print what is being done if the last line is old."""
        if time.monotonic() - self._last >= PLAIN_INTERVAL:
            self._last = time.monotonic()
            self._print(text)

    def done(self) -> None:
        """Print nothing more."""

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class _Count:
    """Units done of a total, and how fast; the first number is where the work started, not part of its rate."""

    def __init__(self, total: int | None = None) -> None:
        self.total, self.completed = total, 0
        self._began, self._first = time.monotonic(), -1

    def add(self, amount: int) -> bool:
        """Count ``amount`` more; return whether they were the first."""
        self.completed += amount
        is_first = self._first < 0
        if is_first:
            self._began, self._first = time.monotonic(), self.completed
        return is_first

    @property
    def is_complete(self) -> bool:
        return self.total is not None and self.completed >= self.total

    def _speed(self) -> float:
        seconds = time.monotonic() - self._began
        return (self.completed - self._first) / seconds if seconds > 0 and self._first >= 0 else 0.0

    def rate(self) -> str:
        speed = self._speed()
        return f"{speed:.1f}/s" if speed >= 1 else ""

    def time_left(self) -> str:
        speed = self._speed()
        if self.total is None or self.is_complete or speed <= 0:
            return ""
        return f", {(self.total - self.completed) / speed / 60:.1f} min left"

    def __str__(self) -> str:
        return f"{self.completed:,}" if self.total is None else f"{self.completed:,}/{self.total:,}"


@contextmanager
def displayed(console: "Console | None" = None) -> Iterator[Progress]:
    """Show progress on ``console`` (standard error if None) while the block runs.

    Example:
        >>> with displayed() as progress:
        ...     progress.start(3, "measuring")
        ...     for step in (0, 100, 200):
        ...         progress.advance(detail=f"step {step}")
    """
    if console is None:
        from rich.console import Console

        console = Console(stderr=True)
    is_live = console.is_terminal or console.is_jupyter
    progress: Progress = LiveProgress(console) if is_live else PlainProgress(console)
    try:
        yield progress
    finally:
        progress.done()
