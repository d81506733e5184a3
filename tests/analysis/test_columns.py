"""Columns, carries and interchanges, against Python's own arithmetic."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis.sequences.carries import (
    Carry,
    answer_position,
    answers,
    carry_cases,
    places_of,
    scores_by_case,
    with_column,
)
from grokscope.tasks import DigitAdditionConfig, DigitAdditionTask


def task_of(n_digits: int, base: int) -> DigitAdditionTask:
    task = DigitAdditionConfig(n_digits=n_digits, base=base, data={"kind": "infinite", "test_size": 1}).build()
    assert isinstance(task, DigitAdditionTask)
    return task


def digits(number: int, n: int, base: int) -> list[int]:
    return [number // base**power % base for power in range(n)]


def tokens_of(task: DigitAdditionTask, a: int, b: int) -> torch.Tensor:
    rows = [torch.tensor([digits(x, task.n_digits, task.base)]).flip(1) for x in (a, b)]
    return task.examples(*rows).tokens


@given(st.data(), st.integers(1, 6), st.sampled_from([2, 3, 10]))
def test_answers_and_carries_are_those_of_whole_numbers(data, n, base):
    task = task_of(n, base)
    a, b = (data.draw(st.integers(0, base**n - 1)) for _ in range(2))
    tokens = tokens_of(task, a, b)
    assert answers(task, tokens)[0].tolist() == digits(a + b, n + 1, base)
    cases = carry_cases(task, tokens)[0].tolist()
    assert cases[0] == Carry.NONE
    for digit in range(1, n + 1):
        below = a // base ** (digit - 1) % base + b // base ** (digit - 1) % base
        carried = (a % base**digit + b % base**digit) >= base**digit
        waits = below == base - 1
        expected = (Carry.PASSED if carried else Carry.STOPPED) if waits else (Carry.MADE if carried else Carry.NONE)
        assert cases[digit] == expected


def test_places_and_positions_of_the_published_task():
    task = task_of(5, 10)
    tokens = tokens_of(task, 12345, 67890)
    assert [int(tokens[0, place]) for place in places_of(task, 0)] == [5, 0]
    assert [int(tokens[0, place]) for place in places_of(task, 4)] == [1, 6]
    assert answer_position(task, 5) == 11  # '=' predicts the leading digit
    assert int(tokens[0, answer_position(task, 0) + 1]) == 5


def test_an_interchange_changes_one_column_and_nothing_else():
    task = task_of(3, 10)
    changed = with_column(task, tokens_of(task, 123, 456), tokens_of(task, 789, 19), 1)
    assert answers(task, changed)[0].tolist() == digits(183 + 416, 4, 10)
    assert torch.equal(changed[:, -4:], tokens_of(task, 123, 456)[:, -4:])


def test_scores_by_case_are_shares():
    right = torch.tensor([[True], [False], [True], [True]])
    cases = torch.tensor([[0], [0], [1], [1]])
    scores = scores_by_case(right, cases)
    assert scores.accuracy[0, :2].tolist() == [pytest.approx(0.5), 1]
    assert scores.count[0].tolist() == [2, 2, 0, 0]
    assert scores.accuracy[0, 2].isnan()
