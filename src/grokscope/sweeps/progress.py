"""How far a sweep is, in steps of all its runs, and in words."""

from collections import Counter
from collections.abc import Sequence

from grokscope.progress import Progress
from grokscope.sweeps.jobs import Result
from grokscope.sweeps.plan import PlannedRun


class SweepProgress:
    """Reports the steps and the ends of runs to a :class:`grokscope.progress.Progress`.

    A run that ended has done all its steps, however soon it stopped; one that failed may be tried again.

    Args:
        progress: that is started.
        planned: all runs of the sweep.
        ended: results of those that had ended before.
        label: stands before the number of runs.
    """

    def __init__(
        self, progress: Progress, planned: Sequence[PlannedRun], ended: Sequence[Result], label: str = ""
    ) -> None:
        self._progress = progress
        self._steps = {run.folder: run.experiment.stop.steps for run in planned}
        self._done = dict.fromkeys(self._steps, 0)
        self._ends: dict[str, str] = {}
        self._failure = ""
        counted = f"{len(planned):,} run{'s' * (len(planned) != 1)}"
        progress.start(sum(self._steps.values()), f"{label}: {counted}" if label else counted)
        progress.advance(sum(map(self._note, ended)), str(self))

    def on_step(self, folder: str, step: int) -> None:
        """Note that the run in ``folder`` has been evaluated at ``step``."""
        self._ends.pop(folder, None)  # it failed before, and is tried again
        self._progress.advance(self._new_steps(folder, step), str(self))

    def on_result(self, result: Result) -> None:
        """Note how a run ended."""
        self._progress.advance(self._note(result), str(self))

    def _note(self, result: Result) -> int:
        """Note how a run ended, and return how many more steps count as done."""
        if result.outcome is not None:
            self._ends[result.folder] = str(result.outcome.outcome)
            return self._new_steps(result.folder, self._steps[result.folder])
        self._ends[result.folder] = "failed"
        self._failure = f"{result.folder} failed: {result.error}"
        return 0

    def _new_steps(self, folder: str, step: int) -> int:
        new = max(0, step - self._done[folder])
        self._done[folder] += new
        return new

    def __str__(self) -> str:
        counts = Counter(self._ends.values()).most_common()
        words = [f"{len(self._ends):,} of {len(self._steps):,} runs", *(f"{n:,} {end}" for end, n in counts)]
        return " · ".join([*words, *([self._failure] if self._failure else [])])
