"""Training many runs as one, each with a folder of its own in which all is kept as of a run trained alone."""

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from grokscope.errors import ConfigError, DivergenceError, RunError
from grokscope.run.build import member_of
from grokscope.run.experiment import Experiment
from grokscope.run.metrics import Row
from grokscope.run.recording.execution import Execution
from grokscope.run.recording.session import Place
from grokscope.run.recording.signals import graceful_stop
from grokscope.run.recording.writer import RunWriter
from grokscope.run.run import Run
from grokscope.tasks import Task
from grokscope.training import EnsembleTrainer

OnEnsembleRow = Callable[[int, Row], None]
"""Takes the place of a run among those given, and a row of its metrics."""


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

    A run ends when its own rule says so, and the rest go on without it. One that diverges ends alone: its status says
    so, and its checkpoints are kept. Any of the runs can be gone on with alone (:func:`grokscope.run.record_run`), and
    runs begun alone can be gone on with here.

    Args:
        experiments: what to train; see :func:`ensemble_key` for how they may differ.
        paths: each run's folder.
        execution: device and threads; None leaves the choice to PyTorch.
        resume: go on with the runs that have begun; those that stand at different steps are trained one group after
            the other.
        on_row: called with each row of metrics and the run's place.

    Returns:
        The runs. After Ctrl-C (or SIGTERM) those that had not ended are ``interrupted`` and can be resumed.

    Raises:
        RunError: a folder is taken, locked or not writable.
        ConfigError: the experiments do not fit together, or compilation is asked for.
    """
    execution = (execution or Execution()).resolved()
    _require_one_kind(experiments, paths, execution)
    places = [Place.checked(each, path, resume=resume) for each, path in zip(experiments, paths, strict=True)]
    with execution.applied() as device, ExitStack() as opened:
        tasks = [place.task() for place in places]
        by_step: dict[int, list[_Run]] = {}
        for number, (place, task) in enumerate(zip(places, tasks, strict=True)):
            opened.enter_context(place.opened(task))
            state = place.state()
            step = 0 if state is None else int(state["step"])
            by_step.setdefault(step, []).append(_Run(number, place, task, state))
        with graceful_stop() as asked:
            for step, runs in sorted(by_step.items()):
                if asked.is_set():
                    break
                _train(runs, step, execution, device, on_row or (lambda number, row: None), asked)
    return [Run(path) for path in paths]


@dataclass(frozen=True)
class _Run:
    number: int
    place: Place
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
            told = "; ".join(f"{name} is {there!r}, of run 0 {here!r}" for name, (here, there) in unlike.items())
            raise ConfigError(f"run {number} does not fit into one ensemble with run 0: {told}; train them apart")


def _train(
    runs: Sequence[_Run],
    step: int,
    execution: Execution,
    device: torch.device,
    on_row: OnEnsembleRow,
    asked: threading.Event,
) -> None:
    members = [member_of(run.place.experiment, run.task, device) for run in runs]
    trainer = EnsembleTrainer(members, loss=runs[0].place.experiment.loss)
    if step:
        try:
            trainer.load_states([run.state or {} for run in runs])
        except (KeyError, RuntimeError) as error:
            raise runs[0].place.not_its_state(error) from error
    keepers = [
        RunWriter(
            run.place.folder,
            run.place.experiment,
            execution,
            step=step,
            subtasks=run.task.subtasks,
            on_row=lambda row, number=run.number: on_row(number, row),
            together=len(runs),
        )
        for run in runs
    ]
    try:
        _until_all_end(keepers, trainer, asked)
    finally:
        for keeper in keepers:
            keeper.close()


def _until_all_end(keepers: Sequence[RunWriter], trainer: EnsembleTrainer, asked: threading.Event) -> None:
    alive = list(keepers)
    try:
        while alive:
            step = trainer.step
            dues = [keeper.due(step) for keeper in alive]
            if asked.is_set():
                for place, keeper in enumerate(alive):
                    keeper.state(trainer.state(place))
                    keeper.stands("interrupted", f"stopped by the user at step {step}")
                return
            due, keep = any(row for _, row, _ in dues), any(checkpoint for *_, checkpoint in dues)
            gradient = trainer.gradient(with_losses=due or keep, with_scores=due)
            tests = trainer.test() if due else None
            going_on = []
            for place, (keeper, (last, row, checkpoint)) in enumerate(zip(alive, dues, strict=True)):
                reason = f"reached {step} steps" if last else None
                try:
                    if gradient.losses is not None and (row or checkpoint):
                        keeper.require_finite(step, gradient.losses[place])
                    if gradient.scores is not None and row:
                        good_enough = keeper.row(step, gradient.scores[place], tests[place] if tests else None)
                        reason = reason or good_enough
                    if checkpoint or reason:
                        keeper.checkpoint(step, trainer.weights(place), trainer.state(place))
                except DivergenceError as error:
                    keeper.ended_by(error)
                    continue
                if reason:
                    keeper.stands("finished", reason)
                else:
                    going_on.append(place)
            if len(going_on) < len(alive):
                alive = [alive[place] for place in going_on]
                if alive:
                    trainer.keep(going_on)
            if alive:
                trainer.update()
    except RunError as error:  # a full disk is full for all of them
        for keeper in alive:
            keeper.ended_by(error)
        raise
