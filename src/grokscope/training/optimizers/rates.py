"""Learning rates of single parameters, as multiples of the one that a schedule changes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from grokscope.errors import ConfigError, nearest
from grokscope.training.weight_rows import WeightRows

RATE = "rate"
"""The entry of a parameter group with its multiple of the learning rate."""

Rates = dict[str, Annotated[float, Field(ge=0)]]
"""Multiples by the name of the parameter; 1 for those that are not named."""


def require_parameters(rates: Rates, names: Sequence[str]) -> None:
    """Raise unless the network has every parameter that has a rate.

    Raises:
        ConfigError: it has not.
    """
    for name in rates:
        if name not in names:
            raise ConfigError(f"rates: the network has no parameter {name!r}{nearest(name, list(names))}")


def groups_by_rate(named: Mapping[str, nn.Parameter], rates: Rates, lr: float) -> list[dict[str, Any]]:
    """Return the parameter groups of an optimiser, one for each rate, in the order in which rates first occur.

    Raises:
        ConfigError: the network has no parameter of a name.
    """
    require_parameters(rates, list(named))
    groups: dict[float, list[nn.Parameter]] = {}
    for name, weights in named.items():
        groups.setdefault(rates.get(name, 1.0), []).append(weights)
    return [{"params": some, "lr": lr * rate, RATE: rate} for rate, some in groups.items()]


def rows_of_rates(rates: Sequence[Rates], layout: WeightRows) -> Float[Tensor, "stack weight"] | None:
    """Return the multiple of every weight of every network, in float64; None where all are 1.

    Raises:
        ConfigError: the networks have no parameter of a name.
    """
    if not any(rates):
        return None
    for each in rates:
        require_parameters(each, layout.names)
    sizes = torch.tensor([shape.numel() for shape in layout.shapes])
    own = [[each.get(name, 1.0) for name in layout.names] for each in rates]
    return torch.tensor(own, dtype=torch.float64).repeat_interleave(sizes, dim=1)
