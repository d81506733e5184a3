"""Dropout that draws from a named generator instead of the global one."""

import torch
from torch import Tensor


def drop(value: Tensor, rate: float, noise: torch.Generator | None) -> Tensor:
    """Return ``value`` with a share ``rate`` of its entries zeroed and the rest scaled by 1/(1 − rate).

    Nothing happens without a generator: whoever wants noise says where it comes from (Srivastava et al. 2014).
    """
    if rate == 0 or noise is None:
        return value
    kept = torch.rand(value.shape, generator=noise, device=value.device, dtype=value.dtype) >= rate
    return value * kept / (1 - rate)
