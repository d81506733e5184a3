"""Sequences and what must be predicted in them."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from grokscope.display import brief_repr

NO_TARGET = -1
"""The target of a place that is not scored in this example, though it is in others."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Token sequences and the right answers at the scored positions."""

    tokens: Int[Tensor, "example n_ctx"]
    targets: Int[Tensor, "example n_targets"]
    """The right tokens; :data:`NO_TARGET` where an example has none."""
    subtasks: Int[Tensor, "example n_targets"] | None = None
    """Which subtask each target belongs to, as an index into ``Task.subtasks``; None where a task has none."""

    __repr__ = brief_repr

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def select(self, index: Int[Tensor, " chosen"]) -> "Examples":
        """Return the examples at ``index``, in that order."""
        subtasks = None if self.subtasks is None else self.subtasks.index_select(0, index)
        return Examples(self.tokens.index_select(0, index), self.targets.index_select(0, index), subtasks)

    def split(self, size: int) -> list["Examples"]:
        """Return the examples in order, at most ``size`` at a time."""
        places = torch.arange(len(self), device=self.tokens.device)
        return [self.select(chosen) for chosen in places.split(size)]

    def replaced(self, index: Int[Tensor, " chosen"], others: "Examples") -> "Examples":
        """Return the examples with ``others`` at ``index``."""
        subtasks = None
        if self.subtasks is not None and others.subtasks is not None:
            subtasks = self.subtasks.index_copy(0, index, others.subtasks)
        return Examples(
            self.tokens.index_copy(0, index, others.tokens), self.targets.index_copy(0, index, others.targets), subtasks
        )

    def target_places(self) -> Int[Tensor, " scored"] | None:
        """Return where in the flattened targets something is to be predicted; None where that is everywhere."""
        scored = self.targets.flatten() != NO_TARGET
        return None if bool(scored.all()) else scored.nonzero().squeeze(1)

    def to(self, device: torch.device) -> "Examples":
        """Return the same examples on ``device``."""
        subtasks = None if self.subtasks is None else self.subtasks.to(device)
        return Examples(self.tokens.to(device), self.targets.to(device), subtasks)
