"""What is learned: vocabulary, sequences, split or endless stream, scored positions, ground truth."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from grokscope.tasks.batches import Batches, FullBatch, MiniBatches, Stream
from grokscope.tasks.examples import Examples

_Task = TypeVar("_Task", bound="Task")  # Self cannot be checked at run time in a method


@dataclass(frozen=True, eq=False)
class Task:
    """A task as a trainer sees it; subclasses add the ground truth that analyses compare against."""

    name: str
    d_vocab: int
    d_vocab_out: int
    n_ctx: int
    scored_positions: tuple[int, ...]
    train: Examples | None
    """The finite training set, or None where training data are endless."""
    test: Examples | None
    """Examples never trained on; for an endless stream, a fixed sample; None where nothing is left to test on."""
    batches: Batches
    guessing_loss: float
    """The cross-entropy of guessing among the possible answers, in nats."""
    parts: tuple[str, ...]
    """Names of the parts whose losses are told apart, in order; empty where there is only the whole."""
    part_guessing: tuple[float, ...]
    """The cross-entropy of guessing in each part."""

    def guessing_losses(self) -> dict[str, float]:
        """Return the loss of guessing by column of a run's metrics, those of the parts too."""
        parts = zip(self.parts, self.part_guessing, strict=True)
        names = {"": self.guessing_loss, **{f"_{part}": loss for part, loss in parts}}
        return {f"{data}_loss{name}": loss for data in ("train", "test") for name, loss in names.items()}

    def to(self: _Task, device: torch.device) -> _Task:
        """Return the same task with its examples on ``device``."""
        train = self.train.to(device) if self.train else None
        batches = self.batches
        if isinstance(batches, FullBatch) and train is not None:
            batches = FullBatch(train)
        elif isinstance(batches, MiniBatches) and train is not None:
            batches = MiniBatches(train, batches.batch_size, batches.seed)
        elif isinstance(batches, Stream):
            draw = batches.draw
            batches = replace(batches, draw=lambda size, generator: draw(size, generator).to(device))
        return replace(self, train=train, test=self.test.to(device) if self.test else None, batches=batches)


@dataclass(frozen=True, eq=False)
class SequenceTask(Task, ABC):
    """A task whose examples are drawn at random, so that there are always more of them."""

    @abstractmethod
    def draw(self, size: int, generator: torch.Generator) -> Examples:
        """Return ``size`` fresh examples."""
