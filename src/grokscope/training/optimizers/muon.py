"""Muon: momentum whose every matrix is made orthogonal, so that all its directions move at the same speed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from grokscope.training.optimizers.adam import Beta
from grokscope.training.optimizers.base import OptimizerConfig
from grokscope.training.optimizers.rates import Rates, require_parameters
from grokscope.training.optimizers.registry import register_optimizer

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the odd polynomial that is applied to the singular values, chosen by Jordan et al. (2024) to be steep at 0."""


def orthogonalized(
    matrices: Float[Tensor, "*stack n_in n_out"], n_steps: int = 5
) -> Float[Tensor, "*stack n_in n_out"]:
    """Return U·Vᵀ of each matrix U·S·Vᵀ, with singular values between about 0.7 and 1.2 instead of 1.

    By Newton-Schulz iteration: three products of matrices a step, no decomposition.

    Args:
        matrices: one or many.
        n_steps: of the iteration; with fewer, small singular values stay smaller.

    Source: Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural networks".
    """
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if is_tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp_min(1e-30)  # the largest singular value is at most the norm
    a, b, c = COEFFICIENTS
    for _ in range(n_steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if is_tall else x


class Muon(torch.optim.Optimizer):
    """Muon on matrices and stacks of matrices (the heads of a layer), Adam on vectors; decoupled weight decay on all.

    Args:
        parameters: of the network.
        rates: of each parameter, multiplies the learning rate.
        lr: spectral norm, about, of the change of each matrix in one step.
        momentum: of matrices.
        weight_decay: each step multiplies every weight by 1 − lr·weight_decay.
        vector_lr: Adam's learning rate for vectors, as a share of ``lr``.
        betas: Adam's.
        eps: Adam's.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        rates: Sequence[float],
        lr: float,
        *,
        momentum: float,
        weight_decay: float,
        vector_lr: float,
        betas: tuple[float, float],
        eps: float,
    ) -> None:
        super().__init__(parameters, {"lr": lr})
        self._rates = {id(parameter): rate for parameter, rate in zip(parameters, rates, strict=True)}
        self._momentum, self._decay, self._vector_lr = momentum, weight_decay, vector_lr
        self._betas, self._eps = betas, eps

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move every weight."""
        for group in self.param_groups:
            lr = group["lr"]
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.mul_(1 - lr * self._decay)
                    move = self._matrices if weight.ndim >= 2 else self._vector
                    move(weight, weight.grad, lr * self._rates[id(weight)], self.state[weight])

    def _matrices(self, weight: Tensor, gradient: Tensor, lr: float, memory: dict[str, Tensor]) -> None:
        mean = memory.setdefault("momentum_buffer", torch.zeros_like(weight))
        mean.mul_(self._momentum).add_(gradient)
        ahead = gradient.add(mean, alpha=self._momentum)  # Nesterov's
        weight.sub_(orthogonalized(ahead), alpha=lr)

    def _vector(self, weight: Tensor, gradient: Tensor, lr: float, memory: dict[str, Tensor]) -> None:
        for name in ("exp_avg", "exp_avg_sq"):
            memory.setdefault(name, torch.zeros_like(weight))
        step = memory.setdefault("step", torch.zeros(()))
        step += 1
        first, second = memory["exp_avg"], memory["exp_avg_sq"]
        beta1, beta2 = self._betas
        first.lerp_(gradient, 1 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        n = float(step)
        size = second.div(1 - beta2**n).sqrt_().add_(self._eps)
        weight.addcdiv_(first, size, value=-lr * self._vector_lr / (1 - beta1**n))


@register_optimizer
class MuonConfig(OptimizerConfig):
    """Muon (Jordan et al. 2024) on all matrices, embeddings too, and Adam on vectors."""

    kind: Literal["muon"] = "muon"
    lr: float = Field(default=0.02, gt=0, description="spectral norm, about, of the change of each matrix in a step")
    weight_decay: float = Field(
        default=0.1, ge=0, description="each step multiplies every weight by 1 − lr·weight_decay"
    )
    momentum: float = Field(default=0.95, ge=0, lt=1, description="of matrices, Nesterov's")
    vector_lr: float = Field(
        default=0.05, ge=0, description="Adam's learning rate for vectors (biases), as a share of lr"
    )
    betas: tuple[Beta, Beta] = Field(default=(0.9, 0.98), description="Adam's, for vectors")
    eps: float = Field(default=1e-8, gt=0)
    rates: Rates = Field(
        default={}, description="multiples of the learning rate (not of the decay) for parameters, by name"
    )

    @property
    def summary(self) -> str:
        """Name, learning rate, momentum and decay."""
        return f"Muon, learning rate {self.lr:g}, momentum {self.momentum:g}, weight decay {self.weight_decay:g}"

    def build(self, parameters: Iterable[nn.Parameter]) -> Muon:
        """Return the optimiser of one network, all of whose parameters have one rate."""
        parameters = list(parameters)
        return self._build(parameters, [1.0] * len(parameters))

    def build_for(self, named: Mapping[str, nn.Parameter]) -> Muon:
        """Return the optimiser of one network; it decays every parameter, biases too."""
        require_parameters(self.rates, list(named))
        return self._build(list(named.values()), [self.rates.get(name, 1.0) for name in named])

    def _build(self, parameters: Sequence[nn.Parameter], rates: Sequence[float]) -> Muon:
        return Muon(
            parameters, rates, self.lr, momentum=self.momentum, weight_decay=self.weight_decay,
            vector_lr=self.vector_lr, betas=self.betas, eps=self.eps,
        )  # fmt: skip
