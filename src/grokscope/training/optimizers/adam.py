"""Adam: with decoupled weight decay, and with an L2 penalty."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from grokscope.training.optimizers.base import OptimizerConfig
from grokscope.training.optimizers.rates import Rates, groups_by_rate, rows_of_rates
from grokscope.training.optimizers.registry import register_optimizer
from grokscope.training.optimizers.stacked import Column, SlotOptimizer
from grokscope.training.weight_rows import WeightRows

Beta = Annotated[float, Field(ge=0, lt=1)]


class _AdamRule(SlotOptimizer):
    """PyTorch's arithmetic on rows, in which each network has its own learning rate, decay and momenta."""

    slots = ("exp_avg", "exp_avg_sq")
    counts = True

    def adam(self, gradient: Float[Tensor, "stack weight"], lr: Column | Float[Tensor, "stack weight"]) -> None:
        """Move the weights by the running mean of the gradient over the root of that of its square."""
        first, second = self.memory["exp_avg"], self.memory["exp_avg_sq"]
        beta1, beta2 = self.column("betas", 0), self.column("betas", 1)
        first.lerp_(gradient, self.as_weights(1 - beta1))
        second.mul_(self.as_weights(beta2)).addcmul_(gradient.mul(self.as_weights(1 - beta2)), gradient)
        size = torch.sqrt(second, out=gradient)
        size.div_(self.as_weights((1 - beta2**self.steps).sqrt())).add_(self.as_weights(self.column("eps")))
        step = self.as_weights(lr / (1 - beta1**self.steps))
        self.weights.sub_(torch.div(first, size, out=size).mul_(step))


class StackedAdamW(_AdamRule):
    """:class:`AdamWConfig` of stacked networks."""

    def __init__(
        self, configs: Sequence["AdamWConfig"], weights: Float[Tensor, "stack weight"], layout: WeightRows
    ) -> None:
        super().__init__(configs, weights, layout)
        self._rates = self._rows()

    def _rows(self) -> Float[Tensor, "stack weight"] | None:
        rows = rows_of_rates([config.rates for config in self.configs], self.layout)
        return None if rows is None else rows.to(self.weights.device)

    def keep(self, index: Int[Tensor, " chosen"]) -> None:
        """Go on with some of the networks only."""
        super().keep(index)
        self._rates = self._rows()

    def move(self, gradient: Float[Tensor, "stack weight"], lr: Column) -> None:
        """Shrink the weights, then move them."""
        own = lr if self._rates is None else lr * self._rates
        self.weights.mul_(self.as_weights(1 - own * self.column("weight_decay")))
        self.adam(gradient, own)


class StackedAdam(_AdamRule):
    """:class:`AdamConfig` of stacked networks."""

    def move(self, gradient: Float[Tensor, "stack weight"], lr: Column) -> None:
        """Move the weights, with the penalty in the gradient."""
        if any(config.l2 for config in self.configs):
            gradient.addcmul_(self.weights, self.as_weights(self.column("l2")))
        self.adam(gradient, lr)


@register_optimizer
class AdamWConfig(OptimizerConfig):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019); the defaults are the paper's."""

    kind: Literal["adamw"] = "adamw"
    weight_decay: float = Field(
        default=1.0, ge=0, description="each step multiplies every weight by 1 − lr·weight_decay"
    )
    betas: tuple[Beta, Beta] = (0.9, 0.98)
    eps: float = Field(default=1e-8, gt=0)
    rates: Rates = Field(default={}, description="multiples of the learning rate, and so of the decay, by parameter")

    stacked = StackedAdamW

    @property
    def summary(self) -> str:
        """Name, learning rate and decay."""
        return f"AdamW, learning rate {self.lr:g}, weight decay {self.weight_decay:g}"

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.AdamW:
        """Return PyTorch's, in its fused form; it decays every parameter, biases too."""
        return torch.optim.AdamW(parameters, self.lr, self.betas, self.eps, weight_decay=self.weight_decay, fused=True)

    def build_for(self, named: Mapping[str, nn.Parameter]) -> torch.optim.AdamW:
        """Return PyTorch's, with a group of parameters for each rate."""
        groups = groups_by_rate(named, self.rates, self.lr)
        return torch.optim.AdamW(groups, self.lr, self.betas, self.eps, weight_decay=self.weight_decay, fused=True)


@register_optimizer
class AdamConfig(OptimizerConfig):
    """Adam (Kingma & Ba 2015) with an L2 penalty added to the gradient."""

    kind: Literal["adam"] = "adam"
    l2: float = Field(default=0.0, ge=0, description="adds l2·w to the gradient of every weight w")
    betas: tuple[Beta, Beta] = (0.9, 0.98)
    eps: float = Field(default=1e-8, gt=0)

    stacked = StackedAdam

    @property
    def summary(self) -> str:
        """Name, learning rate and penalty."""
        return f"Adam, learning rate {self.lr:g}, L2 penalty {self.l2:g}"

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Adam:
        """Return PyTorch's, in its fused form; it penalises every parameter, biases too."""
        return torch.optim.Adam(parameters, self.lr, self.betas, self.eps, weight_decay=self.l2, fused=True)
