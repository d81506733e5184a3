"""The floating type that numbers are computed in.

A network of float32 or float64 runs as it was trained, and what is recorded of it is then summed in float64. A narrower
type, bfloat16, has three digits and no decompositions on a CPU: its weights are exact in float32, and run in that.
"""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

WIDE = (torch.float32, torch.float64, torch.complex64, torch.complex128)

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)


def widened(values: Tensor) -> Tensor:
    """Return floating ``values`` in float32 where their type is narrower; others as they are."""
    return values if values.dtype in WIDE or not values.is_floating_point() else values.float()


def widened_network(model: AnyNetwork) -> AnyNetwork:
    """Return ``model``, or where its weights are narrower than float32 a copy of it with the same weights in that."""
    if all(weight.dtype in WIDE for weight in model.parameters()):
        return model
    return copy.deepcopy(model).float()
