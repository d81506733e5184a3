"""One optimiser up to a step, another one from there on."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from pydantic import Field, StrictInt, model_validator
from torch import nn

from grokscope.training.optimizers.adam import AdamWConfig
from grokscope.training.optimizers.base import OptimizerConfig
from grokscope.training.optimizers.muon import MuonConfig
from grokscope.training.optimizers.registry import AnyOptimizerConfig, register_optimizer

_UPDATES = "updates"
"""Under which name every parameter remembers how many updates there were; beside it, what the one in use remembers."""


class Switched(torch.optim.Optimizer):
    """Two optimisers of the same parameters, one after the other; the second begins with nothing remembered.

    Args:
        first: moves the weights in the first ``at`` updates.
        second: moves them from there on.
        at: number of updates.
        anneal: in so many updates before that, the first one's learning rate falls to zero, linearly.
        warmup: in so many updates after that, the second one's learning rate rises, linearly.
    """

    def __init__(
        self, first: torch.optim.Optimizer, second: torch.optim.Optimizer, at: int, *, anneal: int = 0, warmup: int = 0
    ) -> None:
        groups = [{"params": group["params"]} for group in first.param_groups]
        super().__init__(groups, {"lr": 1.0})
        self._both, self._at, self._updates = (first, second), at, 0
        self._anneal, self._warmup = anneal, warmup
        self._own_rates = [[group["lr"] for group in each.param_groups] for each in self._both]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move the weights, at the learning rate of the optimiser in use times that of the parameter groups."""
        place = int(self._updates >= self._at)
        used = self._both[place]
        share = self._share_of_second() if place else self._share_of_first()
        for group, own in zip(used.param_groups, self._own_rates[place], strict=True):
            group["lr"] = own * share * self.param_groups[0]["lr"]
        used.step()
        self._updates += 1

    def _share_of_first(self) -> float:
        return min(1.0, (self._at - self._updates) / self._anneal) if self._anneal else 1.0

    def _share_of_second(self) -> float:
        return min(1.0, (self._updates + 1 - self._at) / self._warmup) if self._warmup else 1.0

    def state_dict(self) -> dict[str, Any]:
        """Return what the one that moved the weights last remembers, and beside it the number of updates."""
        whole = super().state_dict()
        if self._updates:
            inner = self._moved_last.state_dict()["state"]
            count = {_UPDATES: torch.tensor(self._updates)}
            numbers = [number for group in whole["param_groups"] for number in group["params"]]
            whole["state"] = {number: {**count, **inner.get(number, {})} for number in numbers}
        return whole

    @property
    def _moved_last(self) -> torch.optim.Optimizer:
        return self._both[int(self._updates > self._at)]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what another one of the same settings remembered."""
        counts = {int(slots[_UPDATES]) for slots in state_dict["state"].values()}
        self._updates = max(counts, default=0)
        slots = {
            number: {name: value for name, value in each.items() if name != _UPDATES}
            for number, each in state_dict["state"].items()
        }
        used = self._moved_last
        used.load_state_dict({**used.state_dict(), "state": slots})


@register_optimizer
class SwitchedConfig(OptimizerConfig):
    """One optimiser, then another (Keskar & Socher 2017, arXiv 1712.07628, from Adam to SGD).

    Made for Muon, which finds a solution in few steps and keeps all its frequencies alive, and AdamW with weight decay,
    which cleans it up.
    """

    kind: Literal["switched"] = "switched"
    lr: float = Field(default=1.0, gt=0, description="multiplies the learning rates of both")
    first: AnyOptimizerConfig = Field(default_factory=MuonConfig)
    second: AnyOptimizerConfig = Field(default_factory=AdamWConfig)
    at: StrictInt = Field(default=50, ge=1, description="updates that the first one makes")
    anneal: StrictInt = Field(
        default=0, ge=0, description="in so many updates before that, the first one's learning rate falls to zero"
    )

    warmup: StrictInt = Field(
        default=0, ge=0, description="in so many updates after that, the second one's learning rate rises"
    )

    @model_validator(mode="after")
    def _anneals_in_its_own_time(self) -> "SwitchedConfig":
        if self.anneal > self.at:
            raise ValueError(f"anneal is {self.anneal}, and the first one makes {self.at} updates only; give fewer")
        return self

    @property
    def summary(self) -> str:
        """Both, and the step of the change."""
        rates = "" if self.lr == 1 else f", learning rates times {self.lr:g}"
        return f"{self.first.summary}; from step {self.at:,} on {self.second.summary}{rates}"

    def build(self, parameters: Iterable[nn.Parameter]) -> Switched:
        """Return both, as one."""
        parameters = list(parameters)
        return self._one(self.first.build(parameters), self.second.build(parameters))

    def build_for(self, named: Mapping[str, nn.Parameter]) -> Switched:
        """Return both, as one, of parameters whose names are known."""
        return self._one(self.first.build_for(named), self.second.build_for(named))

    def _one(self, first: torch.optim.Optimizer, second: torch.optim.Optimizer) -> Switched:
        return Switched(first, second, self.at, anneal=self.anneal, warmup=self.warmup)
