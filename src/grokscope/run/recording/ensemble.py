"""Training many runs as one, each with a folder of its own in which all is kept as of a run trained alone."""

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from grokscope.errors import ConfigError
from grokscope.run.build import member_of
from grokscope.run.experiment import Experiment
from grokscope.run.metrics import Row
from grokscope.run.recording.execution import Execution
from grokscope.run.recording.loop import train_until_all_end
from grokscope.run.recording.session import RunSession
from grokscope.run.recording.signals import graceful_stop
from grokscope.run.recording.writer import RunWriter
from grokscope.run.run import Run
from grokscope.tasks import Task
from grokscope.training import EnsembleTrainer

OnEnsembleRow = Callable[[int, Row], None]
"""Takes the number of a run among those given, and a row of its metrics."""


def ensemble_key(experiment: Experiment) -> str:
    """Return what experiments must have in common to be trained in one ensemble.

    They may differ in seeds, in the optimiser's numbers, the schedule, the penalty, the initial scale and the end.
    """
    tree = experiment.model_dump(mode="json")
    for name in ("name", "description", "schedule", "l1", "seeds", "stop"):
        del tree[name]
    tree["model"].pop("init_scale", None)
    tree["optimizer"] = {name: tree["optimizer"][name] for name in ("kind", *experiment.optimizer.alike)}
    return json.dumps(tree)


def record_ensemble(
    experiments: Sequence[Experiment],
    paths: Sequence[str | Path],
    *,
    execution: Execution | None = None,
    resume: bool = False,
    on_row: OnEnsembleRow | None = None,
) -> list[Run]:
    """Train ``experiments`` as one ensemble and keep each in its own folder.

    A run ends by its own rule, and the rest go on without it. One that diverges ends alone: its status says so, and
    its checkpoints are kept. Any of the runs can be resumed alone (:func:`grokscope.run.record_run`), and runs begun
    alone can be resumed in an ensemble.

    Args:
        experiments: what to train; see :func:`ensemble_key` for how they may differ.
        paths: each run's folder.
        execution: device and threads; None leaves the choice to PyTorch.
        resume: go on with the runs that have begun; those that stand at different steps are trained one group after
            the other.
        on_row: called with each row of metrics and the run's number.

    Returns:
        The runs. After Ctrl-C (or SIGTERM) those that had not ended are ``interrupted`` and can be resumed.

    Raises:
        RunError: a folder is taken, locked or not writable.
        ConfigError: the experiments do not fit together, or compilation is asked for.
    """
    execution = (execution or Execution()).resolved()
    _require_one_kind(experiments, paths, execution)
    sessions = [RunSession.checked(each, path, resume=resume) for each, path in zip(experiments, paths, strict=True)]
    with execution.applied() as device, ExitStack() as opened:
        tasks = [session.task() for session in sessions]
        by_step: dict[int, list[_Run]] = {}
        for number, (session, task) in enumerate(zip(sessions, tasks, strict=True)):
            opened.enter_context(session.opened(task))
            state = session.state()
            step = 0 if state is None else int(state["step"])
            by_step.setdefault(step, []).append(_Run(number, session, task, state))
        with graceful_stop() as stop:
            for step, runs in sorted(by_step.items()):
                if stop.is_set():
                    break
                _train(runs, step, execution, device, on_row or (lambda number, row: None), stop)
    return [Run(path) for path in paths]


@dataclass(frozen=True)
class _Run:
    number: int
    session: RunSession
    task: Task
    state: dict[str, Tensor] | None


def _require_one_kind(experiments: Sequence[Experiment], paths: Sequence[str | Path], execution: Execution) -> None:
    if len(experiments) != len(paths) or not experiments:
        raise ConfigError(f"{len(experiments)} experiments and {len(paths)} folders; give as many, and at least one")
    seen: dict[Path, int] = {}
    for number, path in enumerate(paths):
        other = seen.setdefault(Path(path).resolve(), number)
        if other != number:
            raise ConfigError(f"runs {other} and {number} have the same folder, {path}; give each its own")
    if execution.compile:
        raise ConfigError("compile is for runs trained alone: an ensemble changes its size; leave it off")
    first = ensemble_key(experiments[0])
    for number, experiment in enumerate(experiments):
        if ensemble_key(experiment) != first:
            names = ("seeds", "optimizer.", "schedule.", "stop.", "l1", "name", "description", "model.init_scale")
            differing = experiments[0].differences(experiment)
            unlike = {name: each for name, each in differing.items() if not name.startswith(names)} or differing
            text = "; ".join(f"{name} is {own!r}, of run 0 {of_first!r}" for name, (of_first, own) in unlike.items())
            raise ConfigError(f"run {number} does not fit into one ensemble with run 0: {text}; train them apart")


def _train(
    runs: Sequence[_Run],
    step: int,
    execution: Execution,
    device: torch.device,
    on_row: OnEnsembleRow,
    stop: threading.Event,
) -> None:
    members = [member_of(run.session.experiment, run.task, device) for run in runs]
    trainer = EnsembleTrainer(members, loss=runs[0].session.experiment.loss)
    if step:
        try:
            trainer.load_states([run.state or {} for run in runs])
        except (KeyError, RuntimeError) as error:
            raise runs[0].session.misfit(error) from error
    with ExitStack() as opened:
        writers = [
            opened.enter_context(
                closing(
                    RunWriter(
                        run.session.folder,
                        run.session.experiment,
                        execution,
                        step=step,
                        subtasks=run.task.subtasks,
                        on_row=lambda row, number=run.number: on_row(number, row),
                        together=len(runs),
                    )
                )
            )
            for run in runs
        ]
        train_until_all_end(writers, trainer, stop)
