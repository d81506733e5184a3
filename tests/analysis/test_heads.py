"""Scores of attention heads, on patterns and weights that are known."""

import pytest
import torch

from grokscope.analysis.sequences.heads import (
    composition_by_chance,
    composition_scores,
    copying_scores,
    prefix_matching_scores,
    previous_token_scores,
    successors,
)
from grokscope.analysis.sequences.induction import Repeats, at_distance, uniform_previous_token_score
from grokscope.models import Transformer, TransformerConfig
from grokscope.randomness import init_generator, stream
from grokscope.tasks import RepeatedSubsequencesConfig, RepeatedSubsequencesTask

N = 6


def two_layers() -> Transformer:
    config = TransformerConfig(n_layers=2, d_model=24, n_heads=2, d_head=6, attention_only=True, biases="none")
    return Transformer(config, d_vocab=10, d_vocab_out=10, n_ctx=N, generator=init_generator(0)).requires_grad_(False)


def test_previous_token_scores_of_known_patterns():
    back = at_distance(N, 1).float()
    even = torch.ones(N, N).tril()
    even /= even.sum(1, keepdim=True)
    pattern = torch.stack([back, even, at_distance(N, 2).float()]).unsqueeze(0)
    scores = previous_token_scores(pattern)
    assert scores.tolist() == pytest.approx([1, uniform_previous_token_score(N), 0])


def test_successors_are_what_came_after_the_token():
    tokens = torch.tensor([[0, 5, 7, 5, 9, 5]])
    found = successors(tokens)[0]
    assert found[5].nonzero().flatten().tolist() == [2, 4]  # after both earlier fives
    assert found[3].nonzero().flatten().tolist() == [2]
    assert not found[4].any()


def test_prefix_matching_counts_attention_on_matches_only():
    tokens = torch.tensor([[0, 5, 7, 5, 9, 5]])
    matches = successors(tokens)
    pattern = torch.zeros(1, 2, 6, 6)
    pattern[0, 0, 5, 2], pattern[0, 0, 5, 4], pattern[0, 1, 5, 0] = 0.5, 0.25, 1.0
    queries = torch.zeros(1, 6, dtype=torch.bool)
    queries[0, 5] = True
    assert prefix_matching_scores(pattern, matches, queries).tolist() == pytest.approx([0.75, 0])


def test_the_rule_is_right_where_the_token_came_once_before():
    config = RepeatedSubsequencesConfig(d_vocab=5_000, interval=8, subsequence_length=5, n_repeats=2)
    task = config.build()
    assert isinstance(task, RepeatedSubsequencesTask)
    loss, accuracy = Repeats.of(task.draw(50, stream("rule", 0)), task.target_positions).rule()
    assert (loss, accuracy) == (pytest.approx(0, abs=0.05), pytest.approx(1, abs=0.05))


def test_a_copying_head_has_score_one_and_a_suppressing_one_minus_one():
    model = two_layers()
    attention = model.blocks[0].attn
    write = torch.linalg.pinv(model.embed.W_E @ attention.W_V[0])  # so that W_E W_V W_O W_U is a projection
    attention.W_O[0] = write @ torch.linalg.pinv(model.W_U)
    attention.W_O[1] = -torch.linalg.pinv(model.embed.W_E @ attention.W_V[1]) @ torch.linalg.pinv(model.W_U)
    assert copying_scores(model, 0).tolist() == pytest.approx([1, -1], abs=1e-4)


def test_composition_is_high_for_keys_that_read_what_was_written():
    model = two_layers()
    first, second = model.blocks[0].attn, model.blocks[1].attn
    second.W_K[0] = first.W_O[1].T  # keys of head 1.0 read the very directions that 0.1 writes
    scores = composition_scores(model, 0, 1)
    chance = composition_by_chance(24, 6)
    assert scores["K"][1, 0] > 1.5 * chance
    assert scores["K"][1, 0] == scores["K"].max()
    assert float(scores["V"].mean()) == pytest.approx(chance, rel=0.3)
