"""Attention whose dependence on the operands is planted."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis.modular.attention_fits import attention_fits, linear_softmax


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def share(n: int, k: int, alpha: float, beta: float) -> torch.Tensor:
    """0.5 + α(cos wi − cos wj) + β(sin wi − sin wj)."""
    angle = 2 * math.pi * k / n * torch.arange(n, dtype=torch.float64)
    wave = alpha * angle.cos() + beta * angle.sin()
    return 0.5 + wave[:, None] - wave


def pattern_of(*shares: torch.Tensor, elsewhere: float = 0.0) -> torch.Tensor:
    """Heads with these shares of what they do not give to '='."""
    first = torch.stack(shares, dim=2)
    to_equals = torch.full_like(first, elsewhere)
    return torch.stack([(1 - elsewhere) * first, (1 - elsewhere) * (1 - first), to_equals], dim=3)


@given(n=st.integers(3, 20), data=st.data(), elsewhere=st.floats(0, 0.8))
def test_a_planted_wave_is_found_with_its_coefficients(n, data, elsewhere):
    k = data.draw(st.integers(1, (n - 1) // 2))
    alpha, beta = data.draw(st.floats(0.02, 0.12)), data.draw(st.floats(-0.12, 0.12))
    (fit,) = attention_fits(pattern_of(share(n, k, alpha, beta), elsewhere=elsewhere))
    assert (fit.head, fit.frequency) == (0, k)
    assert (fit.alpha, fit.beta) == pytest.approx((alpha, beta))
    assert fit.fve == pytest.approx(1)


@pytest.mark.parametrize("n", [2, 4, 6, 12])
def test_the_alternating_wave_of_an_even_n_is_found_with_its_coefficient(n):
    (fit,) = attention_fits(pattern_of(share(n, n // 2, 0.2, 0.0)))
    assert fit.frequency == n // 2
    assert (fit.alpha, fit.beta) == pytest.approx((0.2, 0.0))
    assert fit.fve == pytest.approx(1)


def test_every_head_has_its_own_frequency():
    n, keys = 13, [5, 2, 6, 2]
    fits = attention_fits(pattern_of(*(share(n, k, 0.1, 0.05) for k in keys)))
    assert [fit.head for fit in fits] == [0, 1, 2, 3]
    assert [fit.frequency for fit in fits] == keys


def test_the_stronger_of_two_waves_wins_with_its_part_of_the_variance():
    n = 13
    mixed = share(n, 2, 0.1, 0.0) + share(n, 5, 0.0, 0.05) - 0.5
    (fit,) = attention_fits(pattern_of(mixed))
    assert fit.frequency == 2
    assert (fit.alpha, fit.beta) == pytest.approx((0.1, 0.0))
    assert fit.fve == pytest.approx(0.1**2 / (0.1**2 + 0.05**2))


@pytest.mark.parametrize("constant", [0.5, 0.2, 1.0])
def test_attention_that_depends_on_nothing_has_no_frequency(constant):
    (fit,) = attention_fits(pattern_of(torch.full((7, 7), constant)))
    assert (fit.frequency, fit.alpha, fit.beta, fit.fve) == (0, 0, 0, 0)


def test_a_wave_around_another_mean_than_half_is_no_fit_of_this_form():
    """The formula is symmetric: exchange the operands and the shares change places."""
    n = 11
    (fit,) = attention_fits(pattern_of(share(n, 3, 0.02, 0.0) + 0.3))
    assert fit.frequency == 0
    angle = 2 * math.pi * 3 / n * torch.arange(n, dtype=torch.float64)
    symmetric = 0.5 + 0.1 * (angle.cos()[:, None] + angle.cos())
    (fit,) = attention_fits(pattern_of(symmetric))
    assert fit.fve < 1e-12


@given(n=st.integers(3, 9), seed=st.integers(0, 100))
def test_the_fit_is_the_best_regression_there_is(n, seed):
    values = 0.5 + noise(n, n, seed=seed) / 20
    (fit,) = attention_fits(pattern_of(values))
    total, best = (values - values.mean()).square().sum().item(), (0.0, 0)
    for k in range(1, n // 2 + 1):
        columns = [share(n, k, 1.0, 0.0) - 0.5] + ([share(n, k, 0.0, 1.0) - 0.5] if 2 * k != n else [])
        design = torch.stack([column.flatten() for column in columns], dim=1)
        target = (values - 0.5).flatten().unsqueeze(1)
        rest = target - design @ torch.linalg.lstsq(design, target, driver="gelsd").solution
        best = max(best, (1 - rest.square().sum().item() / total, k))
    assert fit.fve == pytest.approx(best[0])
    assert fit.frequency == best[1]


def test_noise_is_explained_as_little_as_documented():
    n = 113
    fits = attention_fits(0.5 + noise(n, n, 6, 2).clamp(-4, 4) / 20)
    assert sum(fit.fve for fit in fits) / len(fits) == pytest.approx(8 / n**2, rel=0.4)


@given(seed=st.integers(0, 100), offset=st.floats(-20, 20))
def test_a_pattern_that_is_linear_in_the_scores_is_kept(seed, offset):
    scores = noise(60, 2, 3, seed=seed) + offset
    mixing, bias = noise(2, 3, 3, seed=seed + 1), noise(2, 3, seed=seed + 2)
    pattern = torch.einsum("xhk,hkl->xhl", scores, mixing) + bias
    assert torch.allclose(linear_softmax(scores, pattern), pattern, atol=1e-9)


def test_the_linear_map_is_the_regression_of_every_head_on_its_own_scores():
    scores = noise(80, 2, 3)
    pattern = scores.softmax(dim=2)
    fitted = linear_softmax(scores, pattern)
    for head in range(2):
        design = torch.cat([torch.ones(80, 1, dtype=torch.float64), scores[:, head]], dim=1)
        rest = pattern[:, head] - fitted[:, head]
        assert torch.allclose(design.T @ rest, torch.zeros(4, 3, dtype=torch.float64), atol=1e-9)  # normal equations
        assert 0.02 < rest.norm() / pattern[:, head].norm() < 0.5
    assert torch.allclose(fitted.sum(2), torch.ones(80, 2, dtype=torch.float64))  # a regression keeps the sum of 1


def test_scores_that_all_move_together_have_no_unique_map_and_still_a_fit():
    common = noise(50, 1, 1).expand(50, 1, 3)
    pattern = common.softmax(dim=2)
    assert torch.allclose(linear_softmax(common.contiguous(), pattern), pattern)


def test_the_fit_has_the_patterns_precision():
    scores = noise(40, 1, 2).float()
    assert linear_softmax(scores, scores.softmax(dim=2)).dtype == torch.float32
