"""What is learned: vocabulary, sequences, split or infinite stream, scored positions, ground truth."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from grokscope.display import facts_table, few
from grokscope.errors import NotApplicableError
from grokscope.tasks.batches import Batches, MiniBatches, Stream
from grokscope.tasks.examples import NO_TARGET, Examples

BYTES_TO_INSPECT = 2**26
"""Memory that an analysis of a network takes whatever its task, in bytes."""

_Task = TypeVar("_Task", bound="Task")  # Self cannot be checked at run time in a method


@dataclass(frozen=True, eq=False, repr=False)
class Task:
    """A task as a trainer sees it; subclasses add the ground truth that analyses compare against."""

    name: str
    d_vocab: int
    d_vocab_out: int
    n_ctx: int
    target_positions: tuple[int, ...]
    train: Examples | None
    """The finite training set, or None where training data are infinite."""
    test: Examples | None
    """Examples never trained on; for an infinite stream, a fixed sample; None where nothing is left to test on."""
    batches: Batches
    chance_loss: float
    """The cross-entropy of guessing among the possible answers, in nats."""
    subtasks: tuple[str, ...]
    """Names of the subtasks whose losses are told apart, in order; empty where there is only the whole."""
    subtask_chance_losses: tuple[float, ...]
    """The cross-entropy of guessing in each part."""

    def chance_losses(self) -> dict[str, float]:
        """Return the loss of guessing by column of a run's metrics, those of the subtasks too."""
        subtasks = zip(self.subtasks, self.subtask_chance_losses, strict=True)
        names = {"": self.chance_loss, **{f"_{part}": loss for part, loss in subtasks}}
        return {f"{data}_loss{name}": loss for data in ("train", "test") for name, loss in names.items()}

    @property
    def bytes_to_inspect(self) -> int:
        """About how much memory an analysis of one network takes, in bytes; it decides how many run at a time."""
        return BYTES_TO_INSPECT

    def artifacts(self) -> dict[str, Tensor]:
        """Return the tensors that are stored with a run because its settings may not make them again."""
        return {}

    def place_on(self: _Task, device: torch.device) -> _Task:
        """Return the same task with its examples on ``device``."""
        return replace(
            self,
            train=self.train.to(device) if self.train else None,
            test=self.test.to(device) if self.test else None,
            batches=self.batches.place_on(device),
        )

    def with_other_test_answers(self: _Task, generator: torch.Generator) -> _Task:
        """Return the same task with the answers of its test set shuffled: nothing that is trained on changes.

        Raises:
            NotApplicableError: it has no test set.
        """
        if self.test is None:
            raise NotApplicableError(f"{self.name} has no test set")
        order = torch.randperm(len(self.test), generator=generator)
        return replace(self, test=replace(self.test, targets=self.test.targets[order]))

    def __repr__(self) -> str:
        train, test = _amount(self.train, "infinite"), _amount(self.test, "none")
        return f"{type(self).__name__}({self.name!r}, train: {train}, test: {test})"

    def _repr_html_(self) -> str:
        facts: list[tuple[str, object]] = [
            ("training data", _amount(self.train, "infinite")),
            ("a step", self._a_step()),
            ("test data", _amount(self.test, "none")),
            ("sequence", f"{self.n_ctx} of {self.d_vocab:,} tokens"),
            ("answers", f"{self.d_vocab_out:,} logits, read at position {few(self.target_positions)}"),
            ("guessing", f"{self.chance_loss:.4g} nats"),
        ]
        if self.subtasks:
            facts.append(("subtasks", few(self.subtasks)))
        shown = self.train if self.test is None else self.test
        if shown is not None and len(shown):
            targets = [target for target in shown.targets[0].tolist() if target != NO_TARGET]
            facts.append(("the first", f"{few(shown.tokens[0].tolist())} → {few(targets)}"))
        return facts_table(self.name, facts)

    def _a_step(self) -> str:
        match self.batches:
            case MiniBatches(batch_size=size):
                return f"{size:,} of them"
            case Stream(batch_size=size):
                return f"{size:,} drawn afresh"
            case _:
                return "all of them"


def _amount(examples: Examples | None, otherwise: str) -> str:
    return otherwise if examples is None else f"{len(examples):,} examples"


@dataclass(frozen=True, eq=False, repr=False)
class SequenceTask(Task, ABC):
    """A task whose examples are drawn at random, so that there are always more of them."""

    @abstractmethod
    def draw(self, size: int, generator: torch.Generator) -> Examples:
        """Return ``size`` fresh examples."""
