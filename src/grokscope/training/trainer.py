"""The training loop's body: one step at a time, nothing on disk."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from grokscope.models import Network
from grokscope.randomness import stream
from grokscope.tasks import Examples, Task
from grokscope.training.evaluation import Evaluation, Evaluator, Targets, accuracy, subtask_losses
from grokscope.training.loss import LOSSES, LossKind, row_losses
from grokscope.training.optimizers import OptimizerConfig
from grokscope.training.optimizers.rates import RATE
from grokscope.training.optimizers.slots import load_slots, slots_of
from grokscope.training.schedules import Schedule

OPTIMIZER = "optimizer."
"""What the names of the optimiser's tensors in a training state begin with."""


class Gradient(NamedTuple):
    """What a step computes before it moves the weights."""

    loss: Tensor
    """Cross-entropy of the step's batch (scalar, detached), without any penalty."""
    evaluation: Evaluation | None
    """Of the same batch, where it was asked for."""


class Trainer:
    """A network being trained on a task.

    A step has two halves, so that what is measured and what is kept belong to the same weights:
    :meth:`gradient` computes loss and gradient at the weights after ``step`` updates, :meth:`update` moves them.

    Args:
        model: trained in place.
        task: where batches come from.
        optimizer: which optimiser, and its settings.
        schedule: of the learning rate.
        loss: which form of the cross-entropy.
        l1: adds l1·Σ|w| over all weights to what is minimised.
        noise_seed: draws dropout masks.
        compile: run the step's forward and backward pass through ``torch.compile``.

    Example:
        >>> trainer = Trainer(model, task, optimizer=AdamWConfig(), schedule=Schedule())
        >>> for _ in range(1000):
        ...     trainer.gradient()
        ...     trainer.update()
        >>> trainer.test()
        Evaluation(loss=…, accuracy=…)
    """

    def __init__(
        self,
        model: Network,
        task: Task,
        *,
        optimizer: OptimizerConfig,
        schedule: Schedule,
        loss: LossKind = "relative",
        l1: float = 0.0,
        noise_seed: int = 0,
        compile: bool = False,
    ) -> None:
        self.model = model
        self.task = task
        self.step = 0
        self._lr = optimizer.lr
        self._optimizer = optimizer.build_for(dict(model.named_parameters()))
        self._schedule = schedule
        self._cross_entropy = LOSSES[loss]
        self._l1 = l1
        self._noise_seed = noise_seed
        self._forward = torch.compile(model.forward_fast) if compile else model.forward_fast
        fixed = task.batches.fixed
        self._fixed = None if fixed is None else self._prepared(fixed)
        n_subtasks = len(task.subtasks)
        self._test = None if task.test is None else Evaluator(model, task.test, task.target_positions, n_subtasks)

    def _prepared(self, batch: Examples) -> tuple[Any, Targets]:
        return self.model.plan(batch.tokens, self.task.target_positions), Targets.of(batch)

    def gradient(self, *, with_evaluation: bool = False) -> Gradient:
        """Compute loss and gradient of this step's batch at the present weights."""
        plan, targets = self._fixed or self._prepared(self.task.batches(self.step))
        noise = None
        if self.model.config.dropout:
            noise = stream("dropout", self._noise_seed, self.step, device=targets.targets.device)
        logits = targets.rows(self._forward(plan, noise=noise))
        loss = self._cross_entropy(logits, targets.targets)
        objective = loss
        if self._l1:
            objective = loss + self._l1 * sum(weights.abs().sum() for weights in self.model.parameters())
        self._optimizer.zero_grad()
        objective.backward()
        evaluation = self._evaluation(logits.detach(), targets, loss.item()) if with_evaluation else None
        return Gradient(loss.detach(), evaluation)

    def _evaluation(self, logits: Tensor, targets: Targets, loss: float) -> Evaluation:
        subtasks: tuple[float, ...] = ()
        if targets.subtasks is not None:
            sums = subtask_losses(row_losses(logits, targets.targets), targets.subtasks, len(self.task.subtasks))
            subtasks = tuple((sums[:, 0] / sums[:, 1]).tolist())
        return Evaluation(loss, accuracy(logits, targets.targets), subtasks)

    def update(self) -> None:
        """Move the weights along the gradient computed last."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._lr * self._schedule.multiplier(self.step) * group.get(RATE, 1.0)
        self._optimizer.step()
        self.step += 1

    def test(self) -> Evaluation | None:
        """Return the evaluation on the test set, or None where there is none."""
        return None if self._test is None else self._test()

    def state(self) -> dict[str, Tensor]:
        """Return everything that the rest of the run depends on, as named tensors that alias nothing."""
        tensors = {f"model.{name}": weights.detach().clone() for name, weights in self.model.state_dict().items()}
        slots = slots_of(self._optimizer, dict(self.model.named_parameters()))
        tensors |= {f"{OPTIMIZER}{name}": value for name, value in slots.items()}
        tensors["step"] = torch.tensor(self.step)
        return tensors

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take up where :meth:`state` was called; the steps that follow give the same bits."""
        self.step = int(tensors["step"])
        weights = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        self.model.load_state_dict(weights)
        load_slots(self._optimizer, dict(self.model.named_parameters()), optimizer_state(tensors))


def optimizer_state(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return those of a training state's tensors that the optimiser remembers, by slot and parameter."""
    return {name.removeprefix(OPTIMIZER): value for name, value in tensors.items() if name.startswith(OPTIMIZER)}
