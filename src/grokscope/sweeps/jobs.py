"""What one worker does at a time: train a run, or several as one ensemble, and say what came of each."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grokscope.errors import DivergenceError, GrokscopeError
from grokscope.runs import Execution, Run, ensemble_key, record_ensemble, record_run
from grokscope.runs.files import write_atomically
from grokscope.runs.folder import RunFolder
from grokscope.sweeps.outcomes import Row, outcome_row
from grokscope.sweeps.plan import PlannedRun

OUTCOME = "outcome.json"
"""Where a run's row is kept, in its folder: it says that nothing is left to do."""
Tell = Callable[[str, int], None]
"""Takes a run's folder and the step at which it has been evaluated."""


@dataclass(frozen=True)
class Job:
    """Runs that one worker trains, all together; it holds nothing that another process or machine could not read."""

    runs: tuple[PlannedRun, ...]
    place: Path
    """The folder of their folders."""
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
    """Why it failed; None if it did not: then, without a row, it was interrupted and can be gone on with."""


def jobs_of(
    runs: Sequence[PlannedRun],
    place: Path,
    execution: Execution,
    *,
    together: int = 1,
    measures: Sequence[str] = (),
    explained: bool = True,
) -> list[Job]:
    """Return jobs of up to ``together`` runs each, of which those in one job fit into one ensemble."""
    kinds: dict[str, list[PlannedRun]] = {}
    for run in runs:
        kinds.setdefault(ensemble_key(run.experiment) if together > 1 else run.folder, []).append(run)
    batches = [each[first : first + together] for each in kinds.values() for first in range(0, len(each), together)]
    return [Job(tuple(batch), place, execution, tuple(measures), explained) for batch in batches]


def carry_out(job: Job, tell: Tell = lambda folder, step: None) -> list[Result]:
    """Train the job's runs, go on with those that have begun, and keep each one's row beside it.

    What a user's input, a disk or a run's own weights can cause is said in the results, and is not raised.
    """
    left = [run for run in job.runs if not _has_ended(job.place / run.folder)]
    failures = _trained_together(job, left, tell) if len(left) > 1 else _trained_alone(job, left, tell)
    return [
        Result(run.folder, error=failures[run.folder]) if run.folder in failures else _looked_at(job, run)
        for run in job.runs
    ]


def kept_row(folder: Path, measures: Sequence[str] = (), *, explained: bool = True) -> Row | None:
    """Return the row kept beside a run; None if there is none, or it lacks one of ``measures`` or a verdict."""
    try:
        kept = json.loads((folder / OUTCOME).read_bytes())
        row, was_explained = kept["row"], kept["explained"]
    except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged: it is made again
        return None
    return row if row.keys() >= set(measures) and (was_explained or not explained) else None


def _has_ended(folder: Path) -> bool:
    if not RunFolder(folder).exists() or not RunFolder(folder).record.exists():
        return False
    return Run(folder).status in ("finished", "diverged")


def _trained_alone(job: Job, left: Sequence[PlannedRun], tell: Tell) -> dict[str, str]:
    failures = {}
    for run in left:
        try:
            record_run(
                run.experiment,
                job.place / run.folder,
                execution=job.execution,
                resume=True,
                on_row=lambda row, folder=run.folder: tell(folder, row.step),
            )
        except DivergenceError:
            continue  # is what came of it, and no failure
        except (GrokscopeError, OSError, RuntimeError) as error:
            failures[run.folder] = f"{type(error).__name__}: {error}"
    return failures


def _trained_together(job: Job, left: Sequence[PlannedRun], tell: Tell) -> dict[str, str]:
    try:
        record_ensemble(
            [run.experiment for run in left],
            [job.place / run.folder for run in left],
            execution=job.execution,
            resume=True,
            on_row=lambda number, row: tell(left[number].folder, row.step),
        )
    except (GrokscopeError, OSError, RuntimeError) as error:
        return {
            run.folder: f"{type(error).__name__}: {error}" for run in left if not _has_ended(job.place / run.folder)
        }
    return {}


def _looked_at(job: Job, planned: PlannedRun) -> Result:
    folder = job.place / planned.folder
    if not _has_ended(folder):
        return Result(planned.folder)
    row = kept_row(folder, job.measures, explained=job.explained)
    if row is None:
        try:
            row = outcome_row(Run(folder), planned, measures=job.measures, explained=job.explained)
            kept = {"explained": job.explained, "row": row}
            write_atomically(folder / OUTCOME, json.dumps(kept, indent=1).encode())
        except (GrokscopeError, OSError, RuntimeError) as error:
            return Result(planned.folder, error=f"{type(error).__name__}: {error}")
    return Result(planned.folder, row)
