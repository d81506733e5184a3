import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from grokscope.tasks import FiniteData, InfiniteData, ModularConfig
from grokscope.tasks.binary.split import split_pairs


def pairs_of(examples):
    return [tuple(pair) for pair in examples.tokens[:, :2].tolist()]


@pytest.fixture(scope="module")
def mainline():
    return ModularConfig().build()


class TestMainline:
    @pytest.fixture
    def task(self, mainline):
        return mainline

    def test_split_sizes(self, task):
        assert len(task.train) == 3830
        assert len(task.test) == 8939

    def test_split_covers_every_pair_once(self, task):
        train, test = set(pairs_of(task.train)), set(pairs_of(task.test))
        assert not train & test
        assert train | test == {(a, b) for a in range(113) for b in range(113)}

    def test_sequences_are_a_b_equals(self, task):
        assert task.train.tokens.shape == (3830, 3)
        assert (task.train.tokens[:, 2] == 113).all()

    def test_sizes(self, task):
        assert (task.d_vocab, task.d_vocab_out, task.n_ctx, task.target_positions) == (114, 114, 3, (2,))

    def test_answers(self, task):
        for examples in (task.train, task.test, task.all_pairs):
            a, b = examples.tokens[:, 0], examples.tokens[:, 1]
            assert torch.equal(examples.targets, ((a + b) % 113).unsqueeze(1))

    def test_full_batch(self, task):
        assert task.batches.fixed is task.train
        assert task.batches(0) is task.batches(12_345)


@given(st.integers(2, 25), st.floats(0.3, 1.0), st.integers(0, 2**40))
def test_split_is_that_of_the_published_code(p, fraction, seed):
    """All pairs in lexicographic order, shuffled by the standard library, cut at int(fraction · p²)."""
    expected = [(index // p, index % p) for index in range(p * p)]
    random.Random(seed).shuffle(expected)
    cut = int(fraction * p * p)
    train, test = split_pairs(p, fraction, seed)
    assert [tuple(pair) for pair in train.tolist()] == expected[:cut]
    assert [tuple(pair) for pair in test.tolist()] == expected[cut:]


def test_split_does_not_touch_the_global_generator():
    random.seed(3)
    before = random.getstate()
    split_pairs(13, 0.5, 7)
    assert random.getstate() == before


def test_split_follows_its_own_seed_alone():
    config = ModularConfig(p=13)
    first = config.build(split_seed=1, data_seed=0)
    assert torch.equal(config.build(split_seed=1, data_seed=9).train.tokens, first.train.tokens)
    assert not torch.equal(config.build(split_seed=2, data_seed=0).train.tokens, first.train.tokens)


@pytest.mark.parametrize("p", [2, 3, 12, 59, 97])
@pytest.mark.parametrize("equals", [True, False])
def test_sizes_follow_p(p, equals):
    """Nothing is frozen from the default modulus."""
    task = ModularConfig(p=p, equals_token=equals, data=FiniteData(train_fraction=0.5)).build()
    assert task.d_vocab == task.d_vocab_out == p + equals
    assert task.n_ctx == task.train.tokens.shape[1] == 2 + equals
    assert task.target_positions == (task.n_ctx - 1,)
    assert task.table.shape == (p, p)
    assert len(task.train) == p * p // 2
    assert len(task.train) + len(task.test) == len(task.all_pairs) == p * p
    assert task.train.tokens.max() < task.d_vocab
    assert str(p) in task.name


def test_all_pairs_are_in_order():
    task = ModularConfig(p=7, operation="a - 2*b").build()
    for a in range(7):
        for b in range(7):
            assert task.all_pairs.tokens[a * 7 + b].tolist() == [a, b, 7]
            assert task.all_pairs.targets[a * 7 + b].item() == (a - 2 * b) % 7 == task.table[a, b].item()


def test_whole_fraction_leaves_no_test_set():
    task = ModularConfig(p=5, data=FiniteData(train_fraction=1)).build()
    assert task.test is None
    assert len(task.train) == 25


def test_random_labels_are_the_same_for_train_and_truth():
    task = ModularConfig(p=13, operation="random").build(data_seed=4)
    for examples in (task.train, task.test, task.all_pairs):
        a, b = examples.tokens[:, 0], examples.tokens[:, 1]
        assert torch.equal(examples.targets[:, 0], task.table[a, b])
    again = ModularConfig(p=13, operation="random").build(split_seed=1, data_seed=4)
    assert torch.equal(again.table, task.table)


def test_known_table_is_used_as_it_is():
    table = torch.arange(9).reshape(3, 3) % 3
    task = ModularConfig(p=3, operation="gone.py:f", data=FiniteData(train_fraction=0.5)).build(
        artifacts={"table": table}
    )
    assert task.table is table
    assert task.all_pairs.targets.flatten().tolist() == table.flatten().tolist()


class TestRefused:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"p": 1}, "greater than or equal to 2"),
            ({"p": 1000}, "less than or equal to 997"),
            ({"p": 13.0}, "valid integer"),
            ({"p": "13"}, "valid integer"),
            ({"operation": "frobnicate"}, "unknown name 'frobnicate'"),
            ({"operation": "__import__('os')"}, "unknown name '__import__'|only whole numbers"),
            ({"operation": "a.real"}, "only whole numbers, a, b, p"),
            ({"operation": "'a'"}, "only whole numbers, a, b, p"),
            ({"data": {"kind": "finite", "train_fraction": 0}}, "greater than 0"),
            ({"data": {"kind": "finite", "train_fraction": 1.01}}, "less than or equal to 1"),
            ({"data": {"kind": "finite", "train_fraction": float("nan")}}, "finite number"),
            ({"data": {"kind": "finite", "batch_size": 0}}, "greater than or equal to 1"),
            ({"data": {"kind": "infinite", "train_fraction": 0.5}}, "[Ee]xtra inputs"),
            ({"data": {"kind": "boundless"}}, "does not match any of the expected tags"),
            ({"modulus": 13}, "[Ee]xtra inputs"),
        ],
    )
    def test_setting(self, settings, message):
        with pytest.raises(ValidationError, match=message):
            ModularConfig(**settings)

    def test_fraction_that_leaves_nothing(self):
        with pytest.raises(
            ValidationError,
            match=r"train_fraction 0\.1 of the 9 pairs leaves nothing to train on; use at least 0\.11",
        ):
            ModularConfig(p=3, data=FiniteData(train_fraction=0.1))
        assert len(ModularConfig(p=3, data=FiniteData(train_fraction=0.112)).build().train) == 1

    def test_config_is_frozen(self):
        with pytest.raises(ValidationError, match="frozen"):
            ModularConfig().p = 7


class TestInfinite:
    @pytest.fixture
    def config(self):
        return ModularConfig(p=11, data=InfiniteData(batch_size=64))

    def test_shape_of_the_task(self, config):
        task = config.build()
        assert task.train is None
        assert task.batches.fixed is None
        assert pairs_of(task.test) == [(a, b) for a in range(11) for b in range(11)]

    def test_batch_is_a_function_of_seed_and_step(self, config):
        one, two = config.build(data_seed=1), config.build(data_seed=1)
        forwards = [one.batches(step) for step in range(6)]
        backwards = [two.batches(step) for step in reversed(range(6))][::-1]
        for first, second in zip(forwards, backwards, strict=True):
            assert torch.equal(first.tokens, second.tokens)
            assert torch.equal(first.targets, second.targets)

    def test_steps_and_seeds_differ(self, config):
        task, other = config.build(data_seed=1), config.build(data_seed=2)
        assert not torch.equal(task.batches(0).tokens, task.batches(1).tokens)
        assert not torch.equal(task.batches(0).tokens, other.batches(0).tokens)
        # step and seed are not merely added up
        assert not torch.equal(task.batches(2).tokens, other.batches(1).tokens)

    def test_global_state_is_neither_used_nor_changed(self, config):
        torch.manual_seed(0)
        before = torch.random.get_rng_state()
        first = config.build().batches(3)
        assert torch.equal(torch.random.get_rng_state(), before)
        torch.manual_seed(1)
        assert torch.equal(config.build().batches(3).tokens, first.tokens)

    def test_batches_are_right_and_spread_over_all_pairs(self, config):
        task = config.build()
        drawn = [task.batches(step) for step in range(100)]
        assert {len(batch) for batch in drawn} == {64}
        for batch in drawn:
            assert torch.equal(batch.targets[:, 0], batch.tokens[:, :2].sum(1) % 11)
        counts = torch.cat([batch.tokens[:, 0] * 11 + batch.tokens[:, 1] for batch in drawn]).bincount(minlength=121)
        # 6,400 draws over 121 pairs: mean 53, standard deviation 7.2; five of them either way
        assert counts.min() > 16
        assert counts.max() < 90


def test_other_answers_of_the_test_set_change_nothing_that_is_trained_on():
    task = ModularConfig(p=11, data=FiniteData(train_fraction=0.4)).build()
    other = task.with_other_test_answers(torch.Generator().manual_seed(0))
    assert other.train is task.train
    assert torch.equal(other.test.tokens, task.test.tokens)
    assert sorted(other.test.targets.flatten().tolist()) == sorted(task.test.targets.flatten().tolist())
    assert not torch.equal(other.test.targets, task.test.targets)
    for examples in (other.train, other.test):
        assert torch.equal(other.table[examples.tokens[:, 0], examples.tokens[:, 1]], examples.targets[:, 0])
