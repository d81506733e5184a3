"""Every place of the sequences against the rule by which the authors make them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from grokscope.tasks import RepeatedSubsequencesConfig
from grokscope.tasks.examples import NO_TARGET
from grokscope.tasks.sequences.repeated_subsequences import InfiniteSequences, draw_repeated

FEW = InfiniteSequences(batch_size=4, test_size=2)


@st.composite
def configs(draw):
    interval = draw(st.integers(2, 8))
    return RepeatedSubsequencesConfig(
        d_vocab=draw(st.integers(3, 12)),
        interval=interval,
        subsequence_length=draw(st.integers(2, interval)),
        n_repeats=draw(st.integers(2, 4)),
        data=FEW,
    )


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(configs(), st.integers(0, 5))
def test_every_place_is_what_the_rule_says(config, seed):
    task = config.build()
    (examples, starts), length = draw_repeated(config, 10, generator(seed)), config.subsequence_length
    assert examples.tokens.shape == (10, task.n_ctx) == (10, 1 + config.n_repeats * config.interval)
    assert (task.d_vocab, task.d_vocab_out) == (config.d_vocab, config.d_vocab)
    for tokens, begins, targets, subtasks in zip(
        examples.tokens.tolist(), starts.tolist(), examples.targets.tolist(), examples.subtasks.tolist(), strict=True
    ):
        assert tokens[0] == 0
        assert all(1 <= token < config.d_vocab for token in tokens[1:])
        expected = {}
        for repeat, begin in enumerate(begins):
            first = 1 + repeat * config.interval
            assert first <= begin <= first + config.interval - length, "it stands in its own interval"
            assert tokens[begin : begin + length] == tokens[begins[0] : begins[0] + length]
            if repeat:
                for place in range(begin + 1, begin + length):
                    expected[place - 1] = tokens[place], f"repeat_{repeat + 1}"
        found = {
            position: (target, task.subtasks[part])
            for position, target, part in zip(task.target_positions, targets, subtasks, strict=True)
            if target != NO_TARGET
        }
        assert found == expected, "from the second repeat on, from the second token on, and nowhere else"


@given(configs())
def test_every_scored_position_is_scored_in_some_sequence(config):
    drawn = draw_repeated(config, 1500, generator()).examples
    assert (drawn.targets != NO_TARGET).any(0).all()
    assert (drawn.targets >= 1).sum(1).eq((config.n_repeats - 1) * (config.subsequence_length - 1)).all()


def test_an_example_that_a_reader_can_check():
    config = RepeatedSubsequencesConfig(d_vocab=10, interval=4, subsequence_length=3, n_repeats=2, data=FEW)
    examples, starts = draw_repeated(config, 500, generator())
    chosen = next(row for row, places in enumerate(starts.tolist()) if places == [1, 6])
    _, a, b, c, _, _, *again = examples.tokens[chosen].tolist()
    assert again == [a, b, c]
    assert config.build().target_positions == (5, 6, 7)
    assert examples.targets[chosen].tolist() == [NO_TARGET, b, c]


def test_offsets_are_uniform_and_independent_of_each_other():
    """Three offsets in each of three intervals: 27 ways, 200 of each expected, with a standard deviation of 14."""
    config = RepeatedSubsequencesConfig(d_vocab=5, interval=4, subsequence_length=2, n_repeats=3, data=FEW)
    starts = draw_repeated(config, 5400, generator()).starts - torch.tensor([1, 5, 9])
    found, counts = starts.unique(dim=0, return_counts=True)
    assert found.tolist() == [[x, y, z] for x in range(3) for y in range(3) for z in range(3)]
    assert counts.min() > 130
    assert counts.max() < 270


def test_tokens_are_uniform_at_every_place():
    """Also where they were copied to; 1,000 of each are expected, with a standard deviation of 27."""
    config = RepeatedSubsequencesConfig(d_vocab=5, interval=4, subsequence_length=3, n_repeats=2, data=FEW)
    tokens = draw_repeated(config, 4000, generator()).examples.tokens
    for place in range(1, config.n_ctx):
        counts = tokens[:, place].bincount(minlength=5)
        assert counts[0] == 0
        assert ((counts[1:] - 1000).abs() < 130).all(), place


def test_what_surrounds_the_repeats_is_not_copied():
    """The token after a repeat is random: it follows the rule as often as chance has it."""
    config = RepeatedSubsequencesConfig(d_vocab=5, interval=4, subsequence_length=2, n_repeats=2, data=FEW)
    examples, starts = draw_repeated(config, 8000, generator())
    (inside,) = torch.where((starts[:, 0] < 3) & (starts[:, 1] < 7))  # neither stands at the end of its interval
    after = [examples.tokens[inside, starts[inside, repeat] + 2] for repeat in (0, 1)]
    assert (after[0] == after[1]).double().mean().item() == pytest.approx(0.25, abs=0.03)


def test_loss_of_guessing():
    task = RepeatedSubsequencesConfig(d_vocab=9, interval=4, subsequence_length=2, n_repeats=3, data=FEW).build()
    names = ("train_loss", "train_loss_repeat_2", "train_loss_repeat_3")
    names += tuple(name.replace("train", "test") for name in names)
    assert task.chance_losses() == pytest.approx(dict.fromkeys(names, math.log(8)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"interval": 5, "subsequence_length": 6}, "a subsequence of 6 tokens does not fit into an interval of 5"),
        ({"subsequence_length": 1}, "greater than or equal to 2"),
        ({"n_repeats": 1}, "greater than or equal to 2"),
        ({"d_vocab": 2}, "greater than or equal to 3"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        RepeatedSubsequencesConfig(**settings)


def test_long_sequences_can_be_made():
    """There are more of them than the largest float."""
    task = RepeatedSubsequencesConfig(interval=150, data=FEW).build()
    assert task.draw(2, generator()).tokens.shape == (2, 451)


def test_the_defaults_are_the_published_task():
    config = RepeatedSubsequencesConfig()
    assert config.summary == "16 tokens repeated 3 times, infinite data"
    assert config.n_ctx == 85
