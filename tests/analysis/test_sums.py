"""The directions cos and sin(w_k(i + j)), held to their definition."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis import fourier_basis
from grokscope.analysis.modular.sum_directions import (
    keep_frequencies,
    over_sums,
    project_on_sums,
    random_frequencies,
    sum_index,
    wave,
)

sizes = st.integers(2, 16)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def directions(n: int, k: int) -> list[torch.Tensor]:
    """The unit directions of frequency k over the n² inputs, as the paper builds them."""
    basis = fourier_basis(n)
    if k == 0:
        return [torch.outer(basis[0], basis[0])]
    cos = basis[2 * k - 1]
    if 2 * k == n:
        return [torch.outer(cos, cos)]
    sin = basis[2 * k]
    return [
        (torch.outer(cos, cos) - torch.outer(sin, sin)) / math.sqrt(2),
        (torch.outer(sin, cos) + torch.outer(cos, sin)) / math.sqrt(2),
    ]


@st.composite
def sizes_with_frequencies(draw):
    n = draw(sizes)
    return n, draw(st.lists(st.integers(0, n // 2), unique=True))


@given(case=sizes_with_frequencies(), seed=st.integers(0, 100))
def test_the_projection_is_that_on_the_papers_unit_directions(case, seed):
    n, frequencies = case
    values = noise(n, n, 3, seed=seed)
    expected = torch.zeros_like(values)
    for k in frequencies:
        for direction in directions(n, k):
            assert math.isclose(direction.norm(), 1, abs_tol=1e-12)
            expected += direction[:, :, None] * torch.einsum("ij,ijr->r", direction, values)
    assert torch.allclose(project_on_sums(values, frequencies)[sum_index(n)], expected, atol=1e-12)


@given(case=sizes_with_frequencies(), seed=st.integers(0, 100))
def test_projecting_is_idempotent_and_pythagoras_holds(case, seed):
    n, frequencies = case
    values = noise(n, n, 2, seed=seed)
    part = project_on_sums(values, frequencies)[sum_index(n)]
    again = project_on_sums(part, frequencies)[sum_index(n)]
    assert torch.allclose(part, again, atol=1e-12)
    total = part.square().sum() + (values - part).square().sum()
    assert torch.isclose(total, values.square().sum())


@given(n=sizes)
def test_all_frequencies_together_keep_every_function_of_the_sum_and_no_more(n):
    of_sum = noise(n, 2)
    assert torch.allclose(project_on_sums(of_sum[sum_index(n)], range(n // 2 + 1)), of_sum, atol=1e-12)
    x = torch.arange(n)
    of_difference = noise(n, seed=1)[(x[:, None] - x) % n]
    if n % 2:  # for even n a function of the parity is one of both
        kept = project_on_sums(of_difference, range(n // 2 + 1))
        assert torch.allclose(kept, of_difference.mean().expand(n), atol=1e-12)


@given(n=sizes)
def test_over_sums_is_the_mean_over_the_pairs_with_each_sum(n):
    values = noise(n, n, 2)
    for s in range(n):
        pairs = [values[i, j] for i in range(n) for j in range(n) if (i + j) % n == s]
        assert len(pairs) == n
        assert torch.allclose(over_sums(values)[s], torch.stack(pairs).mean(0), atol=1e-12)


@given(n=sizes, data=st.data())
def test_keep_frequencies_is_a_mask_in_the_fourier_basis(n, data):
    frequencies = data.draw(st.lists(st.integers(0, n // 2), unique=True))
    values, basis = noise(n, 3), fourier_basis(n)
    rows = [row for row in range(n) if (row + 1) // 2 in frequencies]
    assert torch.allclose(keep_frequencies(values, frequencies), basis[rows].T @ (basis[rows] @ values), atol=1e-12)


@pytest.mark.parametrize(("n", "k"), [(7, 3), (8, 4), (997, 498), (2, 1)])
def test_wave_is_the_cosine(n, k):
    x = torch.arange(n)
    assert wave(n, k, x).tolist() == pytest.approx([math.cos(2 * math.pi * k * i / n) for i in range(n)], abs=1e-9)
    assert torch.equal(wave(n, k, x), wave(n, k, x + 1000 * n))


@given(n=st.integers(4, 40), seed=st.integers(0, 50))
def test_random_frequencies_are_other_ones_without_repetition(n, seed):
    besides = [1, n // 2]
    generator = torch.Generator().manual_seed(seed)
    free = n // 2 - len(set(besides))
    drawn = random_frequencies(n, free, besides=besides, generator=generator)
    assert drawn == tuple(k for k in range(1, n // 2 + 1) if k not in besides)
    assert random_frequencies(n, free + 1, besides=besides, generator=generator) is None


def test_every_frequency_has_its_turn_among_the_random_ones():
    generator = torch.Generator().manual_seed(0)
    drawn = {k for _ in range(100) for k in random_frequencies(13, 2, besides=[5], generator=generator) or ()}
    assert drawn == {1, 2, 3, 4, 6}
