"""What an optimiser is: its settings, its rule for one network, and the same rule for a stack of them."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from grokscope.config import Config
from grokscope.training.optimizers.stacked import OneByOne, StackedOptimizer


class OptimizerConfig(Config):
    """The settings of an optimiser; a subclass with a ``kind`` of its own, registered, is a new one.

    Whoever gives no ``stacked`` step can be trained in ensembles all the same: the networks are then moved one after
    the other, which is slower.

    Example:
        >>> @register_optimizer
        ... class SignConfig(OptimizerConfig):
        ...     kind: Literal["sign"] = "sign"
        ...
        ...     @property
        ...     def summary(self) -> str:
        ...         return f"sign descent, learning rate {self.lr:g}"
        ...
        ...     def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        ...         return SignDescent(parameters, lr=self.lr)
    """

    kind: Any
    """A ``Literal`` with one value in every subclass."""
    lr: float = Field(default=1e-3, gt=0, description="learning rate")

    alike: ClassVar[tuple[str, ...]] = ()
    """Settings that must be the same in all members of an ensemble, because they change what is computed."""
    stacked: ClassVar[type[StackedOptimizer[Any]]] = OneByOne
    """The same rule on stacked networks, all of this kind."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """The optimiser in a few words: ``AdamW, learning rate 0.001, weight decay 1``."""

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimiser of one network.

        What it remembers must be tensors, so that a run can be resumed; the learning rate of every parameter group is
        set before each step.
        """

    def build_for(self, named: Mapping[str, nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimiser of one network, whose parameters are known by name.

        Raises:
            ConfigError: a setting names a parameter that the network does not have.
        """
        return self.build(named.values())
