"""Finding which columns and which heads decide each digit of a sum.

The algorithm that is tested: an answer digit adds its own column to the carry out of the column below; heads look at
these columns, by position; where the column below sums to base − 1, the carry is looked for further down.
"""

from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.sequences.carries import (
    CARRY_WORDS,
    Carry,
    answers,
    carry_cases,
    column_attention,
    column_influence,
    operands,
    predictions,
    scores_by_case,
)
from grokscope.display import brief_repr
from grokscope.explanation.base import Findings
from grokscope.explanation.sequences.head_interventions import HeadInterventions
from grokscope.models import Transformer
from grokscope.tasks import DigitAdditionTask

N_EXAMPLES = 1000
"""Fresh sums on which everything is measured."""
DONORS = 50
"""Sums that are looked through for one with the carry that an interchange needs."""
LOOKS = 0.5
"""A head looks at a column to which it gives more than this of its attention."""


@dataclass(frozen=True, eq=False)
class Sums:
    """A network on fresh sums: what it answers, and which column each head attends to."""

    model: Transformer
    task: DigitAdditionTask
    interventions: HeadInterventions
    tokens: Int[Tensor, "b n_ctx"]
    predicted: Int[Tensor, "b digit"]
    true: Int[Tensor, "b digit"]
    attention: Float[Tensor, "h digit column"]
    """Of the first layer."""

    __repr__ = brief_repr

    @property
    def right(self) -> Bool[Tensor, "b digit"]:
        """Which answer digits are right."""
        return self.predicted == self.true

    @property
    def cases(self) -> Int[Tensor, "b digit"]:
        """Which carry each answer digit needs."""
        return carry_cases(self.task, self.tokens)

    def heads_looking(self, digit: int, column: int) -> list[int]:
        """Return the heads of the first layer that attend to ``column`` where ``digit`` is predicted."""
        return (self.attention[:, digit, column] > LOOKS).nonzero().flatten().tolist()

    def carries_out(self, column: int) -> Int[Tensor, " b"]:
        """Return the carry that a column makes by itself; where it waits for one from below, −1."""
        a, b = operands(self.task, self.tokens)
        total = (a + b)[:, column]
        return torch.where(total == self.task.base - 1, -1, (total >= self.task.base).long())

    def donors(self, column: int, *, flip: bool) -> tuple[Int[Tensor, "b n_ctx"], Bool[Tensor, " b"]]:
        """Return for each sum another whose column makes the other carry (or the same), and where one was found."""
        mine = self.carries_out(column)
        wanted = 1 - mine if flip else mine
        donor, found = self.tokens.clone(), torch.zeros(len(mine), dtype=torch.bool)
        for shift in range(1, DONORS):
            fits = ~found & (mine >= 0) & (mine.roll(shift) == wanted)
            donor[fits] = self.tokens.roll(shift, 0)[fits]
            found |= fits
        return donor, found


def observe(model: Transformer, task: DigitAdditionTask, *, seed: int) -> Sums:
    """Return the network on fresh sums."""
    examples = fresh_examples(task, N_EXAMPLES, seed=seed)
    interventions = HeadInterventions.on(model, task, examples)
    attention = column_attention(interventions.cache["blocks.0.attn.hook_pattern"], task)
    tokens = examples.tokens
    predicted, true = predictions(model, task, tokens), answers(task, tokens)
    return Sums(model, task, interventions, tokens, predicted, true, attention)


def findings(sums: Sums) -> tuple[Findings, ...]:
    """Return accuracy by carry, where each head looks, and which columns decide which digits."""
    n = sums.task.n_digits
    by_case = scores_by_case(sums.right, sums.cases)
    scores, looks, counted = [], [], []
    influence, true = column_influence(sums.model, sums.task, sums.interventions.examples)
    for digit in range(n, -1, -1):
        scores.append({"digit": digit} | {CARRY_WORDS[case]: float(by_case.accuracy[digit, case]) for case in Carry})
        looks.append(
            {"digit": digit} | {f"head {head}": _place(sums, head, digit) for head in range(len(sums.attention))}
        )
        row: dict[str, object] = {"digit": digit}
        for column in range(n - 1, -1, -1):
            row[f"column {column}"] = float(influence[digit, column])
            row[f"column {column}, right answers"] = float(true[digit, column])
        counted.append(row)
    return (
        Findings("Share right, by the carry that a digit needs", pd.DataFrame(scores)),
        Findings("Where each head looks (column, share of its attention)", pd.DataFrame(looks)),
        Findings("Share of digits that change with a column", pd.DataFrame(counted)),
    )


def _place(sums: Sums, head: int, digit: int) -> str:
    attention = sums.attention[head, digit]
    column = int(attention.argmax())
    return f"{column}: {float(attention[column]):.2f}"
