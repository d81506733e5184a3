import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.tasks import Examples, FiniteData, ModularConfig
from grokscope.tasks.batches import FullBatch, MiniBatches


def numbered(n: int) -> Examples:
    return Examples(torch.arange(n).unsqueeze(1), 1000 + torch.arange(n).unsqueeze(1))


@given(st.integers(1, 40), st.integers(1, 45), st.integers(0, 5))
def test_every_epoch_covers_every_example_once(n, batch_size, seed):
    batches = MiniBatches(numbered(n), batch_size, seed)
    per_epoch = -(-n // batch_size)
    for epoch in range(3):
        drawn = [batches(epoch * per_epoch + place) for place in range(per_epoch)]
        assert sorted(torch.cat([batch.tokens for batch in drawn]).flatten().tolist()) == list(range(n))
        assert all(len(batch) == batch_size for batch in drawn[:-1])
        assert all(torch.equal(batch.targets, batch.tokens + 1000) for batch in drawn)


def test_batch_is_a_function_of_the_step():
    one, two = MiniBatches(numbered(23), 5, 0), MiniBatches(numbered(23), 5, 0)
    in_order = {step: one(step).tokens for step in range(20)}
    for step in (19, 3, 12, 0, 3, 7):
        assert torch.equal(two(step).tokens, in_order[step])


def test_epochs_and_seeds_are_shuffled_differently():
    batches = MiniBatches(numbered(50), 50, 0)
    assert not torch.equal(batches(0).tokens, batches(1).tokens)
    assert not torch.equal(batches(0).tokens, MiniBatches(numbered(50), 50, 1)(0).tokens)


def test_batches_differ_from_the_full_set_only_where_smaller():
    whole = ModularConfig(p=7, data=FiniteData(train_fraction=0.5, batch_size=24)).build()
    assert isinstance(whole.batches, FullBatch)
    subtasks = ModularConfig(p=7, data=FiniteData(train_fraction=0.5, batch_size=23)).build()
    assert isinstance(subtasks.batches, MiniBatches)
    assert subtasks.batches.fixed is None
    assert [len(subtasks.batches(step)) for step in range(4)] == [23, 1, 23, 1]


def test_select_keeps_order_and_repeats():
    chosen = numbered(5).select(torch.tensor([3, 0, 3]))
    assert chosen.tokens.flatten().tolist() == [3, 0, 3]
    assert chosen.targets.flatten().tolist() == [1003, 1000, 1003]


@pytest.mark.parametrize(
    "data", [{"kind": "finite"}, {"kind": "finite", "batch_size": 5}, {"kind": "infinite", "batch_size": 8}]
)
def test_moving_a_task_changes_no_batch(data):
    task = ModularConfig(p=7, data=data).build(data_seed=2)
    moved = task.place_on(torch.device("cpu"))
    for step in (0, 1, 17):
        assert torch.equal(moved.batches(step).tokens, task.batches(step).tokens)
        assert torch.equal(moved.batches(step).targets, task.batches(step).targets)
    assert torch.equal(moved.test.tokens, task.test.tokens)
