"""Whether an optimiser looks at the test set: whoever does learns something else from another test set."""

import torch

from grokscope.errors import ConfigError
from grokscope.progress import SILENT, Progress
from grokscope.randomness import stream
from grokscope.run import Experiment
from grokscope.run.build import initial_model, task_of, trainer_of
from grokscope.tasks import Task
from grokscope.training.optimizers import ExternalConfig, OptimizerConfig


def is_foreign(optimizer: OptimizerConfig) -> bool:
    """Return whether some of an optimiser's code is not this package's."""
    parts = [getattr(optimizer, name) for name in type(optimizer).model_fields]
    inner = [part for part in parts if isinstance(part, OptimizerConfig)]
    own = isinstance(optimizer, ExternalConfig) or not type(optimizer).__module__.startswith("grokscope.")
    return own or any(map(is_foreign, inner))


def require_blind(experiment: Experiment, *, progress: Progress = SILENT) -> None:
    """Train twice, with the right and with other labels on the test set, and raise unless the weights are the same.

    Args:
        experiment: is trained to its end.
        progress: counts the steps of both.

    Raises:
        ConfigError: the weights differ, bit for bit: training looks at the test set, or is not reproducible.
    """
    progress.start(2 * experiment.stop.steps, f"{experiment.name}: the same with another test set?")
    # one after the other: where both test sets are in memory, whoever looks there sees the same in both trainings
    seeing = _trained(experiment, task_of(experiment), progress)
    blind = _trained(experiment, task_of(experiment).with_other_test_answers(stream("another test set", 0)), progress)
    for name, weights in seeing.items():
        if not torch.equal(weights, blind[name]):
            raise ConfigError(
                f"{experiment.name} is refused: with other labels on the test set it learns other weights ({name}), so "
                f"it looks at the test set, or does not repeat itself; let it see its gradients and weights only"
            )


def _trained(experiment: Experiment, task: Task, progress: Progress) -> dict[str, torch.Tensor]:
    trainer = trainer_of(experiment, initial_model(experiment, task), task)
    for _ in range(experiment.stop.steps):
        trainer.gradient()
        if trainer.step % experiment.evaluate_every == 0:
            trainer.test()  # as a run does: what is never looked at cannot be peeked at
        trainer.update()
        progress.advance()
    return trainer.model.state_dict()
