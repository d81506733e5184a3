"""A reproduction from its plan to its results: what is missing is trained, what is there is used again."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grokscope import __version__
from grokscope.analysis import find_phases
from grokscope.errors import RunError
from grokscope.progress import SILENT, Progress
from grokscope.reproduction import families as families
from grokscope.reproduction.catalogue import Item
from grokscope.reproduction.family import with_network
from grokscope.reproduction.measurement import Measured
from grokscope.reproduction.plan import Plan, folder_of
from grokscope.reproduction.results import Reproduction, Result, Value
from grokscope.run import Run
from grokscope.run.atomic import write_atomically
from grokscope.sweeps import SweepBackend
from grokscope.sweeps.jobs import has_ended, jobs_of
from grokscope.sweeps.plan import PlannedRun
from grokscope.sweeps.progress import SweepProgress
from grokscope.sweeps.storage import LocalStorage

MARK, TABLE, RUNS, VALUES = "reproduction.json", "reproduction.csv", "runs", "reproduced.json"
"""What is in a reproduction's folder: what it is, its table, its runs; and in each run's, what was measured of it."""


def reproduce_items(
    plan: Plan, folder: Path, backend: SweepBackend, *, progress: Progress = SILENT, resume: bool = False
) -> Reproduction:
    """Train what is missing, measure every item, write the table, and return the results.

    Args:
        plan: of :func:`grokscope.reproduction.plan.plan_of`.
        folder: of the reproduction; must not hold anything yet, unless ``resume``.
        backend: where networks are trained (:func:`grokscope.sweeps.sweep_backend`).
        progress: shows the steps of all runs, then how many have been measured.
        resume: go on with the reproduction in ``folder``, also with other items, more seeds or longer runs; start it
            if there is none.

    Returns:
        After Ctrl-C, the results of the runs that had ended.

    Raises:
        RunError: the folder is taken by something else, a run failed, or a file of one is damaged.
    """
    storage = LocalStorage(str(folder))
    if storage.read(MARK) is None and not storage.is_empty():
        raise RunError(f"{folder} exists and is not an empty folder; use another --out")
    if storage.read(MARK) is not None and not resume:
        raise RunError(f"{folder} already holds a reproduction; use --resume to go on with it, or another --out")
    storage.require_reachable()
    with storage.locked():
        storage.write(MARK, json.dumps({"grokscope": __version__}).encode())
        is_complete = _train(missing_runs(plan, folder), storage / RUNS, backend, progress)
        found = read_results(plan, folder, progress=progress, is_complete=is_complete)
        write_atomically(folder / TABLE, found.table.to_csv(index=False).encode())
    return found


def missing_runs(plan: Plan, folder: Path) -> list[PlannedRun]:
    """Return the runs that have not ended, or not gone as far as the plan needs."""
    return [run for run in plan.runs() if not has_ended(folder / RUNS, run)]


def _train(runs: Sequence[PlannedRun], storage: LocalStorage, backend: SweepBackend, progress: Progress) -> bool:
    """Train ``runs``; return False if the work was asked to stop."""
    if not runs:
        return True
    shown, ended = SweepProgress(progress, runs, [], "training"), set[str]()
    jobs = jobs_of(
        runs, storage.absolute(), backend.execution,
        ensemble_size=backend.ensemble_size, n_workers=backend.n_workers, explained=False,
    )  # fmt: skip
    failures: list[str] = []
    for some in backend.engine.carry_out(jobs, shown.on_step):
        for result in some:
            if result.is_interrupted:
                continue
            ended.add(result.folder)
            shown.on_result(result)
            if result.error is not None:
                failures.append(f"{result.folder}: {result.error}")
    if failures:
        raise RunError(f"{failures[0]}; what has ended is kept: mend it and go on with --resume")
    return len(ended) == len(runs)


def read_results(plan: Plan, folder: Path, *, progress: Progress = SILENT, is_complete: bool = True) -> Reproduction:
    """Return what the runs in ``folder`` that have ended say of every item."""
    missing = {run.folder for run in missing_runs(plan, folder)}
    wanted = [(arm, seed) for arm in plan.arms for seed in plan.seeds(arm)]
    there = [(arm, seed) for arm, seed in wanted if folder_of(arm.name, seed) not in missing]
    progress.start(len(there), "measuring")
    values: dict[str, dict[int, Value]] = {item.id: {} for item in plan.items}
    for arm, seed in there:
        items = [item for item in plan.items if item.arm == arm.name and item.seed in (None, seed)]
        for item, value in zip(items, _values(Run(folder / RUNS / folder_of(arm.name, seed)), items), strict=True):
            values[item.id][seed] = value
        progress.advance(detail=f"{arm.name}, seed {seed}")
    results = tuple(Result(item, values[item.id]) for item in plan.items)
    return Reproduction(plan, results, is_complete)


def _values(run: Run, items: Sequence[Item]) -> list[Value]:
    """Return what each item's measurement gives of a run; what was measured before is read from its folder."""
    path, step = run.path / VALUES, int(run.metrics["step"].iloc[-1])
    kept = _kept(path, step)
    new = [item for item in items if item.id not in kept]
    if new:
        measured = _measured(run, of_network=any(item.measurement.of_network for item in new))
        kept |= {item.id: item.measurement.read(measured, item.published) for item in new}
        content = {"grokscope": __version__, "step": step, "values": kept}
        write_atomically(path, json.dumps(content, indent=1).encode())
        kept = _kept(path, step)
    return [Value(kept[item.id], step) for item in items]


def _kept(path: Path, step: int) -> dict[str, Any]:
    """Return what was measured by this version of the run as it is now; nothing if there is no such file."""
    try:
        content = json.loads(path.read_bytes())
        is_current = content["step"] == step and content["grokscope"] == __version__
        return {name: _tuples(value) for name, value in content["values"].items()} if is_current else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _measured(run: Run, *, of_network: bool) -> Measured:
    task, metrics = run.task, run.metrics
    measured = Measured(metrics, find_phases(metrics, task.chance_loss), task=task)
    return with_network(task, measured, run) if of_network and run.checkpoints else measured
