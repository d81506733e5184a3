"""Columns of a sum: which carries come, which columns decide an answer digit, and where heads look for them.

Columns and answer digits are counted by their power of the base: column 0 is the units'. An answer digit *k* reads
column *k* (its own), and the carry out of column *k* − 1. The leading answer digit is that carry alone.
"""

from dataclasses import dataclass
from enum import IntEnum

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.analysis.precision import widened_network
from grokscope.display import brief_repr
from grokscope.models import Transformer
from grokscope.tasks import DigitAdditionTask, Examples
from grokscope.tasks.sequences.digit_addition import carries


class Carry(IntEnum):
    """What an answer digit needs to know of the columns below."""

    NONE = 0
    """The column below sums to less than base − 1: no carry, whatever stands further down. So for the units."""
    MADE = 1
    """The column below makes a carry by itself."""
    STOPPED = 2
    """The column below sums to base − 1, and no carry comes into it."""
    PASSED = 3
    """The column below sums to base − 1, and passes on a carry from further down."""


CARRY_WORDS = {
    Carry.NONE: "no carry",
    Carry.MADE: "made one column below",
    Carry.STOPPED: "would be passed on, none comes",
    Carry.PASSED: "passed on from further below",
}


def operands(task: DigitAdditionTask, tokens: Int[Tensor, "b n_ctx"]) -> Int[Tensor, "2 b n_digits"]:
    """Return the digits of both numbers, the units first."""
    n = task.n_digits
    return torch.stack([tokens[:, :n], tokens[:, n + 1 : 2 * n + 1]]).flip(2)


def carry_cases(task: DigitAdditionTask, tokens: Int[Tensor, "b n_ctx"]) -> Int[Tensor, "b digit"]:
    """Return for each answer digit, the units first, which :class:`Carry` it needs."""
    a, b = operands(task, tokens)
    column = a + b
    out = carries(a.flip(1), b.flip(1), task.base).flip(1)
    waits = column == task.base - 1
    case = torch.where(waits, Carry.STOPPED + out, out)  # of each column, for the digit above it
    return torch.cat([torch.zeros_like(case[:, :1]), case], dim=1)


def with_column(
    task: DigitAdditionTask, tokens: Int[Tensor, "b n_ctx"], donor: Int[Tensor, "b n_ctx"], column: int
) -> Int[Tensor, "b n_ctx"]:
    """Return sums of which one column's digits come from other sums; the answer tokens stay as they were."""
    changed = tokens.clone()
    for place in places_of(task, column):
        changed[:, place] = donor[:, place]
    return changed


def places_of(task: DigitAdditionTask, column: int) -> tuple[int, int]:
    """Return the positions of a column's two digits."""
    n = task.n_digits
    return n - 1 - column, 2 * n - column


def answer_position(task: DigitAdditionTask, digit: int) -> int:
    """Return the position at which an answer digit is predicted."""
    return 3 * task.n_digits + 1 - digit


def answers(task: DigitAdditionTask, tokens: Int[Tensor, "b n_ctx"]) -> Int[Tensor, "b digit"]:
    """Return the right answer's digits, the units first, from the operands alone."""
    a, b = operands(task, tokens)
    return task.examples(a.flip(1), b.flip(1)).targets.flip(1)


@torch.no_grad()
def predictions(model: Transformer, task: DigitAdditionTask, tokens: Int[Tensor, "b n_ctx"]) -> Int[Tensor, "b digit"]:
    """Return the digits that the network answers, the units first, each after the tokens before it."""
    wide = widened_network(model)
    return wide.forward_fast(wide.plan(tokens, task.target_positions)).argmax(2).flip(1)


@dataclass(frozen=True, eq=False)
class CaseScores:
    """How often each answer digit is right, by the carry that it needs."""

    accuracy: Float[Tensor, "digit case"]
    """NaN where no example has the case."""
    count: Int[Tensor, "digit case"]

    __repr__ = brief_repr


def scores_by_case(right: Bool[Tensor, "b digit"], cases: Int[Tensor, "b digit"]) -> CaseScores:
    """Return accuracy and number of examples for each answer digit and :class:`Carry`."""
    of = torch.stack([cases == case for case in Carry], dim=2)
    count = of.sum(0)
    return CaseScores((of & right.unsqueeze(2)).sum(0).double() / count, count)


def column_attention(pattern: Float[Tensor, "b h q k"], task: DigitAdditionTask) -> Float[Tensor, "h digit column"]:
    """Return each head's mean attention to both digits of each column, from where each answer digit is predicted."""
    queries = [answer_position(task, digit) for digit in range(task.n_digits + 1)]
    mean = pattern[:, :, queries].mean(0)
    return torch.stack([mean[:, :, list(places_of(task, column))].sum(2) for column in range(task.n_digits)], dim=2)


@torch.no_grad()
def column_influence(
    model: Transformer, task: DigitAdditionTask, examples: Examples
) -> tuple[Float[Tensor, "digit column"], Float[Tensor, "digit column"]]:
    """Return the share of answer digits that change with each column's digits, of the network and of right answers.

    Each sum's column is replaced by that of the next one.
    """
    tokens = examples.tokens
    donor = tokens.roll(1, 0)
    said, true = predictions(model, task, tokens), answers(task, tokens)
    of_network, of_truth = [], []
    for column in range(task.n_digits):
        changed = with_column(task, tokens, donor, column)
        of_network.append((predictions(model, task, changed) != said).float().mean(0))
        of_truth.append((answers(task, changed) != true).float().mean(0))
    return torch.stack(of_network, dim=1), torch.stack(of_truth, dim=1)
