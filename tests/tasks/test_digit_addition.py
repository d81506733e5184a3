"""Sums in digits against Python's own integers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from grokscope.tasks import DigitAdditionConfig
from grokscope.tasks.sequences.digit_addition import InfiniteSums, carries, sums

FEW = InfiniteSums(batch_size=4, test_size=2)


def task_of(n_digits: int, base: int):
    return DigitAdditionConfig(n_digits=n_digits, base=base, data=FEW).build()


def number(digits: list[int], base: int) -> int:
    value = 0
    for digit in digits:
        value = value * base + digit
    return value


def digits_of(value: int, n: int, base: int) -> list[int]:
    """The digits of a whole number, most significant first."""
    digits = [value // base**power % base for power in reversed(range(n))]
    assert number(digits, base) == value, "it has so many digits"
    return digits


@st.composite
def pairs(draw, n_digits=st.integers(1, 15), bases=st.integers(2, 64)):
    """Return digits of a and of b, and the base; carries that run through many columns are not rare."""
    n, base = draw(n_digits), draw(bases)
    digit = st.integers(0, base - 1) | st.sampled_from([0, base - 1])
    column = st.tuples(digit, digit) | digit.map(lambda d: (d, base - 1 - d))
    columns = draw(st.lists(st.lists(column, min_size=n, max_size=n), min_size=1, max_size=5))
    a, b = ([[column[side] for column in example] for example in columns] for side in (0, 1))
    return a, b, base


@given(pairs())
def test_answers_are_those_of_whole_numbers(pair):
    """Also where the numbers themselves, up to 64¹⁵, are too large for 64 bits."""
    a, b, base = pair
    n = len(a[0])
    examples = sums(torch.tensor(a), torch.tensor(b), base)
    for row, (x, y) in enumerate(zip(a, b, strict=True)):
        answer = digits_of(number(x, base) + number(y, base), n + 1, base)
        assert examples.targets[row].tolist() == answer
        assert examples.tokens[row].tolist() == [*x, base, *y, base + 1, *answer]


@given(pairs())
def test_carries_are_those_of_whole_numbers(pair):
    a, b, base = pair
    n = len(a[0])
    found = carries(torch.tensor(a), torch.tensor(b), base)
    for row, (x, y) in enumerate(zip(a, b, strict=True)):
        for place in range(n):
            below = number(x[place:], base) + number(y[place:], base)
            assert found[row, place] == (below >= base ** (n - place)), "the carry out of this column"


def test_an_example_that_a_reader_can_check():
    examples = sums(torch.tensor([[9, 5, 7]]), torch.tensor([[0, 4, 8]]), 10)
    assert examples.tokens.tolist() == [[9, 5, 7, 10, 0, 4, 8, 11, 1, 0, 0, 5]]
    assert carries(torch.tensor([[9, 5, 7]]), torch.tensor([[0, 4, 8]]), 10).tolist() == [[1, 1, 1]]


@given(st.integers(1, 5), st.integers(2, 12), st.integers(0, 3))
def test_task_is_what_its_settings_say(n, base, seed):
    task = task_of(n, base)
    drawn = task.draw(20, torch.Generator().manual_seed(seed))
    assert drawn.tokens.shape == (20, task.n_ctx)
    assert (task.d_vocab, task.d_vocab_out) == (base + 2, base)
    after = [position + 1 for position in task.target_positions]
    assert after == list(range(task.n_ctx - n - 1, task.n_ctx)), "each answer digit is predicted one place before it"
    assert torch.equal(drawn.tokens[:, after], drawn.targets)
    assert task.subtasks == tuple(f"digit_{power}" for power in range(n, -1, -1))
    for row in range(20):
        a, b = drawn.tokens[row, :n].tolist(), drawn.tokens[row, n + 1 : 2 * n + 1].tolist()
        total = number(a, base) + number(b, base)
        for target, part in zip(drawn.targets[row].tolist(), drawn.subtasks[row].tolist(), strict=True):
            power = int(task.subtasks[part].removeprefix("digit_"))
            assert target == total // base**power % base, "a part is named after the power of its digit"


def test_examples_of_given_numbers():
    task = task_of(2, 10)
    examples = task.examples(torch.tensor([[4, 2], [9, 9]]), torch.tensor([[5, 8], [9, 9]]))
    assert examples.targets.tolist() == [[1, 0, 0], [1, 9, 8]]


def test_all_sums_are_drawn_alike():
    """81 sums, 16,200 draws: 200 of each are expected, with a standard deviation of 14."""
    drawn = task_of(2, 3).draw(16_200, torch.Generator().manual_seed(0))
    found, counts = drawn.tokens.unique(dim=0, return_counts=True)
    assert len(found) == 81
    assert counts.min() > 130
    assert counts.max() < 270


def test_loss_of_guessing():
    """The first digit of the answer is 0 or 1, the others are anything."""
    losses = task_of(2, 10).chance_losses()
    expected = {"": (math.log(2) + 2 * math.log(10)) / 3, "_digit_2": math.log(2)}
    expected |= {"_digit_1": math.log(10), "_digit_0": math.log(10)}
    assert losses == pytest.approx({f"{data}_loss{n}": x for data in ("train", "test") for n, x in expected.items()})


@pytest.mark.parametrize(
    "settings", [{"n_digits": 0}, {"n_digits": 16}, {"base": 1}, {"base": 65}, {"n_digits": 2.0}, {"digits": 3}]
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        DigitAdditionConfig(**settings)


def test_name_says_what_is_learned():
    assert DigitAdditionConfig().summary == "5-digit addition, infinite data"
    assert task_of(3, 7).name == "3-digit addition in base 7, infinite data"
