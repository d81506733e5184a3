"""Every place of the sequences against the rule: one trigger, noise, and the query last."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from grokscope.tasks import SkipTrigramsConfig
from grokscope.tasks.sequences.skip_trigrams import InfiniteTrigrams, draw_trigrams

FEW = InfiniteTrigrams(batch_size=4, test_size=1)

configs = st.builds(
    SkipTrigramsConfig,
    length=st.integers(1, 12),
    n_background=st.integers(1, 8),
    n_triggers=st.integers(2, 7),
    data=st.just(FEW),
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(configs, st.integers(0, 5))
def test_every_place_is_what_the_rule_says(config, seed):
    task = config.build()
    drawn = task.draw(20, generator(seed))
    assert drawn.tokens.shape == (20, task.n_ctx)
    assert task.target_positions == (task.n_ctx - 1,)
    assert task.d_vocab == 2 + config.n_background + config.n_triggers
    assert task.d_vocab_out == config.n_triggers
    for tokens, (target,), (part,) in zip(
        drawn.tokens.tolist(), drawn.targets.tolist(), drawn.subtasks.tolist(), strict=True
    ):
        first, *middle, last = tokens
        assert (first, last) == (0, 1)
        assert len(middle) == config.length
        triggers = [token for token in middle if token in task.triggers]
        assert len(triggers) == 1
        assert sum(token in task.background for token in middle) == config.length - 1
        assert task.triggers[target] == triggers[0], "answer m belongs to trigger m"
        assert task.subtasks[part] == f"trigger_{target}"


@given(configs)
def test_tokens_are_told_apart(config):
    """The first token, the query, the background and the triggers are all the tokens, each one of them once."""
    task = config.build()
    assert sorted([0, 1, *task.background, *task.triggers]) == list(range(task.d_vocab))
    assert len(task.triggers) == config.n_triggers == len(task.subtasks)


def test_triggers_and_places_are_uniform_and_independent():
    """Five places, four triggers: 20 ways, 200 of each expected, with a standard deviation of 14."""
    config = SkipTrigramsConfig(length=5, n_background=3, n_triggers=4, data=FEW)
    tokens = draw_trigrams(config, 4000, generator()).tokens[:, 1:-1]
    rows, places = (tokens >= 5).nonzero(as_tuple=True)
    assert rows.tolist() == list(range(4000))
    counts = (places * 4 + tokens[rows, places] - 5).bincount(minlength=20)
    assert len(counts) == 20
    assert ((counts - 200).abs() < 70).all()


def test_noise_is_uniform_at_every_place():
    """Each place has a background token in 4 of 5 sequences, each of four in 800; the standard deviation is 26."""
    config = SkipTrigramsConfig(length=5, n_background=4, n_triggers=2, data=FEW)
    tokens = draw_trigrams(config, 4000, generator()).tokens
    for place in range(1, 6):
        counts = tokens[:, place].bincount(minlength=8)
        assert counts[:2].tolist() == [0, 0], "the first token and the query stand at their own places only"
        assert ((counts[2:6] - 800).abs() < 130).all(), place


def test_loss_of_guessing():
    task = SkipTrigramsConfig(length=5, n_triggers=3, data=FEW).build()
    columns = ["loss", "loss_trigger_0", "loss_trigger_1", "loss_trigger_2"]
    names = [f"{data}_{column}" for data in ("train", "test") for column in columns]
    assert task.chance_losses() == dict.fromkeys(names, math.log(3))


@pytest.mark.parametrize("length", [300, 310, 4000])
def test_long_sequences_can_be_made(length):
    """There are more of them than the largest float."""
    task = SkipTrigramsConfig(length=length, data=FEW).build()
    assert task.draw(2, generator()).tokens.shape == (2, length + 2)


@pytest.mark.parametrize("settings", [{"length": 0}, {"length": 4001}, {"n_background": 0}, {"n_triggers": 1}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        SkipTrigramsConfig(**settings)


def test_the_defaults_are_the_published_task():
    config = SkipTrigramsConfig()
    assert config.summary == "skip trigrams with 10 triggers among 40 tokens, infinite data"
    task = config.build()
    assert (task.d_vocab, task.d_vocab_out, task.n_ctx) == (22, 10, 42)
