"""Where the examples of each training step come from: a pure function of the step.

Nothing here keeps a position, so a run that is resumed, or that keeps more checkpoints, sees
exactly the batches that it would have seen otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import torch

from grokscope.display import brief_repr
from grokscope.randomness import stream
from grokscope.tasks.examples import Examples


@runtime_checkable
class Batches(Protocol):
    """The examples of each step."""

    @property
    def fixed(self) -> Examples | None:
        """The one batch that every step uses, or None where batches differ."""
        ...

    def __call__(self, step: int) -> Examples:
        """Return the examples of this step."""
        ...

    def place_on(self, device: torch.device) -> "Batches":
        """Return the same batches on ``device``."""
        ...


@dataclass(frozen=True)
class FullBatch:
    """Every step trains on all of a finite set."""

    examples: Examples

    @property
    def fixed(self) -> Examples:
        """The whole set."""
        return self.examples

    def __call__(self, step: int) -> Examples:
        """Return the whole set, whatever the step."""
        return self.examples

    def place_on(self, device: torch.device) -> "FullBatch":
        """Return the same batch on ``device``."""
        return FullBatch(self.examples.to(device))


@dataclass
class MiniBatches:
    """Epochs over a finite set in batches, newly shuffled each epoch; the last batch may be short."""

    examples: Examples
    batch_size: int
    seed: int
    fixed: None = None
    _order: tuple[int, torch.Tensor] = field(default=(-1, torch.empty(0)), repr=False)

    __repr__ = brief_repr

    def __call__(self, step: int) -> Examples:
        """Return batch ``step % batches_per_epoch`` of its epoch's own permutation."""
        per_epoch = -(-len(self.examples) // self.batch_size)
        epoch, place = divmod(step, per_epoch)
        if self._order[0] != epoch:  # kept only because drawing it again for every batch is waste
            generator = stream("batches", self.seed, epoch)
            self._order = (epoch, torch.randperm(len(self.examples), generator=generator))
        chosen = self._order[1][place * self.batch_size : (place + 1) * self.batch_size]
        return self.examples.select(chosen.to(self.examples.tokens.device))

    def place_on(self, device: torch.device) -> "MiniBatches":
        """Return the same batches on ``device``."""
        return MiniBatches(self.examples.to(device), self.batch_size, self.seed)


@dataclass(frozen=True)
class Stream:
    """An infinite supply: every step draws fresh examples."""

    draw: Callable[[int, torch.Generator], Examples]
    batch_size: int
    seed: int
    fixed: None = None

    __repr__ = brief_repr

    def __call__(self, step: int) -> Examples:
        """Return ``batch_size`` examples drawn for this step alone."""
        return self.draw(self.batch_size, stream("batches", self.seed, step))

    def place_on(self, device: torch.device) -> "Stream":
        """Return the same examples, moved to ``device`` once they are drawn."""
        draw = self.draw
        return replace(self, draw=lambda size, generator: draw(size, generator).to(device))
