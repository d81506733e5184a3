"""Stochastic gradient descent with momentum and an L2 penalty."""

from collections.abc import Iterable
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn

from grokscope.training.optimizers.base import OptimizerConfig
from grokscope.training.optimizers.registry import register_optimizer
from grokscope.training.optimizers.stacked import Column, SlotOptimizer


class StackedSGD(SlotOptimizer["SGDConfig"]):
    """:class:`SGDConfig` of stacked networks: PyTorch's arithmetic on rows."""

    slots = ("momentum_buffer",)

    def remembers(self, config: "SGDConfig") -> bool:
        """Return whether there is momentum: without it PyTorch's remembers nothing."""
        return config.momentum > 0

    def move(self, gradient: Float[Tensor, "stack weight"], lr: Column) -> None:
        """Move the weights."""
        gradient.addcmul_(self.weights, self.as_weights(self.column("l2")))
        momentum, buffer = self.as_weights(self.column("momentum")), self.memory["momentum_buffer"]
        buffer.copy_(gradient) if self.steps == 1 else buffer.mul_(momentum).add_(gradient)
        direction = gradient.addcmul_(buffer, momentum) if self.configs[0].nesterov else buffer
        self.weights.sub_(direction * self.as_weights(lr))


@register_optimizer
class SGDConfig(OptimizerConfig):
    """Stochastic gradient descent with momentum and an L2 penalty."""

    kind: Literal["sgd"] = "sgd"
    lr: float = Field(default=0.1, gt=0, description="learning rate")
    l2: float = Field(default=0.0, ge=0, description="adds l2·w to the gradient of every weight w")
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = False

    alike = ("nesterov",)
    stacked = StackedSGD

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> "SGDConfig":
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0; give one, or turn nesterov off")
        return self

    @property
    def summary(self) -> str:
        """Name, learning rate, momentum and penalty."""
        momentum = f"{'Nesterov ' if self.nesterov else ''}momentum {self.momentum:g}"
        return f"SGD, learning rate {self.lr:g}, {momentum}, L2 penalty {self.l2:g}"

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.SGD:
        """Return PyTorch's, in its fused form where that is right; it penalises every parameter, biases too."""
        parameters = list(parameters)
        # on a CPU, PyTorch 2.13's fused form leaves most bfloat16 weights where they are
        fused = all(weights.dtype.itemsize >= 4 for weights in parameters)
        return torch.optim.SGD(
            parameters, self.lr, self.momentum, weight_decay=self.l2, nesterov=self.nesterov, fused=fused
        )
