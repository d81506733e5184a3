"""The examples of many runs, side by side: what stacked networks are trained and tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.display import brief_repr
from grokscope.errors import ConfigError
from grokscope.models import Network
from grokscope.tasks import Examples
from grokscope.tasks.examples import NO_TARGET
from grokscope.training.evaluation import CHUNK, TOKENS, Evaluation
from grokscope.training.loss import row_losses


@dataclass(frozen=True, eq=False)
class StackedExamples:
    """As many examples for each run, each run's own."""

    tokens: Int[Tensor, "stack example n_ctx"]
    targets: Int[Tensor, "stack example n_targets"]
    subtasks: Int[Tensor, "stack example n_targets"] | None

    __repr__ = brief_repr

    @classmethod
    def of(cls, each: Sequence[Examples]) -> "StackedExamples":
        """Return the examples of all runs.

        Raises:
            ConfigError: one run has more of them than another, or longer ones.
        """
        for run, examples in enumerate(each):
            shape, expected = tuple(examples.tokens.shape), tuple(each[0].tokens.shape)
            if shape != expected:
                raise ConfigError(f"run {run} has examples of shape {shape}, run 0 of {expected}; train them apart")
        tokens = torch.stack([examples.tokens for examples in each])
        targets = torch.stack([examples.targets for examples in each])
        subtasks = [examples.subtasks for examples in each if examples.subtasks is not None]
        return cls(tokens, targets, torch.stack(subtasks) if subtasks else None)

    def keep(self, index: Int[Tensor, " chosen"]) -> "StackedExamples":
        """Return the examples of some of the runs."""
        subtasks = None if self.subtasks is None else self.subtasks.index_select(0, index)
        return StackedExamples(self.tokens.index_select(0, index), self.targets.index_select(0, index), subtasks)

    def split(self) -> list["StackedExamples"]:
        """Return the examples in order, so many at a time as bounds memory whatever the number of runs."""
        n_stacked, n_examples, n_ctx = self.tokens.shape
        size = max(1, min(CHUNK, TOKENS // n_ctx) // n_stacked)
        ranges = [(start, min(size, n_examples - start)) for start in range(0, n_examples, size)]
        return [
            StackedExamples(
                self.tokens.narrow(1, *part),
                self.targets.narrow(1, *part),
                None if self.subtasks is None else self.subtasks.narrow(1, *part),
            )
            for part in ranges
        ]


@dataclass(frozen=True, eq=False)
class StackedBatch:
    """Examples made ready to be run through stacked networks."""

    plan: Any
    targets: Int[Tensor, "stack rows"]
    """0 where an example has no target, so that every row can be looked up."""
    has_target: Float[Tensor, "stack rows"]
    """1 where there is a target, 0 elsewhere."""
    shares: Float[Tensor, "stack rows"] | None
    """Of each row in its run's mean; None where all count alike."""
    subtasks: Int[Tensor, "stack rows"] | None

    __repr__ = brief_repr

    @classmethod
    def of(cls, network: Network, examples: StackedExamples, positions: Sequence[int]) -> "StackedBatch":
        """Return ``examples`` as ``network`` takes them."""
        targets = examples.targets.flatten(1)
        dtype = torch.promote_types(next(network.parameters()).dtype, torch.float32)  # counts do not fit in bfloat16
        has_target = (targets != NO_TARGET).to(dtype)
        all_alike = bool(has_target.all())
        shares = None if all_alike else has_target / has_target.sum(1, keepdim=True)
        subtasks = None if examples.subtasks is None else examples.subtasks.flatten(1).clamp(min=0)
        return cls(network.plan(examples.tokens, positions), targets.clamp(min=0), has_target, shares, subtasks)

    def subtask_sums(self, losses: Float[Tensor, "stack rows"], n_subtasks: int) -> Float[Tensor, "stack n_subtasks 2"]:
        """Return the sum of the losses of each run and subtask, and their number."""
        assert self.subtasks is not None
        n_stacked = losses.shape[0]
        both = torch.stack([losses * self.has_target, self.has_target], dim=2).double().flatten(0, 1)
        place = self.subtasks + n_subtasks * torch.arange(n_stacked, device=losses.device).unsqueeze(1)
        sums = torch.zeros(n_stacked * n_subtasks, 2, dtype=torch.float64, device=losses.device)
        return sums.index_add_(0, place.flatten(), both).view(n_stacked, n_subtasks, 2)

    def right(self, logits: Float[Tensor, "stack rows d_vocab_out"]) -> Float[Tensor, " stack"]:
        """Return the number of right answers of each run."""
        return ((logits.argmax(2) == self.targets) * self.has_target).sum(1, dtype=torch.float64)


class StackedEvaluator:
    """A test set for each run, made ready to be run through the stacked networks again and again."""

    def __init__(self, network: Network, examples: StackedExamples, positions: Sequence[int], n_subtasks: int) -> None:
        self._network, self._n_subtasks = network, n_subtasks
        self._batches = [StackedBatch.of(network, chunk, positions) for chunk in examples.split()]

    @torch.no_grad()
    def __call__(self) -> list[Evaluation]:
        """Return each run's evaluation, without dropout."""
        device = self._batches[0].targets.device
        # losses, right answers, targets
        sums = torch.zeros(3, self._batches[0].targets.shape[0], dtype=torch.float64, device=device)
        subtasks = None
        for batch in self._batches:
            logits = self._network.forward_fast(batch.plan).flatten(1, 2)
            each = row_losses(logits, batch.targets)
            loss = (each * batch.has_target).sum(1, dtype=torch.float64)
            sums += torch.stack([loss, batch.right(logits), batch.has_target.sum(1, dtype=torch.float64)])
            if self._n_subtasks:
                more = batch.subtask_sums(each, self._n_subtasks)
                subtasks = more if subtasks is None else subtasks + more
        losses, right, counts = sums
        return evaluations(losses / counts, right / counts, subtasks)


def evaluations(
    losses: Float[Tensor, " stack"],
    accuracies: Float[Tensor, " stack"],
    subtasks: Float[Tensor, "stack n_subtasks 2"] | None,
) -> list[Evaluation]:
    """Return an evaluation of each run; one transfer from the device for each kind of number."""
    by_part = [()] * len(losses) if subtasks is None else map(tuple, (subtasks[:, :, 0] / subtasks[:, :, 1]).tolist())
    return [Evaluation(*each) for each in zip(losses.tolist(), accuracies.tolist(), by_part, strict=True)]
