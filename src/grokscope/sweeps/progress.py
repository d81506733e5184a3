"""A live display of all runs of a sweep."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from grokscope.run.recording.progress import PLAIN_INTERVAL
from grokscope.sweeps.jobs import Result
from grokscope.sweeps.plan import PlannedRun
from grokscope.sweeps.run import Watcher

SHOWN = 8
"""So many runs in training have a line of their own."""


class Tally:
    """How far a sweep is: how many runs ended, how, and what share of all steps is done.

    A run that ended has done all its steps, however soon it stopped.
    """

    def __init__(self) -> None:
        self.steps_of: dict[str, int] = {}
        """How many steps each run may take."""
        self.outcomes: dict[str, str] = {}
        """How those runs ended that have."""
        self.at: dict[str, int] = {}
        """The step at which each run in training was evaluated last."""

    def begin(self, planned: Sequence[PlannedRun], ended: Sequence[Result]) -> None:
        """Take all runs, and how those ended that had ended before."""
        self.steps_of = {run.folder: run.experiment.stop.steps for run in planned}
        for result in ended:
            self._note(result)

    def step(self, folder: str, step: int) -> None:
        """Take where a run is."""
        self.at[folder] = step
        self.outcomes.pop(folder, None)  # it failed before, and is tried again

    def ended(self, result: Result) -> None:
        """Take how a run ended."""
        self._note(result)

    def _note(self, result: Result) -> None:
        self.at.pop(result.folder, None)
        self.outcomes[result.folder] = "failed" if result.row is None else str(result.row["outcome"])

    @property
    def done(self) -> float:
        """Return how much is done, in runs."""
        going_on = sum(step / max(1, self.steps_of[folder]) for folder, step in self.at.items())
        return float(len(self.outcomes) + going_on)

    def __str__(self) -> str:
        counts = Counter(self.outcomes.values()).most_common()
        words = [f"{len(self.outcomes):,} of {len(self.steps_of):,} runs", *(f"{n:,} {word}" for word, n in counts)]
        return " · ".join(words)


@contextmanager
def show_sweep(console: Console) -> Iterator[Watcher]:
    """Show how many runs ended and how, how long it will still take, and where those in training are.

    On a terminal (or in a notebook) these are live lines; elsewhere a plain line every few seconds. What fails is said
    at once.
    """
    if not console.is_terminal and not console.is_jupyter:
        yield _Plain(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, speed_estimate_period=600) as progress:
        yield _Live(progress)


class _Live(Tally):
    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress
        self._whole: TaskID | None = None
        self._lines: dict[str, TaskID] = {}

    def begin(self, planned: Sequence[PlannedRun], ended: Sequence[Result]) -> None:
        super().begin(planned, ended)
        self._whole = self._progress.add_task("all runs", total=len(planned), told=str(self))
        self._progress.reset(self._whole)
        self._progress.update(self._whole, completed=self.done)

    def step(self, folder: str, step: int) -> None:
        super().step(folder, step)
        if folder not in self._lines and len(self._lines) < SHOWN:
            self._lines[folder] = self._progress.add_task(folder, total=self.steps_of[folder], told="")
        if folder in self._lines:
            self._progress.update(self._lines[folder], completed=step, told=f"step {step:,}")
        self._tell()

    def ended(self, result: Result) -> None:
        super().ended(result)
        if result.folder in self._lines:
            self._progress.remove_task(self._lines.pop(result.folder))
        _say_failure(self._progress.console, result)
        self._tell()

    def _tell(self) -> None:
        if self._whole is not None:
            self._progress.update(self._whole, completed=self.done, told=str(self))


class _Plain(Tally):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._began = self._last = time.monotonic()
        self._before = 0.0

    def begin(self, planned: Sequence[PlannedRun], ended: Sequence[Result]) -> None:
        super().begin(planned, ended)
        self._began = self._last = time.monotonic()
        self._before = self.done

    def step(self, folder: str, step: int) -> None:
        super().step(folder, step)
        self._tell()

    def ended(self, result: Result) -> None:
        super().ended(result)
        _say_failure(self._console, result)
        self._tell(at_once=len(self.outcomes) == len(self.steps_of))

    def _tell(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and now - self._last < PLAIN_INTERVAL:
            return
        self._last = now
        speed, left = (self.done - self._before) / max(now - self._began, 1e-9), len(self.steps_of) - self.done
        remaining = f" · {left / speed / 60:.1f} min left" if speed > 0 and left > 0 else ""
        self._console.print(f"{self}{remaining}", markup=False, highlight=False, soft_wrap=True)


def _say_failure(console: Console, result: Result) -> None:
    if result.error is not None:
        console.print(f"{result.folder} failed: {result.error}", markup=False, highlight=False, soft_wrap=True)
