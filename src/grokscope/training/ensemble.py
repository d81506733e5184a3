"""Many runs trained as one: stacked networks, each with its own data, learning rate, decay and end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from grokscope.display import brief_repr
from grokscope.errors import ConfigError
from grokscope.models import Network, stack
from grokscope.models.stacking import with_parameters
from grokscope.randomness import stream
from grokscope.tasks import Task
from grokscope.training.evaluation import Evaluation
from grokscope.training.loss import LOSSES, LossKind, row_losses
from grokscope.training.optimizers import OptimizerConfig
from grokscope.training.optimizers.registry import build_stacked_optimizer
from grokscope.training.schedules import Schedule
from grokscope.training.stacked_examples import StackedBatch, StackedEvaluator, StackedExamples, evaluations
from grokscope.training.trainer import OPTIMIZER, optimizer_state
from grokscope.training.weight_rows import WeightRows


@dataclass(frozen=True, eq=False)
class Member:
    """One run of an ensemble: what :class:`grokscope.training.Trainer` is given."""

    model: Network
    task: Task
    optimizer: OptimizerConfig
    schedule: Schedule
    l1: float = 0.0
    noise_seed: int = 0

    __repr__ = brief_repr


class EnsembleGradient(NamedTuple):
    """What a step computes of every run before it moves the weights."""

    losses: list[float] | None
    """Cross-entropy of each run's batch, without any penalty, where it was asked for."""
    evaluations: list[Evaluation] | None
    """Of the same batches, where they were asked for."""


class EnsembleTrainer:
    """Networks of one shape being trained, each on its own task, all in the same operations.

    A member learns what it would learn alone: from the same weights, on the same examples, along the same schedule.
    Sums are added in another order, so that its losses differ from those of a :class:`Trainer` by rounding.

    Args:
        members: all of one shape, with as many examples each and one kind of optimiser; their models and tasks are on
            the device on which the ensemble is to be trained, and the models themselves are not trained.
        loss: which form of the cross-entropy.

    Raises:
        ConfigError: the members differ in shape or in kind.

    Example:
        >>> ensemble = EnsembleTrainer(members)
        >>> for _ in range(1000):
        ...     ensemble.gradient()
        ...     ensemble.update()
        >>> best = max(range(len(members)), key=lambda place: ensemble.test()[place].accuracy)
        >>> ensemble.keep([best])  # the others have ended
    """

    def __init__(self, members: Sequence[Member], *, loss: LossKind = "relative") -> None:
        stacked = stack([each.model for each in members])
        self.step = 0
        self._members = list(members)
        self._cross_entropy = LOSSES[loss]
        self._layout = WeightRows.of(stacked)
        rows = self._layout.join(stacked.parameters())
        self._optimizer = build_stacked_optimizer([each.optimizer for each in members], rows, self._layout)
        tasks = [each.task for each in members]
        self._positions, self._n_subtasks = tasks[0].target_positions, len(tasks[0].subtasks)
        fixed, tests = [task.batches.fixed for task in tasks], [task.test for task in tasks]
        for each in (fixed, tests):
            if any(each) and not all(each):
                raise ConfigError("some runs have a training or a test set and others have none; train them apart")
        self._train = StackedExamples.of([each for each in fixed if each]) if any(fixed) else None
        self._tested = StackedExamples.of([each for each in tests if each]) if any(tests) else None
        self._network = stacked
        self._gradient: Tensor | None = None
        self._prepare()

    def _prepare(self) -> None:
        """Build the network around the weights, and what its data share."""
        self._network = with_parameters(self._network, self._views(), n_stacked=len(self._members))
        self._parameters = list(self._network.parameters())
        fixed = self._train
        self._fixed = None if fixed is None else StackedBatch.of(self._network, fixed, self._positions)
        self._test = None
        if self._tested is not None:
            self._test = StackedEvaluator(self._network, self._tested, self._positions, self._n_subtasks)
        self._rates: tuple[list[float], Tensor] = ([], torch.empty(0))
        l1 = [each.l1 for each in self._members]
        self._l1 = torch.tensor(l1, dtype=self._dtype, device=self._device) if any(l1) else None

    @property
    def _device(self) -> torch.device:
        return self._optimizer.weights.device

    @property
    def _dtype(self) -> torch.dtype:
        return self._optimizer.weights.dtype

    def _views(self) -> dict[str, Tensor]:
        return self._layout.split(self._optimizer.weights)

    @property
    def network(self) -> Network:
        """The stacked networks, as they are now."""
        return self._network

    @property
    def n_members(self) -> int:
        """How many runs are still in training."""
        return len(self._members)

    def gradient(self, *, with_losses: bool = False, with_evaluations: bool = False) -> EnsembleGradient:
        """Compute loss and gradient of every run's batch at the present weights."""
        batch = self._fixed or self._drawn()
        logits = self._network.forward_fast(batch.plan, noise=self._noise()).flatten(1, 2)
        losses = self._cross_entropy(logits, batch.targets, batch.shares)
        objective = losses.sum()  # no run's weights are in another's loss
        if self._l1 is not None:
            sizes = torch.stack([weights.abs().flatten(1).sum(1) for weights in self._parameters])
            objective = objective + (self._l1 * sizes.sum(0)).sum()
        gradients = torch.autograd.grad(objective, self._parameters)
        self._gradient = self._layout.join(gradients)
        losses = losses.detach()
        each = self._evaluations(logits.detach(), batch, losses) if with_evaluations else None
        return EnsembleGradient(losses.tolist() if with_losses else None, each)

    def _drawn(self) -> StackedBatch:
        examples = StackedExamples.of([each.task.batches(self.step) for each in self._members])
        return StackedBatch.of(self._network, examples, self._positions)

    def _noise(self) -> list[torch.Generator] | None:
        if not self._network.config.dropout:
            return None
        return [stream("dropout", each.noise_seed, self.step, device=self._device) for each in self._members]

    def _evaluations(self, logits: Tensor, batch: StackedBatch, losses: Tensor) -> list[Evaluation]:
        subtasks = None
        if self._n_subtasks:
            subtasks = batch.subtask_sums(row_losses(logits, batch.targets), self._n_subtasks)
        return evaluations(losses, batch.right(logits) / batch.has_target.sum(1), subtasks)

    def update(self) -> None:
        """Move every run's weights along the gradient computed last."""
        rates = [each.optimizer.lr * each.schedule.multiplier(self.step) for each in self._members]
        if rates != self._rates[0]:  # kept on the device for as long as they stay what they are
            self._rates = (rates, torch.tensor(rates, dtype=torch.float64, device=self._device).unsqueeze(1))
        assert self._gradient is not None, "gradient() comes before update()"
        self._optimizer.step(self._gradient, self._rates[1])
        self._gradient = None
        self.step += 1

    def test(self) -> list[Evaluation] | None:
        """Return each run's evaluation on its test set, or None where there are none."""
        return None if self._test is None else self._test()

    def keep(self, places: Sequence[int]) -> None:
        """Go on with the runs at ``places`` only, in that order; the others' memory is given back.

        What :meth:`gradient` computed last is kept for them, so that members can leave before :meth:`update`.
        """
        index = torch.tensor(list(places), device=self._device)
        self._gradient = None if self._gradient is None else self._gradient.index_select(0, index)
        self._members = [self._members[place] for place in places]
        self._optimizer.keep(index)
        self._train = None if self._train is None else self._train.keep(index)
        self._tested = None if self._tested is None else self._tested.keep(index)
        self._prepare()

    def weights(self, place: int) -> dict[str, Tensor]:
        """Return one run's weights by name, as tensors that alias nothing."""
        return {name: value[place].clone() for name, value in self._views().items()}

    def state(self, place: int) -> dict[str, Tensor]:
        """Return what :meth:`Trainer.state` returns of the same run: either can go on from the other's."""
        tensors = {f"model.{name}": value for name, value in self.weights(place).items()}
        tensors |= {f"{OPTIMIZER}{name}": value for name, value in self._optimizer.state(place).items()}
        tensors["step"] = torch.tensor(self.step)
        return tensors

    def load_states(self, states: Sequence[Mapping[str, Tensor]]) -> None:
        """Take up where the runs were; all at the same step.

        Args:
            states: of each run in order, from :meth:`state` or :meth:`Trainer.state`.

        Raises:
            ConfigError: they are of different steps.
            KeyError: one lacks a tensor.
        """
        steps = {int(state["step"]) for state in states}
        if len(steps) > 1:
            raise ConfigError(f"runs of one ensemble go in step, and these are at {sorted(steps)}; train them apart")
        [self.step] = steps
        for place, state in enumerate(states):
            for name, value in self._views().items():
                value[place] = state[f"model.{name}"]
        self._optimizer.load([optimizer_state(state) for state in states], self.step)
