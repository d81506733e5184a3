"""Any optimiser, after each of whose updates the weights are put back where their norms are allowed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from grokscope.training.optimizers.adam import AdamWConfig
from grokscope.training.optimizers.base import OptimizerConfig
from grokscope.training.optimizers.registry import AnyOptimizerConfig, register_optimizer

Constraint = Literal["norm", "spectral", "vectors"]

_BOUND = "bound"
"""Under which name every parameter remembers the norms that it may have; beside it, what the inner optimiser keeps."""


def spectral_norms(weights: Float[Tensor, "*stack n_in n_out"]) -> Float[Tensor, "*stack 1 1"]:
    """Return the largest singular value of each matrix, from the eigenvalues of the smaller of its Gram matrices."""
    wide = weights if weights.shape[-2] <= weights.shape[-1] else weights.mT
    return torch.linalg.eigvalsh(wide @ wide.mT)[..., -1, None, None].clamp_min(0).sqrt()


def vector_norms(weights: Float[Tensor, "*stack n_in n_out"]) -> Float[Tensor, "*stack n_in 1"]:
    """Return the norm of each row: of a token's embedding, and of what each neuron writes."""
    return weights.norm(dim=-1, keepdim=True)


_NORMS: dict[str, Callable[[Tensor], Tensor]] = {"spectral": spectral_norms, "vectors": vector_norms}
"""Of the matrices; ``norm`` is of all weights together."""


class Constrained(torch.optim.Optimizer):
    """An optimiser, and a bound on norms of the weights, in multiples of what they were at the start.

    Args:
        inner: moves the weights; its memory is remembered too.
        constraint: ``norm``, all weights together are shrunk to the bound once they are beyond it; ``spectral``, each
            matrix is; ``vectors``, each row of each matrix is given the norm of the bound.
        bound: multiple of the initial norm; of ``vectors``, of the root mean square of the initial ones.
    """

    def __init__(self, inner: torch.optim.Optimizer, constraint: Constraint, bound: float) -> None:
        super().__init__([{"params": group["params"]} for group in inner.param_groups], {"lr": 1.0})
        self._inner, self._constraint, self._bound = inner, constraint, bound
        self._own_rates = [group["lr"] for group in inner.param_groups]
        self._bounds = {weights: self._bound_of(weights.detach()) for weights in self._weights()}
        self._has_moved = False

    def _weights(self) -> list[nn.Parameter]:
        return [weights for group in self.param_groups for weights in group["params"]]

    def _bound_of(self, weights: Tensor) -> Tensor:
        if self._constraint == "norm" or weights.ndim < 2:
            return self._bound * weights.norm()
        norms = _NORMS[self._constraint](weights)
        if self._constraint == "vectors":  # all rows alike: their lengths are then no code for anything
            norms = norms.square().mean(-2, keepdim=True).sqrt()
        return self._bound * norms

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move the weights, then put them back where their norms are allowed."""
        for own, mine, group in zip(self._own_rates, self.param_groups, self._inner.param_groups, strict=True):
            group["lr"] = own * mine["lr"]
        self._inner.step()
        if self._constraint == "norm":
            allowed, norm = (
                torch.stack([each.norm() for each in tensors]).norm()
                for tensors in (self._bounds.values(), self._bounds.keys())
            )
            for weights in self._bounds:
                weights.mul_((allowed / norm).clamp(max=1))
        else:
            for weights, allowed in self._bounds.items():
                if weights.ndim >= 2:
                    share = allowed / _NORMS[self._constraint](weights).clamp_min(1e-30)
                    weights.mul_(share if self._constraint == "vectors" else share.clamp(max=1))
        self._has_moved = True

    def state_dict(self) -> dict[str, Any]:
        """Return what the inner optimiser remembers, and beside it the bound of each parameter, once it has moved."""
        whole = super().state_dict()
        if self._has_moved:
            inner = self._inner.state_dict()["state"]
            bounds = enumerate(self._bounds.values())
            whole["state"] = {number: {_BOUND: bound, **inner.get(number, {})} for number, bound in bounds}
        return whole

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what another one of the same settings remembered."""
        weights, inner = self._weights(), {}
        for number, slots in state_dict["state"].items():
            self._bounds[weights[number]] = slots[_BOUND]
            inner[number] = {name: value for name, value in slots.items() if name != _BOUND}
        kept = {number: slots for number, slots in inner.items() if slots}
        self._inner.load_state_dict({**self._inner.state_dict(), "state": kept})
        self._has_moved = bool(state_dict["state"])


@register_optimizer
class ConstrainedConfig(OptimizerConfig):
    """An optimiser that may not leave the initial norms of the weights, or a multiple of them.

    A bound on the weights takes the place of weight decay: a network cannot grow to memorise (Liu et al. 2023,
    arXiv 2210.01117, clamp the norm; Cesista 2025 retracts each matrix to a spectral norm).
    """

    kind: Literal["constrained"] = "constrained"
    lr: float = Field(default=1.0, gt=0, description="multiplies the learning rate of the inner optimiser")
    inner: AnyOptimizerConfig = Field(default_factory=AdamWConfig)
    constraint: Constraint = Field(
        default="norm",
        description="norm: all weights together are bounded; spectral: each matrix; vectors: each row is normalised",
    )
    bound: float = Field(default=1.0, gt=0, description="multiple of the norm at the start")

    @property
    def summary(self) -> str:
        """The inner optimiser and the bound."""
        held = {
            "norm": "the norm of all weights stays within",
            "spectral": "the spectral norm of each matrix stays within",
            "vectors": "the norm of each row is held at",
        }
        rate = "" if self.lr == 1 else f", learning rate times {self.lr:g}"
        return f"{self.inner.summary}{rate}; {held[self.constraint]} {self.bound:g} times the initial"

    def build(self, parameters: Iterable[nn.Parameter]) -> Constrained:
        """Return the optimiser of one network."""
        return Constrained(self.inner.build(list(parameters)), self.constraint, self.bound)

    def build_for(self, named: Mapping[str, nn.Parameter]) -> Constrained:
        """Return the optimiser of one network, whose parameters are known by name."""
        return Constrained(self.inner.build_for(named), self.constraint, self.bound)
