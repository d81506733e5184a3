"""The loop of a recorded training: one for a run alone, which is an ensemble of one, and for many together."""

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor

from grokscope.errors import DivergenceError, GrokscopeError, ObserverError, RunError
from grokscope.run.recording.writer import RunWriter
from grokscope.training import Evaluation
from grokscope.training.ensemble import EnsembleGradient


@runtime_checkable
class StackedTrainer(Protocol):
    """What trains the networks: an :class:`EnsembleTrainer`, or what makes a :class:`Trainer` look like one."""

    @property
    def step(self) -> int:
        """Updates so far."""
        ...

    def gradient(self, *, with_losses: bool, with_evaluations: bool) -> EnsembleGradient:
        """Compute loss and gradient of every run's batch at the present weights."""
        ...

    def update(self) -> None:
        """Move every run's weights along the gradient computed last."""
        ...

    def test(self) -> list[Evaluation] | None:
        """Return each run's evaluation on its test set, or None where there are none."""
        ...

    def weights(self, place: int) -> Mapping[str, Tensor]:
        """Return one run's weights by name."""
        ...

    def state(self, place: int) -> dict[str, Tensor]:
        """Return the training state from which one run can go on."""
        ...

    def keep(self, places: Sequence[int]) -> None:
        """Go on with the runs at ``places`` only."""
        ...


def train_until_all_end(
    writers: Sequence[RunWriter], trainer: StackedTrainer, stop: threading.Event
) -> list[GrokscopeError]:
    """Train until every run has ended, and keep each by its own writer.

    Args:
        writers: of the runs, in the trainer's order.
        trainer: trains them.
        stop: once it is set, the runs are left as interrupted before their next step.

    Returns:
        The errors that ended runs while others went on: divergence, or an observer's.

    Raises:
        RunError: something cannot be written; all runs that had not ended have failed.
    """
    training, errors = list(writers), list[GrokscopeError]()
    try:
        while training:
            step = trainer.step
            due = [writer.due(step) for writer in training]
            if stop.is_set():
                for place, writer in enumerate(training):
                    writer.save_state(trainer.state(place))
                    writer.write_status("interrupted", f"stopped by the user at step {step}")
                return errors
            any_row = any(each.row for each in due)
            gradient = trainer.gradient(
                with_losses=any_row or any(each.checkpoint for each in due), with_evaluations=any_row
            )
            tests = trainer.test() if any_row else None
            going_on = []
            for place, writer in enumerate(training):
                try:
                    reason = _write_step(writer, place, trainer, gradient, tests)
                except (DivergenceError, ObserverError) as error:
                    writer.fail(error)
                    errors.append(error)
                    continue
                if reason:
                    writer.write_status("finished", reason)
                else:
                    going_on.append(place)
            if len(going_on) < len(training):
                training = [training[place] for place in going_on]
                if training:
                    trainer.keep(going_on)
            if training:
                trainer.update()
    except RunError as error:  # a full disk is full for all of them
        for writer in training:
            writer.fail(error)
        raise
    return errors


def _write_step(
    writer: RunWriter,
    place: int,
    trainer: StackedTrainer,
    gradient: EnsembleGradient,
    tests: Sequence[Evaluation] | None,
) -> str | None:
    """Write what is due of one run at this step, and return why the run ends with it, or None if it goes on."""
    step = trainer.step
    due = writer.due(step)
    reason = f"reached {step} steps" if due.last else None
    if gradient.losses is not None and (due.row or due.checkpoint):
        writer.require_finite(step, gradient.losses[place])
    if gradient.evaluations is not None and due.row:
        good_enough = writer.append_row(step, gradient.evaluations[place], tests[place] if tests else None)
        reason = reason or good_enough
    if due.checkpoint or reason:
        writer.save_checkpoint(step, trainer.weights(place), trainer.state(place))
    return reason
