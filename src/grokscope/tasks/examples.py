"""Sequences and what must be predicted in them."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Examples:
    """Token sequences and the right answers at the scored positions."""

    tokens: Int[Tensor, "example n_ctx"]
    targets: Int[Tensor, "example n_scored"]

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def select(self, index: Int[Tensor, " chosen"]) -> "Examples":
        """Return the examples at ``index``, in that order."""
        return Examples(self.tokens.index_select(0, index), self.targets.index_select(0, index))

    def to(self, device: torch.device) -> "Examples":
        """Return the same examples on ``device``."""
        return Examples(self.tokens.to(device), self.targets.to(device))
