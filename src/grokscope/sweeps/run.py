"""A sweep from its plan to its outcomes: what has ended is not repeated, what fails is tried again and listed."""

from collections.abc import Sequence

from grokscope.progress import SILENT, Progress
from grokscope.sweeps.backend import SweepBackend
from grokscope.sweeps.folder import RUNS, SweepFolder
from grokscope.sweeps.jobs import jobs_of
from grokscope.sweeps.outcomes import check_measures, failed_outcome
from grokscope.sweeps.plan import Sweep
from grokscope.sweeps.progress import SweepProgress
from grokscope.sweeps.results import SweepOutcomes, sweep_outcomes

TRIES = 2
"""How often a run that fails is trained, the first time included."""


def run_sweep(
    sweep: Sweep,
    folder: SweepFolder,
    backend: SweepBackend,
    *,
    progress: Progress = SILENT,
    measures: Sequence[str] = (),
    explained: bool = True,
    resume: bool = False,
    label: str = "",
) -> SweepOutcomes:
    """Train every run of ``sweep``, keep each in a folder of its own, and return what they reached.

    The table is written as runs end, so that it can be read meanwhile. Called again with ``resume``, also with more
    seeds or values, it trains what has not ended, and runs that failed.

    Args:
        sweep: what to train.
        folder: of the sweep; must not hold anything yet, unless ``resume``.
        backend: where and how to train (:func:`grokscope.sweeps.sweep_backend`).
        progress: called with the steps of all runs, and with failures.
        measures: of each run's last network, for the table (:func:`grokscope.sweeps.measures_of`).
        explained: whether to test each last network's explanation, for its ``verdict``.
        resume: resume the sweep in ``folder``; start it if there is none.
        label: what the progress calls it.

    Returns:
        After Ctrl-C, outcomes without those of the runs that had not ended.

    Raises:
        RunError: the folder is taken by something else, or cannot be written.
        ConfigError: a setting, a value or a measure is not possible.

    Example:
        >>> sweep = Sweep(base=recipe("small").experiment, seeds=range(8), vary={"weight_decay": (0.3, 1, 3)})
        >>> outcomes = run_sweep(sweep, SweepFolder("runs/decays"), sweep_backend("processes"))
        >>> outcomes.time_to_grok.intervals
    """
    planned = sweep.runs()
    check_measures(sweep.base, measures)
    folder.require_free(sweep, resume=resume)
    folder.storage.require_reachable()
    with folder.storage.locked():
        folder.write_plan(sweep)
        ended = folder.ended(planned, measures, explained=explained)
        results = {result.folder: result for result in ended}
        shown = SweepProgress(progress, planned, ended, label)

        def outcomes() -> SweepOutcomes:
            by_folder = {run.folder: run for run in planned}
            found = [
                each.outcome or failed_outcome(by_folder[each.folder], each.error or "") for each in results.values()
            ]
            return sweep_outcomes(sweep, found, measures)

        folder.write_table(outcomes().table)
        for attempt in range(TRIES):
            jobs = jobs_of(
                [run for run in planned if run.folder not in results or results[run.folder].error is not None],
                (folder.storage / RUNS).absolute(),
                backend.execution,
                # what failed together is tried again alone: one of them may have taken the others along
                ensemble_size=1 if attempt else backend.ensemble_size,
                n_workers=backend.n_workers,
                measures=measures,
                explained=explained,
            )
            for some in backend.engine.carry_out(jobs, shown.on_step):
                for result in some:
                    if not result.is_interrupted:
                        results[result.folder] = result
                        shown.on_result(result)
                folder.write_table(outcomes().table)
            if not all(run.folder in results for job in jobs for run in job.runs):
                break  # it was asked to stop
        return outcomes()
