"""Addition of numbers written out in digits, one answer digit at a time."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Int
from pydantic import Field, StrictInt
from torch import Tensor

from grokscope.tasks.examples import Examples
from grokscope.tasks.registry import register_task
from grokscope.tasks.sampling import FiniteSamples, InfiniteSamples, Sampled
from grokscope.tasks.sequences.config import SequenceTaskConfig
from grokscope.tasks.task import SequenceTask


class FiniteSums(FiniteSamples):
    """Distinct sums to train on again and again, and others to test on."""

    train_size: StrictInt = Field(default=700, ge=1, description="sums that are trained on")


class InfiniteSums(InfiniteSamples):
    """Sums drawn afresh for every step, none of them in the test set."""

    batch_size: StrictInt = Field(default=64, ge=1, description="sums in a step")


@register_task
class DigitAdditionConfig(SequenceTaskConfig):
    """a + b, both with ``n_digits`` digits in ``base``, most significant first."""

    kind: Literal["digit-addition"] = "digit-addition"
    n_digits: StrictInt = Field(default=5, ge=1, le=15, description="digits of each number")
    base: StrictInt = Field(default=10, ge=2, le=64, description="digits run from 0 to base − 1")
    data: Annotated[FiniteSums | InfiniteSums, Field(discriminator="kind")] = InfiniteSums()

    @property
    def summary(self) -> str:
        """What is learned, for people."""
        base = "" if self.base == 10 else f" in base {self.base}"
        return f"{self.n_digits}-digit addition{base}, {self.data.summary}"

    @property
    def n_possible(self) -> int:
        """How many different examples there are."""
        return self.base ** (2 * self.n_digits)

    def draw(self, size: int, generator: torch.Generator) -> Examples:
        """Return ``size`` examples drawn at random."""
        return sums(*_operands(size, self.n_digits, self.base, generator), self.base)

    def task(self, data: Sampled) -> "DigitAdditionTask":
        """Return the task with these data."""
        n, base = self.n_digits, self.base
        return DigitAdditionTask(
            name=self.summary,
            d_vocab=base + 2,
            d_vocab_out=base,
            n_ctx=3 * n + 3,
            target_positions=tuple(range(2 * n + 1, 3 * n + 2)),
            train=data.train,
            test=data.test,
            batches=data.batches,
            # the leading digit of the answer is a carry, 0 or 1
            chance_loss=(n * math.log(base) + math.log(2)) / (n + 1),
            subtasks=tuple(f"digit_{power}" for power in range(n, -1, -1)),
            subtask_chance_losses=(math.log(2), *[math.log(base)] * n),
            n_digits=n,
            base=base,
        )


@dataclass(frozen=True, eq=False, repr=False)
class DigitAdditionTask(SequenceTask):
    """Sums as sequences: the digits of a, ``+``, those of b, ``=``, those of a + b (one more)."""

    n_digits: int
    base: int

    def examples(self, a: Int[Tensor, "example n_digits"], b: Int[Tensor, "example n_digits"]) -> Examples:
        """Return the sums of numbers given by their digits, most significant first."""
        return sums(a, b, self.base)

    def draw(self, size: int, generator: torch.Generator) -> Examples:
        """Return ``size`` sums of numbers whose digits are independent and uniform."""
        return sums(*_operands(size, self.n_digits, self.base, generator), self.base)


def _operands(size: int, n_digits: int, base: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    digits = torch.randint(base, (2, size, n_digits), generator=generator)
    return digits[0], digits[1]


def carries(
    a: Int[Tensor, "example n_digits"], b: Int[Tensor, "example n_digits"], base: int
) -> Int[Tensor, "example n_digits"]:
    """Return the carry, 0 or 1, that comes *out of* each column, most significant first."""
    columns = a + b
    carry, out = torch.zeros_like(columns[:, 0]), []
    for place in reversed(range(columns.shape[1])):
        carry = ((columns[:, place] + carry) >= base).long()
        out.append(carry)
    return torch.stack(out[::-1], dim=1)


def sums(a: Int[Tensor, "example n_digits"], b: Int[Tensor, "example n_digits"], base: int) -> Examples:
    """Return the sums as examples: the answer's digits are predicted one by one, each after those before it.

    Tokens: the digits as themselves, ``base`` for ``+``, ``base + 1`` for ``=``.
    Source: Nanda & Lieberum (2022), "5 digit addition".
    """
    carried = carries(a, b, base)
    nothing = torch.zeros_like(carried[:, :1])
    into = torch.cat([carried, nothing], dim=1)
    answer = (torch.cat([nothing, a + b], dim=1) + into) % base
    plus = torch.full_like(nothing, base)
    tokens = torch.cat([a, plus, b, plus + 1, answer], dim=1)
    subtasks = torch.arange(answer.shape[1], device=a.device).repeat(len(a), 1)
    return Examples(tokens, answer, subtasks)
