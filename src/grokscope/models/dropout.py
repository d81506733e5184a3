"""Dropout that draws from a named generator instead of the global one."""

from collections.abc import Sequence

import torch
from torch import Tensor

Noise = torch.Generator | Sequence[torch.Generator]
"""Where dropout masks come from: a generator, or one for each stacked network."""


def drop(value: Tensor, rate: float, noise: Noise | None) -> Tensor:
    """Return ``value`` with a share ``rate`` of its entries zeroed and the rest scaled by 1/(1 − rate).

    Nothing happens without a generator: whoever wants noise says where it comes from (Srivastava et al. 2014).
    """
    if rate == 0 or noise is None:
        return value
    if isinstance(noise, torch.Generator):
        chance = _uniform(value, noise)
    else:
        chance = torch.stack([_uniform(own, generator) for own, generator in zip(value, noise, strict=True)])
    return value * (chance >= rate) / (1 - rate)


def _uniform(value: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(value.shape, generator=generator, device=value.device, dtype=value.dtype)
