"""Loss and accuracy on a fixed set of examples."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.models import Network
from grokscope.tasks import Examples
from grokscope.training.loss import relative_cross_entropy

CHUNK = 8192
"""Examples in one pass: bounds memory whatever the size of the set, and is large enough for full speed."""


class Score(NamedTuple):
    """How good a network is on some examples."""

    loss: float
    """Mean cross-entropy in nats."""
    accuracy: float
    """Share of scored positions whose largest logit is the right one."""


def accuracy(logits: Float[Tensor, "rows d_vocab_out"], targets: Int[Tensor, " rows"]) -> float:
    """Return the share of rows whose largest logit is the target's."""
    return (logits.argmax(dim=1) == targets).float().mean().item()


class Evaluator:
    """A set of examples made ready to be run through a network again and again."""

    def __init__(self, model: Network, examples: Examples, positions: tuple[int, ...]) -> None:
        self._model = model
        self._chunks = [
            (model.plan(tokens, positions), targets)
            for tokens, targets in zip(examples.tokens.split(CHUNK), examples.targets.split(CHUNK), strict=True)
        ]

    @torch.no_grad()
    def __call__(self) -> Score:
        """Return the score of the network as it is now, without dropout."""
        losses, accuracies, weights = [], [], []
        for plan, targets in self._chunks:
            logits = self._model.run(plan).flatten(0, 1)
            flat = targets.flatten()
            losses.append(relative_cross_entropy(logits, flat).item())
            accuracies.append(accuracy(logits, flat))
            weights.append(len(flat))
        total = sum(weights)
        return Score(
            sum(w * x for w, x in zip(weights, losses, strict=True)) / total,
            sum(w * x for w, x in zip(weights, accuracies, strict=True)) / total,
        )
