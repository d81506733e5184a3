"""Optimisers of stacked networks, in which each run has its own learning rate, decay and momenta.

PyTorch's own take one number for all the weights they are given; one of them for each run would be a thousand small
updates where one large one does. The arithmetic is PyTorch's, on all the weights of a run as one row.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.errors import ConfigError
from grokscope.training.optimizers.settings import AdamWConfig, OptimizerConfig, SGDConfig

Column = Float[Tensor, "run 1"]


class StackedOptimizer(ABC):
    """Moves the weights of every run along its own gradient.

    Args:
        configs: one for each run, all of one kind.
        weights: all the weights of a run in a row; moved in place.
    """

    slots: tuple[str, ...]
    """Names of what is remembered of every weight, as PyTorch calls it."""

    def __init__(self, configs: Sequence[OptimizerConfig], weights: Float[Tensor, "run weight"]) -> None:
        self.weights = weights
        self.steps = 0
        """Updates so far."""
        self.memory = {name: torch.zeros_like(weights) for name in self.slots}
        self._configs = list(configs)
        self._columns: dict[str, Tensor] = {}

    def column(self, name: str, part: int | None = None) -> Column:
        """Return a setting of every run, one under the other, in float64 as PyTorch reckons with its plain numbers."""
        key = f"{name}{part}"
        if key not in self._columns:
            values = [getattr(config, name) for config in self._configs]
            values = values if part is None else [value[part] for value in values]
            self._columns[key] = torch.tensor(values, dtype=torch.float64, device=self.weights.device).unsqueeze(1)
        return self._columns[key]

    def as_weights(self, column: Column) -> Column:
        """Return a column in the type of the weights."""
        return column.to(self.weights.dtype)

    def step(self, gradient: Float[Tensor, "run weight"], lr: Float[Tensor, "run 1"]) -> None:
        """Move the weights; ``gradient`` is used up."""
        self.steps += 1
        self.move(gradient, lr)

    @abstractmethod
    def move(self, gradient: Float[Tensor, "run weight"], lr: Float[Tensor, "run 1"]) -> None:
        """Move the weights by the kind's own rule."""

    def keep(self, index: Int[Tensor, " chosen"]) -> None:
        """Go on with some of the runs only."""
        self.weights = self.weights.index_select(0, index)
        self.memory = {name: value.index_select(0, index) for name, value in self.memory.items()}
        self._configs = [self._configs[place] for place in index.tolist()]
        self._columns = {}


class StackedAdam(StackedOptimizer):
    """Adam with an L2 penalty (Kingma & Ba 2015), or with decoupled decay (Loshchilov & Hutter 2019)."""

    slots = ("exp_avg", "exp_avg_sq")

    def move(self, gradient: Float[Tensor, "run weight"], lr: Float[Tensor, "run 1"]) -> None:
        """Move the weights."""
        first, second = self.memory["exp_avg"], self.memory["exp_avg_sq"]
        beta1, beta2 = self.column("betas", 0), self.column("betas", 1)
        if isinstance(self._configs[0], AdamWConfig):
            self.weights.mul_(self.as_weights(1 - lr * self.column("weight_decay")))
        elif any(getattr(config, "l2", 0) for config in self._configs):
            gradient.addcmul_(self.weights, self.as_weights(self.column("l2")))
        first.lerp_(gradient, self.as_weights(1 - beta1))
        second.mul_(self.as_weights(beta2)).addcmul_(gradient.mul(self.as_weights(1 - beta2)), gradient)
        size = torch.sqrt(second, out=gradient)
        size.div_(self.as_weights((1 - beta2**self.steps).sqrt())).add_(self.as_weights(self.column("eps")))
        step = self.as_weights(lr / (1 - beta1**self.steps))
        self.weights.sub_(torch.div(first, size, out=size).mul_(step))


class StackedSGD(StackedOptimizer):
    """Stochastic gradient descent with momentum and an L2 penalty."""

    slots = ("momentum_buffer",)

    def move(self, gradient: Float[Tensor, "run weight"], lr: Float[Tensor, "run 1"]) -> None:
        """Move the weights."""
        config = self._configs[0]
        assert isinstance(config, SGDConfig)
        gradient.addcmul_(self.weights, self.as_weights(self.column("l2")))
        momentum, buffer = self.as_weights(self.column("momentum")), self.memory["momentum_buffer"]
        buffer.copy_(gradient) if self.steps == 1 else buffer.mul_(momentum).add_(gradient)
        direction = gradient.addcmul_(buffer, momentum) if config.nesterov else buffer
        self.weights.sub_(direction * self.as_weights(lr))


def build_stacked_optimizer(
    configs: Sequence[OptimizerConfig], weights: Float[Tensor, "run weight"]
) -> StackedOptimizer:
    """Return the optimiser of the runs that ``configs`` describe.

    Raises:
        ConfigError: they are of different kinds.
    """
    kinds = {config.kind for config in configs}
    if len(kinds) > 1:
        raise ConfigError(f"runs of one ensemble have one kind of optimiser, got {', '.join(sorted(kinds))}")
    return StackedSGD(configs, weights) if isinstance(configs[0], SGDConfig) else StackedAdam(configs, weights)
