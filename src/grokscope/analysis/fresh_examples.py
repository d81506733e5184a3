"""How good a network is on fresh examples of its task."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.precision import widened_network
from grokscope.models import Network
from grokscope.randomness import stream
from grokscope.tasks import Examples, SequenceTask
from grokscope.training import Evaluation
from grokscope.training.evaluation import Evaluator, Targets, accuracy
from grokscope.training.loss import row_losses


def fresh_examples(task: SequenceTask, size: int, *, seed: int) -> Examples:
    """Return ``size`` examples of a task, drawn for an analysis alone."""
    return task.draw(size, stream("fresh", seed))


def score_fresh(model: Network, task: SequenceTask, size: int, *, seed: int) -> Evaluation:
    """Return the score of a network on fresh examples of its task."""
    model = widened_network(model)
    return Evaluator(model, fresh_examples(task, size, seed=seed), task.target_positions, len(task.subtasks))()


Forward = Callable[[Examples], Float[Tensor, "example n_ctx d_vocab_out"]]
"""A forward pass, whole or with something changed in it: logits at every position."""


@torch.no_grad()
def evaluate(forward: Forward, examples: Examples, positions: tuple[int, ...]) -> Evaluation:
    """Return the score of a forward pass on ``examples``, read at ``positions``."""
    scored = Targets.of(examples)
    logits = scored.rows(forward(examples)[:, list(positions)])
    return Evaluation(float(row_losses(logits, scored.targets).mean()), accuracy(logits, scored.targets))
