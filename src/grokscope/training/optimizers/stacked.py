"""Optimisers of stacked networks, in which each network has its own learning rate, decay and momenta."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from grokscope.training.optimizers.rates import RATE
from grokscope.training.optimizers.slots import load_slots, slots_of
from grokscope.training.weight_rows import WeightRows

if TYPE_CHECKING:
    from grokscope.training.optimizers.base import OptimizerConfig

Column = Float[Tensor, "stack 1"]


Settings = TypeVar("Settings", bound="OptimizerConfig")


class StackedOptimizer(ABC, Generic[Settings]):
    """Moves the weights of every stacked network along its own gradient.

    PyTorch's own optimisers take one number for all the weights they are given; one of them for each network would be
    a thousand small updates where one large one does.

    Args:
        configs: the settings of each network.
        weights: all the weights of a network in a row; moved in place.
        layout: which columns are which parameter.
    """

    def __init__(self, configs: Sequence[Settings], weights: Float[Tensor, "stack weight"], layout: WeightRows) -> None:
        self.weights, self.layout = weights, layout
        self.configs = list(configs)

    @abstractmethod
    def step(self, gradient: Float[Tensor, "stack weight"], lr: Column) -> None:
        """Move the weights; ``gradient`` is used up, and ``lr`` is in float64."""

    def keep(self, index: Int[Tensor, " chosen"]) -> None:
        """Go on with some of the networks only."""
        self.weights = self.weights.index_select(0, index)
        self.configs = [self.configs[place] for place in index.tolist()]

    @abstractmethod
    def state(self, place: int) -> dict[str, Tensor]:
        """Return what :func:`slots_of` returns of the same network's own optimiser."""

    @abstractmethod
    def load(self, states: Sequence[Mapping[str, Tensor]], steps: int) -> None:
        """Take up what :meth:`state` or :func:`slots_of` returned of each network after ``steps`` updates."""


class SlotOptimizer(StackedOptimizer[Settings]):
    """A stacked optimiser that remembers tensors of the weights' shape: the arithmetic is on whole rows."""

    slots: ClassVar[tuple[str, ...]]
    """Names of what is remembered of every weight, as the optimiser of one network calls it."""
    counts: ClassVar[bool] = False
    """Whether the optimiser of one network remembers how many updates there were, as ``step``."""

    def __init__(self, configs: Sequence[Settings], weights: Float[Tensor, "stack weight"], layout: WeightRows) -> None:
        super().__init__(configs, weights, layout)
        self.steps = 0
        """Updates so far."""
        self.memory = {name: torch.zeros_like(weights) for name in self.slots}
        self._columns: dict[str, Tensor] = {}

    def step(self, gradient: Float[Tensor, "stack weight"], lr: Column) -> None:
        """Move the weights; ``gradient`` is used up."""
        self.steps += 1
        self.move(gradient, lr)

    @abstractmethod
    def move(self, gradient: Float[Tensor, "stack weight"], lr: Column) -> None:
        """Move the weights by the kind's own rule."""

    def remembers(self, config: Settings) -> bool:
        """Return whether the optimiser of one network with these settings remembers anything once it has moved."""
        return True

    def column(self, name: str, part: int | None = None) -> Column:
        """Return a setting of every network, one under the other, in float64 as PyTorch computes with plain numbers."""
        key = f"{name}{part}"
        if key not in self._columns:
            values = [getattr(config, name) for config in self.configs]
            values = values if part is None else [value[part] for value in values]
            self._columns[key] = torch.tensor(values, dtype=torch.float64, device=self.weights.device).unsqueeze(1)
        return self._columns[key]

    def as_weights(self, column: Float[Tensor, "stack _"]) -> Float[Tensor, "stack _"]:
        """Return a column, or a number for every weight, in the type of the weights."""
        return column.to(self.weights.dtype)

    def keep(self, index: Int[Tensor, " chosen"]) -> None:
        """Go on with some of the networks only."""
        super().keep(index)
        self.memory = {name: value.index_select(0, index) for name, value in self.memory.items()}
        self._columns = {}

    def state(self, place: int) -> dict[str, Tensor]:
        """Return what one network's own optimiser would remember."""
        if not self.steps or not self.remembers(self.configs[place]):
            return {}
        tensors = {
            f"{slot}.{name}": value[place].clone()
            for slot, rows in self.memory.items()
            for name, value in self.layout.split(rows).items()
        }
        if self.counts:
            tensors |= {f"step.{name}": torch.tensor(float(self.steps)) for name in self.layout.names}
        return tensors

    def load(self, states: Sequence[Mapping[str, Tensor]], steps: int) -> None:
        """Take up what was remembered of each network."""
        self.steps = steps
        for place, state in enumerate(states):
            if steps and self.remembers(self.configs[place]):
                for slot, rows in self.memory.items():
                    for name, value in self.layout.split(rows).items():
                        value[place] = state[f"{slot}.{name}"]


class OneByOne(StackedOptimizer["OptimizerConfig"]):
    """The networks' own optimisers, one after the other: right for every kind, and slower than a stacked step."""

    def __init__(
        self, configs: Sequence["OptimizerConfig"], weights: Float[Tensor, "stack weight"], layout: WeightRows
    ) -> None:
        super().__init__(configs, weights, layout)
        self._build()

    def _build(self) -> None:
        views = self.layout.split(self.weights)
        self._parameters = [
            {name: nn.Parameter(value[place]) for name, value in views.items()} for place in range(len(self.configs))
        ]
        self._own = [
            config.build_for(parameters) for config, parameters in zip(self.configs, self._parameters, strict=True)
        ]

    def step(self, gradient: Float[Tensor, "stack weight"], lr: Column) -> None:
        """Move the weights of each network."""
        gradients = self.layout.split(gradient)
        for place, (own, rate) in enumerate(zip(self._own, lr.flatten().tolist(), strict=True)):
            for name, parameter in self._parameters[place].items():
                parameter.grad = gradients[name][place]
            for group in own.param_groups:
                group["lr"] = rate * group.get(RATE, 1.0)
            own.step()

    def keep(self, index: Int[Tensor, " chosen"]) -> None:
        """Go on with some of the networks only."""
        states = [self.state(place) for place in index.tolist()]
        super().keep(index)
        self._build()
        self.load(states, 0)

    def state(self, place: int) -> dict[str, Tensor]:
        """Return what one network's optimiser remembers."""
        return slots_of(self._own[place], self._parameters[place])

    def load(self, states: Sequence[Mapping[str, Tensor]], steps: int) -> None:
        """Take up what was remembered of each network."""
        for own, parameters, state in zip(self._own, self._parameters, states, strict=True):
            load_slots(own, parameters, state)
