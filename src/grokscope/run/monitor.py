"""A run as it grows, seen by a process that does not train it."""

from collections import deque
from dataclasses import dataclass

import pandas as pd

from grokscope.run.folder import Status
from grokscope.run.metrics import COLUMNS, MetricsReader
from grokscope.run.run import Run

PACE_SECONDS = 20.0
"""The steps a second are those of so many last seconds."""


@dataclass(frozen=True)
class Look:
    """How a run stands at one moment."""

    status: Status
    reason: str
    metrics: pd.DataFrame
    """All rows so far, as :attr:`Run.metrics` has them."""
    steps_per_second: float | None
    """None before there is anything to tell it from."""

    @property
    def step(self) -> int:
        """The last step that has a row, 0 before there is one."""
        return 0 if self.metrics.empty else int(self.metrics["step"].iloc[-1])


class RunMonitor:
    """A run, looked at again and again; a look reads only what is new, and neither writes nor disturbs a writer."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._metrics = MetricsReader(run.folder.metrics)
        self._pace = Pace()

    def look(self) -> Look:
        """Return how the run stands now.

        Raises:
            RunError: its record or its metrics are damaged, or gone.
        """
        folder = self.run.folder
        status, reason = folder.status()  # before the rows: after the end there come no more
        if status == "running" and not folder.metrics.exists():
            return Look(status, reason, pd.DataFrame(columns=COLUMNS), None)
        metrics = self._metrics.read()
        if not metrics.empty:
            self._pace.note(int(metrics["step"].iloc[-1]), folder.metrics.stat().st_mtime)
        return Look(status, reason, metrics, self._pace.per_second() or self._recorded_pace())

    def _recorded_pace(self) -> float | None:
        if not self.run.folder.record.exists():
            return None
        record = self.run.record
        return record["step"] / record["training_seconds"] if record["training_seconds"] else None


class Pace:
    """Steps a second, from the times at which steps were reached."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, step: int, at: float) -> None:
        """Take in that ``step`` was reached at second ``at``; what is known already, or goes back, counts anew."""
        if self._seen and step < self._seen[-1][1]:
            self._seen.clear()
        if not self._seen or step > self._seen[-1][1]:
            self._seen.append((at, step))
        while len(self._seen) > 2 and self._seen[1][0] <= at - PACE_SECONDS:
            self._seen.popleft()

    def per_second(self) -> float | None:
        """Return the steps a second lately; None before two steps were seen."""
        if len(self._seen) < 2:
            return None
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return (last - first) / (ended - began) if ended > began else None
