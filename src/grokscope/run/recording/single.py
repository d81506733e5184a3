"""Training with everything kept: metrics as they come, checkpoints on a schedule, and a way back after any end."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import torch
from torch import Tensor

from grokscope.run.build import initial_model, trainer_of
from grokscope.run.experiment import Experiment
from grokscope.run.recording.execution import Execution
from grokscope.run.recording.loop import train_until_all_end
from grokscope.run.recording.session import RunSession
from grokscope.run.recording.signals import graceful_stop
from grokscope.run.recording.thread_choice import threads_for
from grokscope.run.recording.writer import Observer, OnRow, RunWriter
from grokscope.run.run import Run
from grokscope.training import Evaluation, Trainer
from grokscope.training.ensemble import EnsembleGradient


def record_run(
    experiment: Experiment,
    path: str | Path,
    *,
    execution: Execution | None = None,
    resume: bool = False,
    on_row: OnRow | None = None,
    observers: Sequence[Observer] = (),
) -> Run:
    """Train ``experiment`` and keep everything in the folder ``path``.

    Args:
        experiment: what to train.
        path: the run's folder; must not hold anything yet, unless ``resume``.
        execution: device, threads, compilation; when resuming, None means as before. Where it names no threads, a few
            steps are timed with each number, and the fastest is taken and recorded.
        resume: go on with the run in ``path``, to the same bits as if it had never stopped; begin it if
            there is none. Only the settings under ``stop`` may differ from the run's own.
        on_row: called with each row of metrics.
        observers: each is called as ``observer(run, step, model)`` at every checkpoint, once it is on disk, with the
            network at that step: a copy on the CPU without gradients, to which anything can be done. A resumed run
            begins with the step that it was left at, so an observer may be called with it again.

    Returns:
        The run. After Ctrl-C (or SIGTERM) its status is ``interrupted`` and it can be resumed.

    Raises:
        RunError: the folder is taken, locked or not writable.
        ConfigError: the settings contradict each other or the run to be resumed.
        DivergenceError: the loss stopped being a finite number; the checkpoints before are kept.
        ObserverError: an observer raised an error, which is the cause; the run is ``failed`` and can be resumed.
    """
    session = RunSession.checked(experiment, path, resume=resume)
    recorded = session.recorded_execution() or Execution()
    asked = recorded if execution is None else execution
    if asked.threads is None:  # with another number than before, the bits would be others
        asked = asked.model_copy(update={"threads": recorded.threads})
    execution = asked.resolved()
    with execution.applied() as device:
        task = session.task()
        model = initial_model(experiment, task).to(device)
        trainer = trainer_of(experiment, model, task.place_on(device), compile=execution.compile)
        # only now, with everything checked and built, is anything written
        with session.opened(task):
            state = session.state()
            if state is not None:
                try:
                    trainer.load_state(state)
                except (KeyError, RuntimeError) as error:
                    raise session.misfit(error) from error
            if asked.threads is None and device.type == "cpu":
                execution = execution.model_copy(update={"threads": threads_for(experiment, trainer, task)})
                torch.set_num_threads(execution.threads or 1)
            writer = RunWriter(
                session.folder,
                experiment,
                execution,
                step=trainer.step,
                subtasks=task.subtasks,
                on_row=on_row,
                observers=observers,
            )
            with closing(writer), graceful_stop() as stop:
                errors = train_until_all_end([writer], _Alone(trainer), stop)
            if errors:
                raise errors[0]
    return Run(path)


class _Alone:
    """A trainer of one run, as the loop takes it: an ensemble of one."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer

    @property
    def step(self) -> int:
        return self._trainer.step

    def gradient(self, *, with_losses: bool, with_evaluations: bool) -> EnsembleGradient:
        gradient = self._trainer.gradient(with_evaluation=with_evaluations)
        evaluations = None if gradient.evaluation is None else [gradient.evaluation]
        return EnsembleGradient([gradient.loss.item()] if with_losses else None, evaluations)

    def update(self) -> None:
        self._trainer.update()

    def test(self) -> list[Evaluation] | None:
        evaluation = self._trainer.test()
        return None if evaluation is None else [evaluation]

    def weights(self, place: int) -> dict[str, Tensor]:
        return self._trainer.model.state_dict()

    def state(self, place: int) -> dict[str, Tensor]:
        return self._trainer.state()

    def keep(self, places: Sequence[int]) -> None:
        raise AssertionError("a run alone has no others that could end before it")
