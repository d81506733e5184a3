"""Sparseness and size of weights, at the values that can be known by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis import fourier_basis
from grokscope.analysis.weights import gini, inverse_participation_ratio, sums_of_squares
from grokscope.models import Transformer, TransformerConfig
from grokscope.randomness import init_generator


@given(n=st.integers(1, 50), value=st.floats(0.1, 100))
def test_gini_of_equals_is_zero_and_of_one_owner_nearly_one(n, value):
    assert gini(torch.full((n,), value)) == pytest.approx(0, abs=1e-9)
    owner = torch.zeros(n)
    owner[n // 2] = value
    assert gini(owner) == pytest.approx((n - 1) / n)


@given(values=st.lists(st.floats(0, 100), min_size=1, max_size=12).filter(lambda values: sum(values) > 1e-3))
def test_gini_is_the_mean_difference_over_twice_the_mean(values):
    n = len(values)
    differences = sum(abs(x - y) for x in values for y in values)
    assert gini(torch.tensor(values, dtype=torch.float64)) == pytest.approx(
        differences / (2 * n * sum(values)), abs=1e-9
    )


def test_gini_of_nothing_is_zero():
    assert gini(torch.zeros(4)) == 0


def test_gini_of_the_norms_of_random_weights():
    weights = torch.randn(113, 128, generator=torch.Generator().manual_seed(0))
    assert gini(weights.norm(dim=1)) == pytest.approx(1 / math.sqrt(2 * math.pi * 128), rel=0.15)


@given(n=st.integers(3, 30), phase=st.floats(0, 6), data=st.data())
def test_one_wave_participates_alone_and_all_alike_share(n, phase, data):
    k = data.draw(st.integers(1, (n - 1) // 2))
    x = torch.arange(n, dtype=torch.float64)
    wave = torch.cos(2 * math.pi * k / n * x + phase)
    all_alike = fourier_basis(n)[1::2].sum(0)  # every cosine once
    ratios = inverse_participation_ratio(torch.stack([wave, wave + 5, all_alike], dim=1))
    assert ratios.tolist() == pytest.approx([1, 1, 1 / (n // 2)])


def test_two_waves_share_by_their_power():
    basis = fourier_basis(11)
    mixed = (2 * basis[3] + basis[8]).unsqueeze(1)  # powers 4 and 1
    assert inverse_participation_ratio(mixed).item() == pytest.approx((4 / 5) ** 2 + (1 / 5) ** 2)


def test_the_alternating_wave_of_an_even_n_is_one_frequency():
    assert inverse_participation_ratio(fourier_basis(8)[-1].unsqueeze(1)).item() == pytest.approx(1)


def test_random_weights_spread_over_all_frequencies():
    weights = torch.randn(113, 400, generator=torch.Generator().manual_seed(0))
    assert inverse_participation_ratio(weights).mean().item() == pytest.approx(2 / 57, rel=0.05)


def test_sums_of_squares_count_every_weight_once():
    config = TransformerConfig(d_model=8, n_heads=2, d_head=4, d_mlp=12, biases="all", layer_norm=True)
    model = Transformer(config, d_vocab=6, d_vocab_out=6, n_ctx=3, generator=init_generator(0))
    squares = sums_of_squares(model)
    assert set(squares) == set(model.state_dict())
    assert squares["blocks.0.ln1.w"] == 8
    assert squares["blocks.0.mlp.b_in"] == 0
    whole = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    assert sum(squares.values()) == pytest.approx(whole.double().norm().item() ** 2)


def test_a_tied_matrix_is_counted_once():
    config = TransformerConfig(d_model=8, n_heads=2, d_head=4, d_mlp=12, tied_embeddings=True)
    model = Transformer(config, d_vocab=6, d_vocab_out=6, n_ctx=3, generator=init_generator(0))
    assert [name for name in sums_of_squares(model) if "embed" in name] == ["embed.W_E", "pos_embed.W_pos"]
