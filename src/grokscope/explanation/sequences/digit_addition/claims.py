"""Tests of the circuit that adds digit by digit, and their thresholds."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import torch
from torch import Tensor

from grokscope.analysis.sequences.carries import (
    Carry,
    answer_position,
    answers,
    column_influence,
    operands,
    predictions,
    with_column,
)
from grokscope.explanation.claims import DOES_TASK, Claim, ClaimSpec, Control, required_ids
from grokscope.explanation.sequences.digit_addition.circuit import Sums

RIGHT = 0.95
"""The network adds if this share of the answer digits is right."""
FOLLOWS = 0.9
"""An answer follows an interchange in this share of the sums."""
OFF_BY_ONE = 0.8
"""Without the heads that look one column below, this share of the mistakes is off by one carry."""
LOCAL = 0.95
"""Columns above leave this share of the answer digits as they are."""


class AdditionClaim(StrEnum):
    """The ids of the claims."""

    TASK = DOES_TASK
    OWN_COLUMN = "own-column"
    CARRY = "carry"
    LOCAL = "local"
    CASCADE = "cascade"
    CARRY_HEADS = "carry-heads"


_TASK = ClaimSpec(AdditionClaim.TASK, "task", "The network adds", "share of answer digits right", RIGHT, required=True)
_OWN_COLUMN = ClaimSpec(
    AdditionClaim.OWN_COLUMN,
    "own column",
    "An answer digit follows its own column",
    "share of digits that become what their column from another sum (with the same carry) gives",
    FOLLOWS,
    required=True,
)
_CARRY = ClaimSpec(
    AdditionClaim.CARRY,
    "carry",
    "An answer digit follows the carry out of the column below",
    "share of digits that move by one, up or down, with a column below of the other carry",
    FOLLOWS,
    required=True,
)
_LOCAL = ClaimSpec(
    AdditionClaim.LOCAL,
    "local",
    "Columns above leave an answer digit as it is",
    "share of digits that stay with a column above from another sum",
    LOCAL,
)
_CASCADE = ClaimSpec(
    AdditionClaim.CASCADE,
    "cascade",
    "Carries that are passed on are followed further down",
    "share right of the digits above a column that sums to base − 1",
    FOLLOWS,
)
_CARRY_HEADS = ClaimSpec(
    AdditionClaim.CARRY_HEADS,
    "carry heads",
    "The heads that look one column below bring the carry, and nothing else",
    "share of the mistakes without them that are off by one carry",
    OFF_BY_ONE,
)
REQUIRED = required_ids((_TASK, _OWN_COLUMN, _CARRY))


def addition_claims(sums: Sums, others: Mapping[str, Sums]) -> list[Claim]:
    """Return the claims about a network that adds, each with its controls.

    Args:
        sums: the network on fresh sums.
        others: control networks on the same sums, by name.
    """
    claims = [_task_claim(sums, others), _own_column(sums, others), _carry(sums, others), _local(sums)]
    claims += [_cascade(sums, others)] if sums.task.n_digits > 1 else []
    return claims + _carry_heads(sums)


def _task_claim(sums: Sums, others: Mapping[str, Sums]) -> Claim:
    controls = [Control(name, other.interventions.baseline.accuracy) for name, other in others.items()]
    controls.append(Control("guessing", 1 / sums.task.base))
    return _TASK.tested(sums.interventions.baseline.accuracy, controls)


def _own_column(sums: Sums, others: Mapping[str, Sums]) -> Claim:
    """Interchange of each digit's own column for one with the same carry: the answer's digits before it still agree."""

    def share(which: Sums, distance: int) -> float:
        task, hits, n = which.task, 0, 0
        for digit in range(task.n_digits):
            donor, found = which.donors(digit, flip=False)
            wanted = answers(task, with_column(task, which.tokens, donor, digit))[:, digit]
            changed = with_column(task, which.tokens, donor, (digit + distance) % task.n_digits)
            hits += int((predictions(which.model, task, changed)[:, digit] == wanted)[found].sum())
            n += int(found.sum())
        return hits / max(n, 1)

    controls = [Control(name, share(other, 0)) for name, other in others.items()]
    if sums.task.n_digits > 1:
        controls.append(Control("another column exchanged", share(sums, 1)))
    return _OWN_COLUMN.tested(share(sums, 0), controls)


def _carry(sums: Sums, others: Mapping[str, Sums]) -> Claim:
    """Interchange of the column below for one with the other carry: the digit moves by one."""

    def share(which: Sums, *, flip: bool) -> float:
        hits, n = 0, 0
        for digit in range(1, which.task.n_digits + 1):
            donor, found = which.donors(digit - 1, flip=flip)
            changed = with_column(which.task, which.tokens, donor, digit - 1)
            moved = predictions(which.model, which.task, changed)[:, digit]
            rises = which.carries_out(digit - 1) == 0
            before = which.predicted[:, digit]
            wanted = torch.where(rises, before + 1, before - 1) % which.task.base
            usable = found & which.right[:, digit]  # a wrong digit has nowhere to move from
            hits += int((moved == wanted)[usable].sum())
            n += int(usable.sum())
        return hits / max(n, 1)

    controls = (
        Control("another column with the same carry", share(sums, flip=False)),
        *(Control(name, share(other, flip=True)) for name, other in others.items()),
    )
    return _CARRY.tested(share(sums, flip=True), controls)


def _local(sums: Sums) -> Claim:
    influence, _ = column_influence(sums.model, sums.task, sums.interventions.examples)
    n = sums.task.n_digits
    above = [float(influence[digit, column]) for digit in range(n) for column in range(digit + 1, n)]
    own = [float(influence[digit, digit]) for digit in range(n)]
    return _LOCAL.tested(
        1 - sum(above) / max(len(above), 1),
        (Control("its own column from another sum", 1 - sum(own) / n),),
    )


def _cascade(sums: Sums, others: Mapping[str, Sums]) -> Claim:
    """Where the column below waits for a carry, the digit is right only if the columns further down are read."""
    waiting = sums.cases >= Carry.STOPPED

    def right_without_further(which: Sums) -> float:
        hits, n = 0.0, 0
        donor = which.tokens.roll(1, 0)
        for digit in range(2, which.task.n_digits + 1):
            changed = which.tokens
            for column in range(digit - 1):
                changed = with_column(which.task, changed, donor, column)
            right = predictions(which.model, which.task, changed)[:, digit] == which.true[:, digit]
            hits += float(right[waiting[:, digit]].sum())
            n += int(waiting[:, digit].sum())
        return hits / max(n, 1)

    def right(which: Sums) -> float:
        return float(which.right[waiting].double().mean())

    controls = (
        Control("further columns from another sum", right_without_further(sums)),
        *(Control(name, right(other)) for name, other in others.items()),
    )
    return _CASCADE.tested(right(sums), controls)


def _carry_heads(sums: Sums) -> list[Claim]:
    """Return the claim that heads which look one column below bring the carry; none where no head does."""
    n = sums.task.n_digits
    below = {digit: sums.heads_looking(digit, digit - 1) for digit in range(1, n)}
    own = {digit: sums.heads_looking(digit, digit) for digit in range(1, n)}
    digits = [digit for digit in range(1, n) if below[digit] and own[digit]]
    if not digits:
        return []
    share, lost = _off_by_one(sums, {digit: below[digit] for digit in digits})
    other, _ = _off_by_one(sums, {digit: own[digit] for digit in digits})
    return [
        _CARRY_HEADS.tested(
            share,
            (Control("without the heads that look at the own column", other),),
            f"without them {lost:.0%} of these digits are wrong",
        )
    ]


def _off_by_one(sums: Sums, heads: dict[int, list[int]]) -> tuple[float, float]:
    """Return the share of mistakes off by one carry, and the share of mistakes, with heads out at their digits."""
    base, wrong, by_one, n = sums.task.base, 0, 0, 0
    a, b = operands(sums.task, sums.tokens)
    for digit, chosen in heads.items():
        position = answer_position(sums.task, digit)

        def hook(z: Tensor, chosen: Sequence[int] = chosen, position: int = position) -> Tensor:
            changed = z.clone()
            changed[:, position, chosen] = z[:, position, chosen].mean(0, keepdim=True)
            return changed

        with torch.no_grad():
            logits = sums.model.run_with_hooks(sums.tokens, {"blocks.0.attn.hook_z": hook})
        predicted, true = logits[:, position].argmax(1), sums.true[:, digit]
        mistaken = predicted != true
        carried = (true - (a + b)[:, digit]) % base  # 1 where a carry came in
        other = torch.where(carried == 1, true - 1, true + 1) % base
        wrong += int(mistaken.sum())
        by_one += int((mistaken & (predicted == other)).sum())
        n += len(predicted)
    return by_one / max(wrong, 1), wrong / n
