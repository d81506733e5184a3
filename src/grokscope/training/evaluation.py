"""Loss and accuracy on a fixed set of examples, whole and by subtasks of the task."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.models import Network
from grokscope.tasks import Examples
from grokscope.training.loss import row_losses

CHUNK = 8192
"""Examples in one pass: bounds memory whatever the size of the set, and is large enough for full speed."""
TOKENS = 32_768
"""Tokens in one pass, for the same reason where sequences are long."""


class Evaluation(NamedTuple):
    """How good a network is on some examples."""

    loss: float
    """Mean cross-entropy in nats."""
    accuracy: float
    """Share of targets whose logit is the largest."""
    subtasks: tuple[float, ...] = ()
    """Mean cross-entropy of each subtask; NaN where it has no example."""


def accuracy(logits: Float[Tensor, "rows d_vocab_out"], targets: Int[Tensor, " rows"]) -> float:
    """Return the share of rows whose largest logit is the target's."""
    return (logits.argmax(dim=1) == targets).float().mean().item()


def subtask_losses(
    losses: Float[Tensor, " rows"], subtasks: Int[Tensor, " rows"], n_subtasks: int
) -> Float[Tensor, "n_subtasks 2"]:
    """Return the sum of the losses of each subtask, and their number."""
    both = torch.stack([losses.double(), torch.ones_like(losses, dtype=torch.float64)], dim=1)
    return torch.zeros(n_subtasks, 2, dtype=torch.float64, device=losses.device).index_add_(0, subtasks, both)


class Targets(NamedTuple):
    """The targets of a batch, without the positions where an example has none."""

    places: Int[Tensor, " rows"] | None
    """Rows of the flattened logits that have a target; None where all have."""
    targets: Int[Tensor, " rows"]
    subtasks: Int[Tensor, " rows"] | None

    @classmethod
    def of(cls, examples: Examples) -> "Targets":
        """Return the targets of ``examples``."""
        places = examples.target_places()
        flat = [None if each is None else each.flatten() for each in (examples.targets, examples.subtasks)]
        if places is not None:
            flat = [None if each is None else each.index_select(0, places) for each in flat]
        targets, subtasks = flat
        assert targets is not None
        return cls(places, targets, subtasks)

    def rows(self, logits: Float[Tensor, "example n_targets d_vocab_out"]) -> Float[Tensor, "rows d_vocab_out"]:
        """Return the logits of the rows that have a target."""
        flat = logits.flatten(0, 1)
        return flat if self.places is None else flat.index_select(0, self.places)


class Evaluator:
    """A set of examples made ready to be run through a network again and again."""

    def __init__(self, model: Network, examples: Examples, positions: tuple[int, ...], n_subtasks: int = 0) -> None:
        self._model, self._n_subtasks = model, n_subtasks
        size = min(CHUNK, max(1, TOKENS // examples.tokens.shape[1]))
        self._chunks = [(model.plan(chunk.tokens, positions), Targets.of(chunk)) for chunk in examples.split(size)]

    @torch.no_grad()
    def __call__(self) -> Evaluation:
        """Return the evaluation of the network as it is now, without dropout."""
        losses, accuracies, weights = [], [], []
        subtasks = torch.zeros(self._n_subtasks, 2, dtype=torch.float64)
        for plan, chunk in self._chunks:
            logits = chunk.rows(self._model.forward_fast(plan))
            each = row_losses(logits, chunk.targets)
            losses.append(each.mean().item())
            accuracies.append(accuracy(logits, chunk.targets))
            weights.append(len(chunk.targets))
            if chunk.subtasks is not None:
                subtasks += subtask_losses(each, chunk.subtasks, self._n_subtasks).cpu()
        total = sum(weights)
        return Evaluation(
            sum(w * x for w, x in zip(weights, losses, strict=True)) / total,
            sum(w * x for w, x in zip(weights, accuracies, strict=True)) / total,
            tuple((subtasks[:, 0] / subtasks[:, 1]).tolist()),
        )
