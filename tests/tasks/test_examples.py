import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.tasks import Examples
from grokscope.tasks.examples import NO_TARGET


def numbered(n: int, *, subtasks: bool = True) -> Examples:
    tokens = torch.arange(n).unsqueeze(1)
    return Examples(tokens, 100 + tokens, 1000 + tokens if subtasks else None)


def columns(examples: Examples) -> list[tuple[int, int, int]]:
    three = (examples.tokens, examples.targets, examples.subtasks)
    return list(zip(*(each.flatten().tolist() for each in three), strict=True))


@given(st.integers(1, 20), st.integers(1, 25))
def test_split_loses_nothing_and_keeps_the_order(n, size):
    pieces = numbered(n).split(size)
    assert [each for piece in pieces for each in columns(piece)] == columns(numbered(n))
    assert all(len(piece) == size for piece in pieces[:-1])
    assert 1 <= len(pieces[-1]) <= size


def test_replaced_takes_tokens_targets_and_parts_together():
    changed = numbered(5).replaced(torch.tensor([3, 0]), numbered(9).select(torch.tensor([7, 8])))
    assert columns(changed) == [(k, 100 + k, 1000 + k) for k in (8, 1, 2, 7, 4)]


def test_replaced_leaves_the_original_alone():
    before = numbered(3)
    before.replaced(torch.tensor([1]), numbered(9).select(torch.tensor([7])))
    assert columns(before) == columns(numbered(3))


def test_no_parts_stay_no_parts():
    one = numbered(4, subtasks=False)
    assert one.select(torch.tensor([2])).subtasks is None
    assert one.replaced(torch.tensor([2]), one.select(torch.tensor([0]))).subtasks is None
    assert all(piece.subtasks is None for piece in one.split(3))


def test_scored_places_are_counted_through_the_flattened_targets():
    targets = torch.tensor([[NO_TARGET, 4, 0], [1, NO_TARGET, NO_TARGET]])
    assert Examples(torch.zeros(2, 5, dtype=torch.long), targets).target_places().tolist() == [1, 2, 3]


def test_where_everything_is_scored_there_is_nothing_to_choose():
    assert numbered(3).target_places() is None
