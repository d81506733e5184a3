"""The explanation of a network that adds numbers digit by digit: which columns and which heads decide each digit.

The algorithm that is tested: an answer digit adds its own column to the carry out of the column below; heads look at
these columns, by position; where the column below sums to base − 1, the carry is looked for further down.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.sequences.carries import (
    CARRY_WORDS,
    Carry,
    answer_position,
    answers,
    carry_cases,
    column_attention,
    column_influence,
    operands,
    predictions,
    scores_by_case,
    with_column,
)
from grokscope.explanation.base import CircuitExplanation, Findings
from grokscope.explanation.claims import Claim, Control
from grokscope.explanation.controls import control_networks
from grokscope.explanation.sequences.head_interventions import Watched
from grokscope.explanation.subject import SequenceSubject
from grokscope.models import Transformer
from grokscope.tasks import DigitAdditionTask

N_EXAMPLES = 1000
"""Fresh sums on which everything is measured."""
DONORS = 50
"""Sums that are looked through for one with the carry that an interchange needs."""

RIGHT = 0.95
"""The network adds if this share of the answer digits is right."""
FOLLOWS = 0.9
"""An answer follows an interchange in this share of the sums."""
LOOKS = 0.5
"""A head looks at a column to which it gives more than this of its attention."""
OFF_BY_ONE = 0.8
"""Without the heads that look one column below, this share of the mistakes is off by one carry."""
LOCAL = 0.95
"""Columns above leave this share of the answer digits as they are."""

_NEEDS = frozenset({"task", "own column", "carry"})


@dataclass(frozen=True, eq=False)
class _Sums:
    model: Transformer
    task: DigitAdditionTask
    watched: Watched
    tokens: Int[Tensor, "b n_ctx"]
    said: Int[Tensor, "b digit"]
    true: Int[Tensor, "b digit"]
    attention: Float[Tensor, "h digit column"]
    """Of the first layer."""

    @property
    def right(self) -> Bool[Tensor, "b digit"]:
        """Which answer digits are right."""
        return self.said == self.true


def explain_digit_addition(subject: SequenceSubject, task: DigitAdditionTask, *, seed: int) -> CircuitExplanation:
    """Return how a network adds."""
    began = time.perf_counter()
    sums = _watch(subject.model, task, seed=seed)
    others = {name: _watch(network, task, seed=seed) for name, network in control_networks(subject, seed=seed).items()}
    cases = carry_cases(task, sums.tokens)
    claims = [_task_claim(sums, others), _own_column(sums, others), _carry(sums, others), _local(sums)]
    claims += [_cascade(sums, cases, others)] if task.n_digits > 1 else []
    claims += _carry_heads(sums)
    whole = sums.right.all(1).double().mean()
    frozen = sums.watched.accuracy(sums.watched.with_mean_patterns(sums.watched.heads))
    notes = list(subject.notes)
    if len(subject.model.blocks) > 1:
        notes.append("which head looks where is read off the first layer alone")
    return CircuitExplanation(
        subject=subject.name,
        step=subject.step,
        task=f"{task.n_digits}-digit addition",
        accuracy=sums.watched.score.accuracy,
        loss=sums.watched.score.loss,
        claims=tuple(claims),
        needs=_NEEDS,
        circuit="each digit from its own column and the carry from below",
        facts=(
            ("whole sums right", f"{float(whole):.2%}"),
            ("with attention frozen at its mean", f"{frozen:.2%} of the digits right"),
        ),
        findings=_findings(sums, cases),
        notes=tuple(notes),
        seconds=time.perf_counter() - began,
    )


def _watch(model: Transformer, task: DigitAdditionTask, *, seed: int) -> _Sums:
    examples = fresh_examples(task, N_EXAMPLES, seed=seed)
    watched = Watched.on(model, task, examples)
    pattern = watched.cache["blocks.0.attn.hook_pattern"]
    tokens = examples.tokens
    said, true = predictions(model, task, tokens), answers(task, tokens)
    return _Sums(model, task, watched, tokens, said, true, column_attention(pattern, task))


def _task_claim(sums: _Sums, others: dict[str, _Sums]) -> Claim:
    controls = [Control(name, other.watched.score.accuracy) for name, other in others.items()]
    controls.append(Control("guessing", 1 / sums.task.base))
    right = sums.watched.score.accuracy
    return Claim("task", "The network adds", "share of answer digits right", right, RIGHT, tuple(controls))


def _own_column(sums: _Sums, others: dict[str, _Sums]) -> Claim:
    """Interchange of each digit's own column for one with the same carry: the answer's digits before it still agree."""

    def share(which: _Sums, distance: int) -> float:
        task, hits, n = which.task, 0, 0
        for digit in range(task.n_digits):
            donor, found = _donors(which, digit, flip=False)
            wanted = answers(task, with_column(task, which.tokens, donor, digit))[:, digit]
            changed = with_column(task, which.tokens, donor, (digit + distance) % task.n_digits)
            hits += int((predictions(which.model, task, changed)[:, digit] == wanted)[found].sum())
            n += int(found.sum())
        return hits / max(n, 1)

    controls = [Control(name, share(other, 0)) for name, other in others.items()]
    if sums.task.n_digits > 1:
        controls.append(Control("another column exchanged", share(sums, 1)))
    return Claim(
        "own column",
        "An answer digit follows its own column",
        "share of digits that become what their column from another sum (with the same carry) gives",
        share(sums, 0),
        FOLLOWS,
        tuple(controls),
    )


def _carry(sums: _Sums, others: dict[str, _Sums]) -> Claim:
    """Interchange of the column below for one with the other carry: the digit moves by one."""

    def share(which: _Sums, *, flip: bool) -> float:
        hits, n = 0, 0
        for digit in range(1, which.task.n_digits + 1):
            donor, found = _donors(which, digit - 1, flip=flip)
            changed = with_column(which.task, which.tokens, donor, digit - 1)
            moved = predictions(which.model, which.task, changed)[:, digit]
            rises = _carries_out(which, which.tokens, digit - 1) == 0
            said = which.said[:, digit]
            wanted = torch.where(rises, said + 1, said - 1) % which.task.base
            usable = found & which.right[:, digit]  # a wrong digit has nowhere to move from
            hits += int((moved == wanted)[usable].sum())
            n += int(usable.sum())
        return hits / max(n, 1)

    controls = (
        Control("another column with the same carry", share(sums, flip=False)),
        *(Control(name, share(other, flip=True)) for name, other in others.items()),
    )
    return Claim(
        "carry",
        "An answer digit follows the carry out of the column below",
        "share of digits that move by one, up or down, with a column below of the other carry",
        share(sums, flip=True),
        FOLLOWS,
        controls,
    )


def _carries_out(sums: _Sums, tokens: Int[Tensor, "b n_ctx"], column: int) -> Int[Tensor, " b"]:
    """Return the carry that a column makes by itself; where it waits for one from below, −1."""
    a, b = operands(sums.task, tokens)
    total = (a + b)[:, column]
    return torch.where(total == sums.task.base - 1, -1, (total >= sums.task.base).long())


def _donors(sums: _Sums, column: int, *, flip: bool) -> tuple[Int[Tensor, "b n_ctx"], Bool[Tensor, " b"]]:
    """Return for each sum another whose column makes the other carry (or the same), and where one was found."""
    mine = _carries_out(sums, sums.tokens, column)
    wanted = 1 - mine if flip else mine
    donor, found = sums.tokens.clone(), torch.zeros(len(mine), dtype=torch.bool)
    for shift in range(1, DONORS):
        fits = ~found & (mine >= 0) & (mine.roll(shift) == wanted)
        donor[fits] = sums.tokens.roll(shift, 0)[fits]
        found |= fits
    return donor, found


def _local(sums: _Sums) -> Claim:
    influence, _ = column_influence(sums.model, sums.task, sums.watched.examples)
    n = sums.task.n_digits
    above = [float(influence[digit, column]) for digit in range(n) for column in range(digit + 1, n)]
    own = [float(influence[digit, digit]) for digit in range(n)]
    return Claim(
        "local",
        "Columns above leave an answer digit as it is",
        "share of digits that stay with a column above from another sum",
        1 - sum(above) / max(len(above), 1),
        LOCAL,
        (Control("its own column from another sum", 1 - sum(own) / n),),
    )


def _cascade(sums: _Sums, cases: Int[Tensor, "b digit"], others: dict[str, _Sums]) -> Claim:
    """Where the column below waits for a carry, the digit is right only if the columns further down are read."""
    waiting = cases >= Carry.STOPPED

    def right_without_further(which: _Sums) -> float:
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

    def right(which: _Sums) -> float:
        return float(which.right[waiting].double().mean())

    controls = (
        Control("further columns from another sum", right_without_further(sums)),
        *(Control(name, right(other)) for name, other in others.items()),
    )
    return Claim(
        "cascade",
        "Carries that are passed on are followed further down",
        "share right of the digits above a column that sums to base − 1",
        right(sums),
        FOLLOWS,
        controls,
    )


def _carry_heads(sums: _Sums) -> list[Claim]:
    """Return the claim that heads which look one column below bring the carry; none where no head does."""
    n = sums.task.n_digits
    below = {digit: _looking(sums, digit, digit - 1) for digit in range(1, n)}
    own = {digit: _looking(sums, digit, digit) for digit in range(1, n)}
    digits = [digit for digit in range(1, n) if below[digit] and own[digit]]
    if not digits:
        return []
    share, lost = _off_by_one(sums, {digit: below[digit] for digit in digits})
    other, _ = _off_by_one(sums, {digit: own[digit] for digit in digits})
    return [
        Claim(
            "carry heads",
            "The heads that look one column below bring the carry, and nothing else",
            "share of the mistakes without them that are off by one carry",
            share,
            OFF_BY_ONE,
            (Control("without the heads that look at the own column", other),),
            f"without them {lost:.0%} of these digits are wrong",
        )
    ]


def _looking(sums: _Sums, digit: int, column: int) -> list[int]:
    return (sums.attention[:, digit, column] > LOOKS).nonzero().flatten().tolist()


def _off_by_one(sums: _Sums, heads: dict[int, list[int]]) -> tuple[float, float]:
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
        said, true = logits[:, position].argmax(1), sums.true[:, digit]
        mistaken = said != true
        carried = (true - (a + b)[:, digit]) % base  # 1 where a carry came in
        other = torch.where(carried == 1, true - 1, true + 1) % base
        wrong += int(mistaken.sum())
        by_one += int((mistaken & (said == other)).sum())
        n += len(said)
    return by_one / max(wrong, 1), wrong / n


def _findings(sums: _Sums, cases: Int[Tensor, "b digit"]) -> tuple[Findings, ...]:
    n = sums.task.n_digits
    by_case = scores_by_case(sums.right, cases)
    scores, looks, counted = [], [], []
    influence, true = column_influence(sums.model, sums.task, sums.watched.examples)
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


def _place(sums: _Sums, head: int, digit: int) -> str:
    attention = sums.attention[head, digit]
    column = int(attention.argmax())
    return f"{column}: {float(attention[column]):.2f}"
