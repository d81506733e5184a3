import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope.analysis import fourier_basis, frequency_norms, transform, transform_2d
from grokscope.analysis.fourier import frequency_rows, n_frequencies, row_frequencies


@given(p=st.integers(2, 127))
@settings(deadline=None, max_examples=60)
def test_the_basis_is_orthonormal_for_every_p(p: int) -> None:
    basis = fourier_basis(p)
    assert torch.allclose(basis @ basis.T, torch.eye(p, dtype=torch.float64), atol=1e-12)


def test_rows_are_const_then_cos_and_sin_of_each_frequency() -> None:
    p, k = 113, 42
    x = torch.arange(p, dtype=torch.float64)
    basis = fourier_basis(p)
    assert torch.allclose(basis[0], torch.full((p,), 1 / math.sqrt(p), dtype=torch.float64))
    assert torch.allclose(basis[2 * k - 1], math.sqrt(2 / p) * torch.cos(2 * math.pi * k * x / p), atol=1e-12)
    assert torch.allclose(basis[2 * k], math.sqrt(2 / p) * torch.sin(2 * math.pi * k * x / p), atol=1e-12)


def test_even_p_has_an_alternating_last_row_of_frequency_half_p() -> None:
    basis = fourier_basis(6)
    assert torch.allclose(basis[-1] * math.sqrt(6), torch.tensor([1.0, -1, 1, -1, 1, -1], dtype=torch.float64))
    assert row_frequencies(6).tolist() == [0, 1, 1, 2, 2, 3]
    assert n_frequencies(6) == 3
    assert n_frequencies(7) == 3


@given(p=st.integers(2, 40), width=st.integers(1, 5), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_parseval(p: int, width: int, seed: int) -> None:
    values = torch.randn(p, p, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    total = values.square().sum()
    assert torch.isclose(transform(values).square().sum(), total)
    assert torch.isclose(transform_2d(values).square().sum(), total)


def test_transform_2d_is_the_double_sum_of_its_definition() -> None:
    p = 7
    values = torch.randn(p, p, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    basis = fourier_basis(p)
    assert torch.allclose(transform_2d(values), torch.einsum("ab,fa,gb->fg", values, basis, basis))


@pytest.mark.parametrize("p", [5, 13, 113, 12])
def test_a_planted_frequency_is_the_only_one_found_for_every_k(p: int) -> None:
    x = torch.arange(p, dtype=torch.float64)
    for k in range(1, p // 2 + 1):
        phase = 0.0 if 2 * k == p else 0.7
        wave = torch.cos(2 * math.pi * k * x / p + phase).unsqueeze(1)
        norms = frequency_norms(wave)
        assert int(norms.argmax()) == k - 1
        assert torch.isclose(norms[k - 1], wave.norm())
        assert norms.sum() - norms[k - 1] < 1e-9


@given(p=st.integers(2, 60))
def test_the_rows_of_all_frequencies_and_the_constant_are_the_whole_basis(p: int) -> None:
    rows = [0] + [row for k in range(1, n_frequencies(p) + 1) for row in frequency_rows(p, k)]
    assert rows == list(range(p))
    for k in range(1, n_frequencies(p) + 1):
        assert row_frequencies(p)[frequency_rows(p, k)].tolist() == [k] * len(frequency_rows(p, k))


@given(p=st.integers(2, 40), data=st.data(), phase=st.floats(0, 6))
def test_a_shifted_wave_lies_in_its_frequencys_rows(p: int, data: st.DataObject, phase: float) -> None:
    k = data.draw(st.integers(1, p // 2))
    wave = torch.cos(2 * math.pi * k * torch.arange(p, dtype=torch.float64) / p + phase)
    rows = fourier_basis(p)[frequency_rows(p, k)]
    assert torch.allclose(rows.T @ (rows @ wave), wave, atol=1e-9)
