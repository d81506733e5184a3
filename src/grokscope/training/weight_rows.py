"""All weights of a network in one row: an update then takes a few operations, however many parameters there are."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.models import Network


@dataclass(frozen=True)
class WeightRows:
    """How the parameters of stacked networks lie side by side, a row for each network."""

    names: tuple[str, ...]
    """Of the parameters."""
    shapes: tuple[torch.Size, ...]
    """Of the parameters of one network."""

    @classmethod
    def of(cls, stacked: Network) -> "WeightRows":
        """Return the layout of the parameters of ``stacked``."""
        named = dict(stacked.named_parameters())
        return cls(tuple(named), tuple(weights.shape[1:] for weights in named.values()))

    def join(self, tensors: Iterable[Tensor]) -> Float[Tensor, "stack weight"]:
        """Return stacked parameters (or their gradients), in the order of the names, as rows."""
        return torch.cat([each.detach().flatten(1) for each in tensors], dim=1)

    def split(self, rows: Float[Tensor, "stack weight"]) -> dict[str, Tensor]:
        """Return views of ``rows`` by the names and in the shapes of the parameters, ``[stack, …]``."""
        pieces = rows.split([shape.numel() for shape in self.shapes], dim=1)
        return {
            name: piece.unflatten(1, shape) for name, piece, shape in zip(self.names, pieces, self.shapes, strict=True)
        }
