"""What one worker does at a time: train a run, or several as one ensemble, and read what each reached."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.analysis.many_runs.table import from_json, to_json
from grokscope.errors import DivergenceError, GrokscopeError
from grokscope.run import Execution, Run, record_ensemble, record_run
from grokscope.run.atomic import write_atomically
from grokscope.run.folder import RunFolder
from grokscope.sweeps.batching import batches_of
from grokscope.sweeps.outcomes import planned_outcome
from grokscope.sweeps.plan import PlannedRun
from grokscope.sweeps.storage import LocalStorage, RemoteStorage, Storage

OUTCOME = "outcome.json"
"""Where a run's outcome is kept, in its folder. A run with one needs no more work."""
OnStep = Callable[[str, int], None]
"""Called with a run's folder and a step at which it has been evaluated."""


@dataclass(frozen=True)
class Job:
    """Runs that one worker trains together. A job is plain data, so that it can be sent to another machine."""

    runs: tuple[PlannedRun, ...]
    storage: Storage
    """Of the runs' folders."""
    execution: Execution
    measures: tuple[str, ...] = ()
    """Measures of each last network that the outcomes have."""
    explained: bool = True
    """Whether the outcomes have a verdict."""


@dataclass(frozen=True)
class Result:
    """How a run's job ended: with an outcome, with an error, or, if it was interrupted, with neither."""

    folder: str
    """Name of the run's folder."""
    outcome: RunOutcome | None = None
    """None if the run has not ended."""
    error: str | None = None
    """Why it failed; None if it did not."""

    @property
    def is_interrupted(self) -> bool:
        """Return whether the run neither ended nor failed, so that it can be resumed."""
        return self.outcome is None and self.error is None


def jobs_of(
    runs: Sequence[PlannedRun],
    storage: Storage,
    execution: Execution,
    *,
    ensemble_size: int | None = 1,
    n_workers: int = 1,
    measures: Sequence[str] = (),
    explained: bool = True,
) -> list[Job]:
    """Return the jobs in which ``runs`` are trained, each of runs that fit into one ensemble.

    Args:
        runs: to be trained.
        storage: of their folders.
        execution: of each worker.
        ensemble_size: maximum number of runs in a job; None: as many as speed it up.
        n_workers: number of jobs that are carried out at a time.
        measures: that the outcomes have.
        explained: whether the outcomes have a verdict.
    """
    return [
        Job(tuple(batch), storage, execution, tuple(measures), explained)
        for batch in batches_of(runs, execution, ensemble_size, n_workers)
    ]


def carry_out(job: Job, on_step: OnStep = lambda folder, step: None) -> list[Result]:
    """Train the job's runs, resume those that have begun, and keep each one's outcome in its folder.

    What a user's input, a disk or a run's own weights can cause is in the results, and is not raised.
    """
    with _threads(job.execution.threads):
        if isinstance(job.storage, LocalStorage):
            return _carry_out_in(job, job.storage.path, on_step)
        return _carry_out_in_scratch(job, job.storage, on_step)


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Analyse networks with as many threads as they are trained with: workers would get into each other's way."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _carry_out_in_scratch(job: Job, storage: RemoteStorage, on_step: OnStep) -> list[Result]:
    """Carry out the job in a temporary folder of this machine, and copy the runs to their storage."""
    with tempfile.TemporaryDirectory(prefix="grokscope-") as scratch:
        try:
            for run in job.runs:
                storage.fetch(run.folder, Path(scratch, run.folder))
        except GrokscopeError as error:
            return [Result(run.folder, error=str(error)) for run in job.runs]
        return [_copied(storage, Path(scratch), each) for each in _carry_out_in(job, Path(scratch), on_step)]


def _copied(storage: RemoteStorage, scratch: Path, result: Result) -> Result:
    try:
        storage.keep(scratch / result.folder, result.folder)
    except GrokscopeError as error:
        return Result(result.folder, error=result.error or str(error))
    return result


def _carry_out_in(job: Job, parent: Path, on_step: OnStep) -> list[Result]:
    left = [run for run in job.runs if not has_ended(parent, run)]
    for run in left:
        (parent / run.folder / OUTCOME).unlink(missing_ok=True)  # of a run that goes on it is no longer true
    train = _train_together if len(left) > 1 else _train_alone
    failures = train(left, parent, job.execution, on_step)
    return [
        Result(run.folder, error=failures[run.folder]) if run.folder in failures else _result(job, parent, run)
        for run in job.runs
    ]


def kept_outcome(content: bytes | None, measures: Sequence[str] = (), *, explained: bool = True) -> RunOutcome | None:
    """Return the outcome in the file :data:`OUTCOME`.

    Args:
        content: of the file; None if it does not exist.
        measures: that it must have.
        explained: whether it must have been made with a verdict.

    Returns:
        None if something is missing, the file is damaged or another version wrote it: it is made again, without
        training.
    """
    try:
        kept = json.loads(content or b"")
        outcome, was_explained = from_json(kept["outcome"]), kept["explained"]
    except (ValueError, KeyError, TypeError):
        return None
    return outcome if outcome.measures.keys() >= set(measures) and (was_explained or not explained) else None


def has_ended(parent: Path, planned: PlannedRun) -> bool:
    """Return whether a run has nothing left to do: it diverged, or was finished by its rules or at enough steps."""
    folder = RunFolder(parent / planned.folder)
    if not folder.exists() or not folder.record.exists():
        return False
    run = Run(folder.path)
    if run.status != "finished":
        return run.status == "diverged"
    stop, wanted = run.experiment.stop, planned.experiment.stop
    if stop.model_copy(update={"steps": wanted.steps}) != wanted:
        return False
    return stop.steps >= wanted.steps or int(run.metrics["step"].iloc[-1]) < stop.steps


def _train_alone(left: Sequence[PlannedRun], parent: Path, execution: Execution, on_step: OnStep) -> dict[str, str]:
    failures = {}
    for run in left:
        try:
            record_run(
                run.experiment,
                parent / run.folder,
                execution=execution,
                resume=True,
                on_row=lambda row, folder=run.folder: on_step(folder, row.step),
            )
        except DivergenceError:
            continue  # an outcome, and no failure
        except (GrokscopeError, OSError, RuntimeError) as error:
            failures[run.folder] = f"{type(error).__name__}: {error}"
    return failures


def _train_together(left: Sequence[PlannedRun], parent: Path, execution: Execution, on_step: OnStep) -> dict[str, str]:
    """Train the runs as one ensemble, or as two of half the size, and so on, if a GPU has not the memory for it."""
    is_too_large = False
    try:
        record_ensemble(
            [run.experiment for run in left],
            [parent / run.folder for run in left],
            execution=execution,
            resume=True,
            on_row=lambda number, row: on_step(left[number].folder, row.step),
        )
    except torch.OutOfMemoryError:
        is_too_large = True  # only noted: what was allocated is given back when the error is gone
    except (GrokscopeError, OSError, RuntimeError) as error:
        return {run.folder: f"{type(error).__name__}: {error}" for run in left if not has_ended(parent, run)}
    if not is_too_large:
        return {}
    failures: dict[str, str] = {}
    for half in (left[: len(left) // 2], left[len(left) // 2 :]):
        failures |= (_train_together if len(half) > 1 else _train_alone)(half, parent, execution, on_step)
        if any(run.folder not in failures and not has_ended(parent, run) for run in half):
            break  # it was asked to stop
    return failures


def _result(job: Job, parent: Path, planned: PlannedRun) -> Result:
    folder = parent / planned.folder
    if not has_ended(parent, planned):
        return Result(planned.folder)
    content = (folder / OUTCOME).read_bytes() if (folder / OUTCOME).exists() else None
    outcome = kept_outcome(content, job.measures, explained=job.explained)
    if outcome is None:
        try:
            outcome = planned_outcome(Run(folder), planned, measures=job.measures, explained=job.explained)
            kept = {"explained": job.explained, "outcome": to_json(outcome)}
            write_atomically(folder / OUTCOME, json.dumps(kept, indent=1).encode())
        except (GrokscopeError, OSError, RuntimeError) as error:
            return Result(planned.folder, error=f"{type(error).__name__}: {error}")
    return Result(planned.folder, outcome)
