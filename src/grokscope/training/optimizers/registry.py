"""The known optimisers, the user's own among them."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from jaxtyping import Float
from pydantic import AfterValidator, BeforeValidator, SerializeAsAny
from torch import Tensor

from grokscope.errors import ConfigError
from grokscope.registry import Registry, by_kind
from grokscope.training.optimizers.base import OptimizerConfig
from grokscope.training.optimizers.stacked import OneByOne, StackedOptimizer
from grokscope.training.weight_rows import WeightRows

OPTIMIZERS = Registry[type[OptimizerConfig]](
    "optimiser", "; name the file that registers another one with --plugin FILE"
)
"""The settings of every optimiser by kind."""

Settings = TypeVar("Settings", bound=type[OptimizerConfig])


def register_optimizer(settings: Settings) -> Settings:
    """Make an optimiser known by its ``kind``; a decorator of its settings.

    Raises:
        ConfigError: its kind has no default, or another optimiser has it.
    """
    kind = settings.model_fields["kind"].default
    if not isinstance(kind, str):
        raise ConfigError(f'{settings.__qualname__}.kind has no value; write kind: Literal["NAME"] = "NAME"')
    OPTIMIZERS.add(kind, settings)
    return settings


def _registered(settings: OptimizerConfig) -> OptimizerConfig:
    if type(settings) not in OPTIMIZERS.values():
        name = type(settings).__qualname__
        raise ValueError(f"{name} is not registered, so that it could not be read back; put @register_optimizer on it")
    return settings


AnyOptimizerConfig = Annotated[
    SerializeAsAny[OptimizerConfig], BeforeValidator(by_kind(OPTIMIZERS)), AfterValidator(_registered)
]
"""The field type of any optimiser: a mapping is read by its ``kind``."""


def build_stacked_optimizer(
    configs: Sequence[OptimizerConfig], weights: Float[Tensor, "stack weight"], layout: WeightRows
) -> StackedOptimizer:
    """Return the optimiser of stacked networks with the settings ``configs``.

    Raises:
        ConfigError: they are of different kinds, or differ in what must be alike.
    """
    first = configs[0]
    for config in configs:
        if config.kind != first.kind:
            kinds = ", ".join(sorted({each.kind for each in configs}))
            raise ConfigError(f"runs of one ensemble have one kind of optimiser, got {kinds}")
        for name in first.alike:
            if getattr(config, name) != getattr(first, name):
                raise ConfigError(f"runs of one ensemble have one value of optimizer.{name}; train them apart")
    if weights.dtype.itemsize < 4:  # PyTorch's compute a step in float32 and round once
        return OneByOne(configs, weights, layout)
    return first.stacked(configs, weights, layout)
