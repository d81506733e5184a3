"""What one worker does at a time: train a run, or several as one ensemble, and say what came of each."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from grokscope.errors import DivergenceError, GrokscopeError
from grokscope.run import Execution, Run, ensemble_key, record_ensemble, record_run
from grokscope.run.atomic import write_atomically
from grokscope.run.folder import RunFolder
from grokscope.sweeps.batching import together_of
from grokscope.sweeps.outcomes import Row, outcome_row
from grokscope.sweeps.plan import PlannedRun
from grokscope.sweeps.storage import Destination

OUTCOME = "outcome.json"
"""Where a run's row is kept, in its folder: it says that nothing is left to do."""
Tell = Callable[[str, int], None]
"""Takes a run's folder and the step at which it has been evaluated."""


@dataclass(frozen=True)
class Job:
    """Runs that one worker trains, all together; it holds nothing that another process or machine could not read."""

    runs: tuple[PlannedRun, ...]
    place: Destination
    """Of their folders."""
    execution: Execution
    measures: tuple[str, ...] = ()
    explained: bool = True


@dataclass(frozen=True)
class Result:
    """How a run's job ended."""

    folder: str
    row: Row | None = None
    """What came of the run; None if it has not ended."""
    error: str | None = None
    """Why it failed; None if it did not."""

    @property
    def is_interrupted(self) -> bool:
        """Return whether the run has not ended, nor failed: it can be gone on with."""
        return self.row is None and self.error is None


def jobs_of(
    runs: Sequence[PlannedRun],
    place: Destination,
    execution: Execution,
    *,
    together: int | None = 1,
    n_workers: int = 1,
    measures: Sequence[str] = (),
    explained: bool = True,
) -> list[Job]:
    """Return jobs of runs that fit into one ensemble.

    Args:
        runs: what is to be done.
        place: of their folders.
        execution: of each worker.
        together: how many runs a job has at most; None: as many as pay.
        n_workers: how many jobs are carried out at a time.
        measures: for the rows.
        explained: whether rows have a verdict.
    """
    return [
        Job(tuple(batch), place, execution, tuple(measures), explained)
        for batch in batches_of(runs, execution, together, n_workers)
    ]


def batches_of(
    runs: Sequence[PlannedRun], execution: Execution, together: int | None, n_workers: int
) -> list[Sequence[PlannedRun]]:
    """Return ``runs`` as :func:`jobs_of` packs them."""
    if together == 1:
        return [[run] for run in runs]
    kinds: dict[str, list[PlannedRun]] = {}
    for run in runs:
        kinds.setdefault(ensemble_key(run.experiment), []).append(run)
    batches: list[Sequence[PlannedRun]] = []
    for each in kinds.values():
        size = together or together_of(each, execution, n_workers)
        batches += [each[first : first + size] for first in range(0, len(each), size)]
    return batches


def carry_out(job: Job, tell: Tell = lambda folder, step: None) -> list[Result]:
    """Train the job's runs, go on with those that have begun, and keep each one's row beside it.

    What a user's input, a disk or a run's own weights can cause is said in the results, and is not raised.
    """
    with _threads(job.execution.threads):
        return _carried_out(job, job.place.path, tell) if job.place.is_here else _carried_out_elsewhere(job, tell)


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Look at networks with as many threads as they are trained with: workers would get into each other's way."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _carried_out_elsewhere(job: Job, tell: Tell) -> list[Result]:
    """Carry out the job in a folder of this machine, and copy the runs to where they are kept."""
    with tempfile.TemporaryDirectory(prefix="grokscope-") as scratch:
        try:
            for run in job.runs:
                job.place.fetch(run.folder, Path(scratch, run.folder))
        except GrokscopeError as error:
            return [Result(run.folder, error=str(error)) for run in job.runs]
        return [_kept_elsewhere(job, Path(scratch), each) for each in _carried_out(job, Path(scratch), tell)]


def _kept_elsewhere(job: Job, scratch: Path, result: Result) -> Result:
    try:
        job.place.keep(scratch / result.folder, result.folder)
    except GrokscopeError as error:
        return Result(result.folder, error=result.error or str(error))
    return result


def _carried_out(job: Job, place: Path, tell: Tell) -> list[Result]:
    left = [run for run in job.runs if not _has_ended(place / run.folder)]
    train = _trained_together if len(left) > 1 else _trained_alone
    failures = train(left, place, job.execution, tell)
    return [
        Result(run.folder, error=failures[run.folder]) if run.folder in failures else _looked_at(job, place, run)
        for run in job.runs
    ]


def kept_row(content: bytes | None, measures: Sequence[str] = (), *, explained: bool = True) -> Row | None:
    """Return the row in an :data:`OUTCOME`; None if there is none, or it lacks one of ``measures`` or a verdict."""
    try:
        kept = json.loads(content or b"")
        row, was_explained = kept["row"], kept["explained"]
    except (ValueError, KeyError, TypeError):  # not there, or damaged: it is made again
        return None
    return row if row.keys() >= set(measures) and (was_explained or not explained) else None


def _has_ended(folder: Path) -> bool:
    if not RunFolder(folder).exists() or not RunFolder(folder).record.exists():
        return False
    return Run(folder).status in ("finished", "diverged")


def _trained_alone(left: Sequence[PlannedRun], place: Path, execution: Execution, tell: Tell) -> dict[str, str]:
    failures = {}
    for run in left:
        try:
            record_run(
                run.experiment,
                place / run.folder,
                execution=execution,
                resume=True,
                on_row=lambda row, folder=run.folder: tell(folder, row.step),
            )
        except DivergenceError:
            continue  # is what came of it, and no failure
        except (GrokscopeError, OSError, RuntimeError) as error:
            failures[run.folder] = f"{type(error).__name__}: {error}"
    return failures


def _trained_together(left: Sequence[PlannedRun], place: Path, execution: Execution, tell: Tell) -> dict[str, str]:
    """Train the runs as one ensemble, or as two of half the size, and so on, if a GPU has not the memory for it."""
    is_too_large = False
    try:
        record_ensemble(
            [run.experiment for run in left],
            [place / run.folder for run in left],
            execution=execution,
            resume=True,
            on_row=lambda number, row: tell(left[number].folder, row.step),
        )
    except torch.OutOfMemoryError:
        is_too_large = True  # only noted: what was allocated is given back when the error is gone
    except (GrokscopeError, OSError, RuntimeError) as error:
        return {run.folder: f"{type(error).__name__}: {error}" for run in left if not _has_ended(place / run.folder)}
    if not is_too_large:
        return {}
    failures: dict[str, str] = {}
    for half in (left[: len(left) // 2], left[len(left) // 2 :]):
        failures |= (_trained_together if len(half) > 1 else _trained_alone)(half, place, execution, tell)
        if any(run.folder not in failures and not _has_ended(place / run.folder) for run in half):
            break  # somebody wants it to stop
    return failures


def _looked_at(job: Job, place: Path, planned: PlannedRun) -> Result:
    folder = place / planned.folder
    if not _has_ended(folder):
        return Result(planned.folder)
    content = (folder / OUTCOME).read_bytes() if (folder / OUTCOME).exists() else None
    row = kept_row(content, job.measures, explained=job.explained)
    if row is None:
        try:
            row = outcome_row(Run(folder), planned, measures=job.measures, explained=job.explained)
            kept = {"explained": job.explained, "row": row}
            write_atomically(folder / OUTCOME, json.dumps(kept, indent=1).encode())
        except (GrokscopeError, OSError, RuntimeError) as error:
            return Result(planned.folder, error=f"{type(error).__name__}: {error}")
    return Result(planned.folder, row)
