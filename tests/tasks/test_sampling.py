"""No network is tested on what it was trained on, however small the space and however long the stream.

Examples are compared as tuples of tokens here, not by the numbers that the code under test gives them.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.errors import ConfigError
from grokscope.randomness import stream
from grokscope.tasks import (
    DigitAdditionConfig,
    Examples,
    ModularConfig,
    RepeatedSubsequencesConfig,
    SkipTrigramsConfig,
)
from grokscope.tasks.batches import FullBatch, MiniBatches
from grokscope.tasks.sampling import InfiniteSamples, draw_distinct, identities, is_among, sampled

SMALL = {
    "digit addition": (DigitAdditionConfig, {"n_digits": 1, "base": 10}, 100),
    "repeated subsequences": (
        RepeatedSubsequencesConfig,
        {"d_vocab": 4, "interval": 3, "subsequence_length": 3, "n_repeats": 2},
        27,
    ),
    "skip trigrams": (SkipTrigramsConfig, {"length": 2, "n_background": 5, "n_triggers": 4}, 40),
}
"""Of each task the settings of a space so small that draws meet each other, and how many examples it has."""
EACH = pytest.mark.parametrize("name", SMALL)


def infinite(name: str, test_size: int | None = None, batch_size: int = 30, **seeds):
    kind, settings, n_possible = SMALL[name]
    data = {"kind": "infinite", "batch_size": batch_size, "test_size": test_size or n_possible // 2}
    return kind(**settings, data=data).build(**seeds)


def finite(name: str, train_size: int, test_size: int, batch_size: int | None = None, **seeds):
    kind, settings, _ = SMALL[name]
    data = {"kind": "finite", "train_size": train_size, "test_size": test_size, "batch_size": batch_size}
    return kind(**settings, data=data).build(**seeds)


def as_set(examples: Examples) -> set[tuple[int, ...]]:
    return {tuple(tokens) for tokens in examples.tokens.tolist()}


def assert_same(one: Examples, other: Examples) -> None:
    assert torch.equal(one.tokens, other.tokens)
    assert torch.equal(one.targets, other.targets)
    assert torch.equal(one.subtasks, other.subtasks)


def whole_space(name: str) -> set[tuple[int, ...]]:
    return as_set(infinite(name).draw(5000, torch.Generator().manual_seed(9)))


@EACH
class TestInfinite:
    def test_no_step_of_the_stream_has_an_example_of_the_test_set(self, name):
        task = infinite(name, data_seed=3)
        tested = as_set(task.test)
        raw = set()
        for step in range(100):
            batch = task.batches(step)
            assert len(batch) == 30
            assert not as_set(batch) & tested, f"step {step}"
            raw |= as_set(task.draw(30, stream("batches", 3, step)))
        assert tested <= raw, "without the rejection, every example of the test set would have been trained on"

    def test_everything_else_is_drawn_alike(self, name):
        """Nothing but the test set is missing: 12,000 draws, 240 of each of 50 sums."""
        task = infinite(name, batch_size=400)
        drawn = torch.cat([task.batches(step).tokens for step in range(30)])
        found, counts = drawn.unique(dim=0, return_counts=True)
        rest = whole_space(name) - as_set(task.test)
        assert {tuple(tokens) for tokens in found.tolist()} == rest
        expected = len(drawn) / len(rest)
        assert ((counts - expected).abs() < 6 * expected**0.5).all()

    def test_examples_stay_whole(self, name):
        """What is drawn in place of another brings its own targets and subtasks."""
        task = infinite(name)
        known = {tuple(t): (x, p) for t, x, p in _rows(task.draw(5000, torch.Generator().manual_seed(1)))}
        for step in range(20):
            for tokens, targets, subtasks in _rows(task.batches(step)):
                assert known[tuple(tokens)] == (targets, subtasks)

    def test_the_test_set_has_no_example_twice(self, name):
        task = infinite(name)
        assert len(as_set(task.test)) == len(task.test) == SMALL[name][2] // 2

    def test_there_is_no_training_set(self, name):
        task = infinite(name)
        assert task.train is None
        assert task.batches.fixed is None

    def test_stream_is_the_same_in_whatever_order_steps_are_asked_for(self, name):
        one, other = infinite(name, data_seed=5), infinite(name, data_seed=5)
        in_order = [one.batches(step) for step in range(30)]
        for step in (29, 3, 3, 17, 0, 29, 8):
            assert_same(other.batches(step), in_order[step])

    def test_steps_differ(self, name):
        task = infinite(name)
        assert not torch.equal(task.batches(0).tokens, task.batches(1).tokens)

    def test_data_seed_changes_the_stream_and_not_the_test_set(self, name):
        one, other = infinite(name, data_seed=0), infinite(name, data_seed=1)
        assert_same(one.test, other.test)
        assert not torch.equal(one.batches(0).tokens, other.batches(0).tokens)

    def test_split_seed_changes_the_test_set(self, name):
        one, other = infinite(name, split_seed=0), infinite(name, split_seed=1)
        assert as_set(one.test) != as_set(other.test)
        assert not as_set(other.batches(0)) & as_set(other.test)

    def test_moving_the_task_changes_no_batch(self, name):
        task = infinite(name)
        moved = task.place_on(torch.device("cpu"))
        assert_same(moved.test, task.test)
        assert_same(moved.batches(7), task.batches(7))


def _rows(examples: Examples):
    return zip(examples.tokens.tolist(), examples.targets.tolist(), examples.subtasks.tolist(), strict=True)


@EACH
class TestFinite:
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_no_example_is_there_twice(self, name, share):
        wanted = int(share * SMALL[name][2])
        train_size = max(1, wanted // 2)
        task = finite(name, train_size, wanted - train_size)
        assert (len(task.train), len(task.test)) == (train_size, wanted - train_size)
        assert len(as_set(task.train) | as_set(task.test)) == wanted
        if share > 0.1:
            raw = task.draw(wanted, stream("split", 0))
            assert len(as_set(raw)) < wanted, "without the rejection there would be some"

    def test_batches_hold_the_training_set_and_nothing_else(self, name):
        whole, subtasks = finite(name, 11, 9), finite(name, 11, 9, batch_size=4)
        assert isinstance(whole.batches, FullBatch)
        assert_same(whole.batches(5), whole.train)
        assert isinstance(subtasks.batches, MiniBatches)
        assert_same(subtasks.train, whole.train)
        for epoch in range(3):
            batches = [subtasks.batches(3 * epoch + place) for place in range(3)]
            assert [len(batch) for batch in batches] == [4, 4, 3]
            assert set.union(*map(as_set, batches)) == as_set(whole.train)

    def test_data_seed_changes_the_order_alone(self, name):
        one, other = (finite(name, 11, 9, batch_size=4, data_seed=seed) for seed in (0, 1))
        assert_same(one.train, other.train)
        assert_same(one.test, other.test)
        assert not torch.equal(one.batches(0).tokens, other.batches(0).tokens)

    def test_split_seed_changes_the_examples(self, name):
        one, other = (finite(name, 11, 9, split_seed=seed) for seed in (0, 1))
        assert as_set(one.train) != as_set(other.train)

    def test_moving_the_task_changes_no_batch(self, name):
        task = finite(name, 11, 9, batch_size=4)
        assert_same(task.place_on(torch.device("cpu")).batches(8), task.batches(8))


def test_the_pairs_of_modular_arithmetic_are_split_too():
    task = ModularConfig(p=11).build()
    assert not as_set(task.train) & as_set(task.test)
    assert len(as_set(task.train) | as_set(task.test)) == 121


class TestTooMany:
    @EACH
    def test_space_is_counted_right(self, name):
        assert len(whole_space(name)) == SMALL[name][2]

    @EACH
    def test_nine_tenths_of_the_space_can_be_had_and_no_more(self, name):
        n_possible = SMALL[name][2]
        most = int(0.9 * n_possible)
        assert len(as_set(infinite(name, test_size=most).test)) == most
        with pytest.raises(
            ConfigError, match=rf"^{most + 1} different examples are wanted and there are {n_possible};"
        ):
            infinite(name, test_size=most + 1)

    @EACH
    def test_training_examples_count_where_they_end(self, name):
        n_possible = SMALL[name][2]
        most = int(0.9 * n_possible)
        finite(name, most - 5, 5)
        with pytest.raises(ConfigError, match=rf"^{most + 1} .* {n_possible}; lower .*test_size or .*train_size"):
            finite(name, most - 4, 5)

    def test_infinite_data_have_no_training_set_to_be_lowered(self):
        with pytest.raises(ConfigError, match=r"1,024 .* 100; lower task.data.test_size, or make the task larger"):
            infinite("digit addition", test_size=1024)


class TestDistinct:
    @given(st.integers(1, 12), st.data(), st.integers(0, 5))
    def test_as_many_as_there_are_can_be_had(self, n_possible, data, seed):
        size = data.draw(st.integers(1, n_possible))

        def draw(n: int, generator: torch.Generator) -> Examples:
            tokens = torch.randint(n_possible, (n, 1), generator=generator)
            return Examples(tokens, 10 * tokens)

        drawn = draw_distinct(draw, size, torch.Generator().manual_seed(seed))
        assert len(drawn) == len(as_set(drawn)) == size
        assert torch.equal(drawn.targets, 10 * drawn.tokens)

    def test_a_rejection_that_never_ends_is_not_begun(self):
        def draw(n: int, generator: torch.Generator) -> Examples:
            pytest.fail("nothing is drawn before it is known that there is enough")

        with pytest.raises(ConfigError, match="10 different examples are wanted and there are 10"):
            sampled(InfiniteSamples(test_size=10), draw, n_possible=10, split_seed=0, data_seed=0)


TOKENS = st.integers(1, 5).flatmap(
    lambda n_ctx: st.lists(st.lists(st.integers(0, 3), min_size=n_ctx, max_size=n_ctx), min_size=1, max_size=30)
)


def examples_of(rows: list[list[int]], target: int = 0) -> Examples:
    return Examples(torch.tensor(rows), torch.full((len(rows), 1), target))


class TestIdentities:
    @given(TOKENS)
    def test_equal_where_the_tokens_are_and_only_there(self, rows):
        found = identities(examples_of(rows)).tolist()
        assert len(set(found)) == len({tuple(row) for row in rows})
        assert len({(tuple(row), number) for row, number in zip(rows, found, strict=True)}) == len(set(found))

    @given(TOKENS)
    def test_nothing_but_the_tokens_matters(self, rows):
        """Not the place in the batch, nor the targets."""
        found = identities(examples_of(rows))
        assert torch.equal(identities(examples_of(rows[::-1], target=7)).flip(0), found)

    @given(TOKENS, st.data())
    def test_what_is_known_is_recognised(self, rows, data):
        known = data.draw(st.lists(st.sampled_from(rows), min_size=1))
        found = is_among(examples_of(rows), identities(examples_of(known)).sort().values)
        assert found.tolist() == [row in known for row in rows]

    def test_order_of_tokens_matters(self):
        assert len(identities(examples_of([[1, 2, 3], [3, 2, 1], [2, 1, 3]])).unique()) == 3

    def test_published_sizes_do_not_collide(self):
        drawn = RepeatedSubsequencesConfig().build().draw(5000, torch.Generator().manual_seed(0))
        assert len(identities(drawn).unique()) == len(as_set(drawn)) == 5000
