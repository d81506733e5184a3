"""Training with everything kept: metrics as they come, checkpoints on a schedule, and a way back after any end."""

import threading
from pathlib import Path

from grokscope.errors import DivergenceError, RunError
from grokscope.run.build import initial_model
from grokscope.run.experiment import Experiment
from grokscope.run.folder import Status
from grokscope.run.recording.execution import Execution
from grokscope.run.recording.session import Place
from grokscope.run.recording.signals import graceful_stop
from grokscope.run.recording.writer import OnRow, RunWriter
from grokscope.run.run import Run
from grokscope.training import Trainer


def record_run(
    experiment: Experiment,
    path: str | Path,
    *,
    execution: Execution | None = None,
    resume: bool = False,
    on_row: OnRow | None = None,
) -> Run:
    """Train ``experiment`` and keep everything in the folder ``path``.

    Args:
        experiment: what to train.
        path: the run's folder; must not hold anything yet, unless ``resume``.
        execution: device, threads, compilation; when resuming, None means as before.
        resume: go on with the run in ``path``, to the same bits as if it had never stopped; begin it if
            there is none. Only the settings under ``stop`` may differ from the run's own.
        on_row: called with each row of metrics.

    Returns:
        The run. After Ctrl-C (or SIGTERM) its status is ``interrupted`` and it can be resumed.

    Raises:
        RunError: the folder is taken, locked or not writable.
        ConfigError: the settings contradict each other or the run to be resumed.
        DivergenceError: the loss stopped being a finite number; the checkpoints before are kept.
    """
    place = Place.checked(experiment, path, resume=resume)
    execution = (execution or place.recorded_execution() or Execution()).resolved()
    with execution.applied() as device:
        task = place.task()
        model = initial_model(experiment, task).to(device)
        trainer = Trainer(
            model,
            task.place_on(device),
            optimizer=experiment.optimizer,
            schedule=experiment.schedule,
            loss=experiment.loss,
            l1=experiment.l1,
            noise_seed=experiment.seeds.noise,
            compile=execution.compile,
        )
        # only now, with everything checked and built, is anything written
        with place.opened(task):
            state = place.state()
            if state is not None:
                try:
                    trainer.load_state(state)
                except (KeyError, RuntimeError) as error:
                    raise place.not_its_state(error) from error
            _train(
                RunWriter(
                    place.folder, experiment, execution, step=trainer.step, subtasks=task.subtasks, on_row=on_row
                ),
                trainer,
            )
    return Run(path)


def _train(keeper: RunWriter, trainer: Trainer) -> None:
    try:
        with graceful_stop() as asked:
            keeper.stands(*_until_the_end(keeper, trainer, asked))
    except (DivergenceError, RunError) as error:
        keeper.ended_by(error)
        raise
    finally:
        keeper.close()


def _until_the_end(keeper: RunWriter, trainer: Trainer, asked: threading.Event) -> tuple[Status, str]:
    while True:
        step = trainer.step
        last, due, keep = keeper.due(step)
        if asked.is_set():
            keeper.state(trainer.state())
            return "interrupted", f"stopped by the user at step {step}"
        gradient = trainer.gradient(with_score=due)
        if due or keep:
            keeper.require_finite(step, gradient.loss.item())
        reason = f"reached {step} steps" if last else None
        if due:
            assert gradient.score is not None
            good_enough = keeper.row(step, gradient.score, trainer.test())
            reason = reason or good_enough
        if keep or reason:
            keeper.checkpoint(step, trainer.model.state_dict(), trainer.state())
        if reason:
            return "finished", reason
        trainer.update()
