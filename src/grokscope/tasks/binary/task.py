"""A binary operation on the elements 0 … n − 1, given by the table of its answers."""

import math
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

from grokscope.tasks.batches import Batches, FullBatch, MiniBatches, Stream
from grokscope.tasks.binary.config import FiniteData, InfiniteData
from grokscope.tasks.binary.split import every_pair, split_pairs
from grokscope.tasks.examples import Examples
from grokscope.tasks.task import BYTES_TO_INSPECT, Task

Operation = TypeVar("Operation", bound="BinaryOperationTask")  # Self cannot be checked at run time in a method


@dataclass(frozen=True, eq=False, repr=False)
class BinaryOperationTask(Task):
    """Pairs of elements and their answers, with the ground truth: the whole table."""

    table: Int[Tensor, "n n"]
    """``table[a, b]``: the right answer to the pair (a, b)."""
    equals_token: bool

    @property
    def n(self) -> int:
        """The number of elements."""
        return self.table.shape[0]

    @property
    def all_pairs(self) -> Examples:
        """All n² inputs in lexicographic order: example ``a * n + b`` is the pair (a, b)."""
        return _examples(every_pair(self.n), self.table, self.equals_token)

    @property
    def bytes_to_inspect(self) -> int:
        """About how much memory an analysis of a network takes, in bytes; measured up to n = 311."""
        return BYTES_TO_INSPECT + 60 * self.n**3

    def with_other_test_answers(self: Operation, generator: torch.Generator) -> Operation:
        """Return the same task with the answers of its test set shuffled, in the table too."""
        other = super().with_other_test_answers(generator)
        assert other.test is not None
        table = self.table.clone()
        table[other.test.tokens[:, 0], other.test.tokens[:, 1]] = other.test.targets[:, 0]
        return replace(other, table=table)

    @classmethod
    def of_table(
        cls: type[Operation],
        table: Int[Tensor, "n n"],
        data: FiniteData | InfiniteData,
        *,
        name: str,
        equals_token: bool,
        split_seed: int,
        data_seed: int,
        **fields: Any,
    ) -> Operation:
        """Return the task of learning ``table``.

        Args:
            table: the answers.
            data: how much of it is trained on.
            name: of the task.
            equals_token: whether inputs end with ``=``, the token n.
            split_seed: chooses the training pairs.
            data_seed: draws batches.
            fields: those that a subclass adds.
        """
        n = table.shape[0]
        train, test, batches = _data(table, data, equals_token, split_seed, data_seed)
        return cls(
            name=name,
            d_vocab=n + equals_token,
            # the published networks have a logit for '=' too, and it takes part in their loss
            d_vocab_out=n + equals_token,
            n_ctx=2 + equals_token,
            target_positions=(1 + equals_token,),
            train=train,
            test=test,
            batches=batches,
            chance_loss=math.log(n),
            subtasks=(),
            subtask_chance_losses=(),
            table=table,
            equals_token=equals_token,
            **fields,
        )


def _data(
    table: Int[Tensor, "n n"], data: FiniteData | InfiniteData, equals_token: bool, split_seed: int, data_seed: int
) -> tuple[Examples | None, Examples | None, Batches]:
    n = table.shape[0]
    if isinstance(data, InfiniteData):
        everything = _examples(every_pair(n), table, equals_token)

        def draw(size: int, generator: torch.Generator) -> Examples:
            return everything.select(torch.randint(n * n, (size,), generator=generator))

        return None, everything, Stream(draw, data.batch_size, data_seed)
    train_pairs, test_pairs = split_pairs(n, data.train_fraction, split_seed)
    train = _examples(train_pairs, table, equals_token)
    test = _examples(test_pairs, table, equals_token) if len(test_pairs) else None
    whole = data.batch_size is None or data.batch_size >= len(train)
    return train, test, FullBatch(train) if whole else MiniBatches(train, data.batch_size or 1, data_seed)


def _examples(pairs: Int[Tensor, "example 2"], table: Int[Tensor, "n n"], equals_token: bool) -> Examples:
    tokens = pairs
    if equals_token:
        tokens = torch.cat([pairs, torch.full_like(pairs[:, :1], table.shape[0])], dim=1)
    return Examples(tokens.contiguous(), table[pairs[:, 0], pairs[:, 1]].unsqueeze(1))
