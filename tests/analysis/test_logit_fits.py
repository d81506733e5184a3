"""Planted clocks and pizzas give their own coefficients back; noise gives nothing."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis.modular.logit_fits import (
    align,
    all_frequencies,
    any_envelope_fve,
    clock_fit,
    free_phase_fit,
    over_differences,
    pizza_envelope,
    pizza_fit,
)


def noise(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def grid(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x = torch.arange(n, dtype=torch.float64)
    return x[:, None, None], x[None, :, None], x[None, None, :]


def clock(n: int, terms: dict[int, float], phase: float = 0.0) -> torch.Tensor:
    i, j, c = grid(n)
    zero = torch.zeros(n, n, n, dtype=torch.float64)
    return sum((a * torch.cos(2 * math.pi * k / n * (i + j - c) + phase) for k, a in terms.items()), zero)


def pizza(n: int, terms: dict[int, float]) -> torch.Tensor:
    i, j, _ = grid(n)
    zero = torch.zeros(n, n, n, dtype=torch.float64)
    return sum((torch.cos(math.pi * k / n * (i - j)).abs() * clock(n, {k: a}) for k, a in terms.items()), zero)


def least_squares(columns: list[torch.Tensor], logits: torch.Tensor) -> tuple[list[float], float]:
    """Coefficients and FVE of the plain regression on the centred logits."""
    y = (logits - logits.mean()).flatten().unsqueeze(1)
    design = torch.stack([column.flatten() for column in columns], dim=1)
    solution = torch.linalg.lstsq(design, y, driver="gelsd").solution
    return solution.flatten().tolist(), 1 - float((y - design @ solution).square().sum() / y.square().sum())


@st.composite
def planted(draw):
    n = draw(st.integers(3, 12))
    frequencies = draw(st.lists(st.integers(1, n // 2), unique=True, min_size=1))
    return n, {k: draw(st.floats(0.5, 50)) for k in frequencies}


@given(case=planted(), offset=st.floats(-10, 10))
def test_a_planted_clock_gives_its_coefficients_back(case, offset):
    n, terms = case
    fit = clock_fit(align(clock(n, terms) + offset, list(terms)))
    assert fit.frequencies == tuple(terms)
    assert fit.amplitudes == pytest.approx(list(terms.values()))
    assert fit.phases == (0.0,) * len(terms)
    assert fit.fve == pytest.approx(1)


@given(case=planted(), offset=st.floats(-10, 10))
def test_a_planted_pizza_gives_its_coefficients_back(case, offset):
    n, terms = case
    fit = pizza_fit(align(pizza(n, terms) + offset, list(terms)))
    assert fit.amplitudes == pytest.approx(list(terms.values()))
    assert fit.fve == pytest.approx(1)


@given(case=planted(), seed=st.integers(0, 100))
def test_the_fits_are_least_squares(case, seed):
    n, terms = case
    logits = noise(n, seed) + clock(n, terms) + pizza(n, terms)
    alignment = align(logits, list(terms))
    for fit, plant in ((clock_fit(alignment), clock), (pizza_fit(alignment), pizza)):
        amplitudes, fve = least_squares([plant(n, {k: 1.0}) for k in terms], logits)
        assert fit.amplitudes == pytest.approx(amplitudes)
        assert fit.fve == pytest.approx(fve)


@given(n=st.integers(3, 8), seed=st.integers(0, 100), data=st.data())
def test_the_best_envelope_is_a_regression_with_a_coefficient_for_every_difference(n, seed, data):
    frequencies = data.draw(st.lists(st.integers(1, n // 2), unique=True, min_size=1))
    logits = noise(n, seed) + pizza(n, {frequencies[0]: 2.0})
    i, j, _ = grid(n)
    columns = [((i - j) % n == d) * clock(n, {k: 1.0}) for k in frequencies for d in range(n)]
    alignment = align(logits, frequencies)
    best = any_envelope_fve(alignment)
    assert best == pytest.approx(least_squares(columns, logits)[1])
    assert best >= clock_fit(alignment).fve - 1e-12
    assert best >= pizza_fit(alignment).fve - 1e-12


@given(n=st.integers(3, 13), data=st.data())
def test_an_envelope_that_is_neither_is_found_by_the_best_one_alone(n, data):
    k = data.draw(st.integers(1, n // 2))
    i, j, _ = grid(n)
    logits = ((i - j) % n == 1) * clock(n, {k: 3.0})
    alignment = align(logits, [k])
    assert any_envelope_fve(alignment) == pytest.approx(1)
    assert clock_fit(alignment).fve == pytest.approx(1 / n)


@given(n=st.integers(3, 13), data=st.data(), alpha=st.floats(0.5, 20), phase=st.floats(-3, 3))
def test_a_wrong_phase_is_found_and_costs_the_clock(n, data, alpha, phase):
    k = data.draw(st.integers(1, (n - 1) // 2))
    alignment = align(clock(n, {k: alpha}, phase), [k])
    free = free_phase_fit(alignment)
    assert free.amplitudes == pytest.approx([alpha])
    assert free.phases == pytest.approx([phase])
    assert free.fve == pytest.approx(1)
    assert clock_fit(alignment).amplitudes == pytest.approx([alpha * math.cos(phase)], abs=1e-9)
    assert clock_fit(alignment).fve == pytest.approx(math.cos(phase) ** 2)


def test_frequency_half_n_has_a_sign_and_no_phase():
    alignment = align(clock(6, {3: -2.0}), [3])
    for fit in (clock_fit(alignment), free_phase_fit(alignment)):
        assert fit.amplitudes == pytest.approx([-2.0])
        assert fit.phases == (0.0,)
        assert fit.fve == pytest.approx(1)


def test_a_frequency_that_is_not_there_explains_nothing():
    n = 11
    for logits in (clock(n, {2: 5.0}), pizza(n, {2: 5.0}), clock(n, {2: 5.0}, 1.0)):
        for k in (1, 3, 4, 5):
            alignment = align(logits, [k])
            assert clock_fit(alignment).fve < 1e-12
            assert pizza_fit(alignment).fve < 1e-12
            assert any_envelope_fve(alignment) < 1e-12


def test_noise_explains_as_much_as_it_has_directions():
    n, keys = 12, [1, 3, 5]
    alignments = [align(noise(n, seed), keys) for seed in range(40)]
    mean = sum(clock_fit(alignment).fve for alignment in alignments) / len(alignments)
    assert mean == pytest.approx(len(keys) / n**3, rel=0.5)
    mean = sum(any_envelope_fve(alignment) for alignment in alignments) / len(alignments)
    assert mean == pytest.approx(len(keys) / n**2, rel=0.2)


def test_constant_logits_have_no_variance_to_explain():
    alignment = align(torch.ones(5, 5, 5), [1, 2])
    assert clock_fit(alignment).fve == 0
    assert any_envelope_fve(alignment) == 0


def test_float32_logits_with_a_large_offset_keep_their_fit():
    logits = (clock(17, {4: 3.0}) + 1000).float()
    assert clock_fit(align(logits, [4])).amplitudes == pytest.approx([3.0], rel=1e-5)


def test_without_frequencies_nothing_is_explained():
    alignment = align(noise(5), [])
    for fit in (clock_fit(alignment), pizza_fit(alignment), free_phase_fit(alignment)):
        assert fit.amplitudes == ()
        assert fit.fve == 0
    assert any_envelope_fve(alignment) == 0


@given(n=st.integers(2, 12))
def test_the_pizzas_envelope_is_a_function_of_the_difference_modulo_n(n):
    envelope = pizza_envelope(n, all_frequencies(n))
    for k in all_frequencies(n):
        for i in range(n):
            for j in range(n):
                there = abs(math.cos(math.pi * k * (i - j) / n))
                assert envelope[(i - j) % n, k - 1].item() == pytest.approx(there, abs=1e-12)


@given(n=st.integers(2, 12))
def test_over_differences_is_the_mean_over_the_pairs_with_each_difference(n):
    values = noise(n)[0]
    for d in range(n):
        pairs = [values[i, j].item() for i in range(n) for j in range(n) if (i - j) % n == d]
        assert over_differences(values)[d].item() == pytest.approx(sum(pairs) / n)


def test_all_frequencies_reach_the_last():
    assert all_frequencies(7) == (1, 2, 3)
    assert all_frequencies(8) == (1, 2, 3, 4)
