"""Neurons' polynomials and read-outs, against planted ones and explicit projections."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis import fourier_basis, transform_2d
from grokscope.analysis.fourier import frequency_rows
from grokscope.analysis.modular.neuron_fits import (
    effective_rank,
    keep_block,
    keep_blocks,
    read_out_directions,
    read_out_fits,
)
from grokscope.analysis.modular.sum_directions import sum_index


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def one_and_waves(n: int, k: int) -> torch.Tensor:
    """1, cos w_k x and sin w_k x, not normalised."""
    angle = 2 * math.pi * k / n * torch.arange(n, dtype=torch.float64)
    return torch.stack([torch.ones(n, dtype=torch.float64), angle.cos(), angle.sin()])


def polynomial(n: int, k: int, seed: int = 0) -> torch.Tensor:
    return torch.einsum("uv,ui,vj->ij", noise(3, 3, seed=seed), one_and_waves(n, k), one_and_waves(n, k))


@st.composite
def sizes_with_neurons(draw):
    n = draw(st.integers(3, 14))
    return n, torch.tensor(draw(st.lists(st.integers(0, n // 2), min_size=1, max_size=6)))


class TestKeepBlock:
    @given(case=sizes_with_neurons())
    def test_planted_polynomials_are_kept(self, case):
        n, frequency = case
        planted = torch.stack([polynomial(n, k, seed) for seed, k in enumerate(frequency.tolist())], dim=2)
        assert torch.allclose(keep_block(planted, frequency), planted, atol=1e-9)

    @given(case=sizes_with_neurons(), seed=st.integers(0, 100))
    def test_it_is_the_regression_on_the_nine_terms(self, case, seed):
        n, frequency = case
        values = noise(n, n, len(frequency), seed=seed)
        kept = keep_block(values, frequency)
        for m, k in enumerate(frequency.tolist()):
            waves = one_and_waves(n, k)
            terms = torch.einsum("ui,vj->ijuv", waves, waves).flatten(2).flatten(0, 1)
            target = values[:, :, m].flatten().unsqueeze(1)
            fitted = terms @ torch.linalg.lstsq(terms, target, driver="gelsd").solution
            assert torch.allclose(kept[:, :, m], fitted.view(n, n), atol=1e-9)

    @given(case=sizes_with_neurons(), seed=st.integers(0, 100))
    def test_it_is_idempotent(self, case, seed):
        n, frequency = case
        once = keep_block(noise(n, n, len(frequency), seed=seed), frequency)
        assert torch.allclose(keep_block(once, frequency), once, atol=1e-12)

    def test_another_frequency_leaves_the_mean(self):
        n = 11
        neuron = torch.relu(polynomial(n, 3)).unsqueeze(2)
        pure = polynomial(n, 3).unsqueeze(2)
        assert torch.allclose(keep_block(neuron, torch.tensor([0])), neuron.mean().expand(n, n, 1))
        assert torch.allclose(keep_block(pure, torch.tensor([4])), pure.mean().expand(n, n, 1), atol=1e-12)

    def test_float32_stays_float32(self):
        assert keep_block(noise(5, 5, 2).float(), torch.tensor([1, 0])).dtype == torch.float32


class TestKeepBlocks:
    @given(n=st.integers(3, 14), seed=st.integers(0, 100), data=st.data())
    def test_it_is_a_mask_of_the_2d_transform(self, n, seed, data):
        frequencies = data.draw(st.lists(st.integers(1, n // 2), unique=True))
        values, basis = noise(n, n, 2, seed=seed), fourier_basis(n)
        spectrum = transform_2d(values)
        for f in range(n):
            for g in range(n):
                k, m = (f + 1) // 2, (g + 1) // 2
                kept = (k == 0 and m == 0) or any(k in (0, key) and m in (0, key) for key in frequencies)
                if not kept:
                    spectrum[f, g] = 0
        expected = torch.einsum("fgr,fi,gj->ijr", spectrum, basis, basis)
        assert torch.allclose(keep_blocks(values, frequencies), expected, atol=1e-12)

    def test_products_of_two_frequencies_are_left_out(self):
        n = 11
        mixed = (one_and_waves(n, 2)[1][:, None] * one_and_waves(n, 3)[1]).unsqueeze(2)
        assert keep_blocks(mixed, [2, 3]).abs().max() < 1e-12

    def test_on_one_frequency_it_agrees_with_keep_block(self):
        values = noise(9, 9, 3)
        assert torch.allclose(keep_blocks(values, [4]), keep_block(values, torch.tensor([4, 4, 4])), atol=1e-12)

    def test_without_frequencies_the_mean_is_left(self):
        values = noise(7, 7, 2)
        assert torch.allclose(keep_blocks(values, []), values.mean((0, 1)).expand(7, 7, 2))


@given(n=st.integers(3, 12), seed=st.integers(0, 20))
def test_the_read_out_directions_put_the_logit_map_together_again(n, seed):
    logit_map = noise(6, n, seed=seed)
    basis = fourier_basis(n)
    directions = read_out_directions(logit_map, range(1, n // 2 + 1))
    together = logit_map.mean(1, keepdim=True).expand(6, n).clone()
    for (k, name), direction in directions.items():
        row = frequency_rows(n, k)[("cos", "sin").index(name)]
        together += torch.outer(direction, basis[row])
    assert torch.allclose(together, logit_map, atol=1e-12)
    assert len(directions) == n - 1


def circuit(n: int, terms: dict[tuple[int, str], float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Neurons and their map to the logits: one neuron for each direction, with c·cos or c·sin of the sum on it."""
    post, to_logits = [], []
    for (k, name), c in terms.items():
        row = one_and_waves(n, k)[1 if name == "cos" else 2]
        post.append(c * row[sum_index(n)] + 3.0)
        to_logits.append(row / row.norm())
    turn = torch.linalg.qr(noise(len(terms), len(terms))).Q  # mixed, so that no neuron is a direction
    return torch.stack(post, dim=2) @ turn, turn.T @ torch.stack(to_logits)


@pytest.mark.parametrize("n", [11, 12])
def test_a_planted_circuits_coefficients_are_read_out(n):
    terms = {(2, "cos"): 44.0, (2, "sin"): 50.0, (5, "cos"): 68.0, (5, "sin"): -7.0}
    fits = read_out_fits(*circuit(n, terms), [2, 5])
    assert {(fit.frequency, fit.wave): fit.coefficient for fit in fits} == pytest.approx(terms)
    assert [fit.fve for fit in fits] == pytest.approx([1] * 4)


def test_half_n_has_a_cosine_only():
    (fit,) = read_out_fits(*circuit(8, {(4, "cos"): 5.0}), [4])
    assert (fit.frequency, fit.wave) == (4, "cos")
    assert fit.coefficient == pytest.approx(5)
    assert fit.fve == pytest.approx(1)


def test_neurons_of_the_difference_are_not_read_out_as_sums():
    n = 11
    post, logit_map = circuit(n, {(2, "cos"): 5.0, (2, "sin"): 5.0})
    x = torch.arange(n)
    of_difference = post[0, (x[:, None] - x) % n]
    for fit in read_out_fits(of_difference, logit_map, [2]):
        assert abs(fit.coefficient) < 1e-9
        assert abs(fit.fve) < 1e-9


def test_random_neurons_are_explained_as_little_as_documented():
    n = 11
    fits = [
        fit for s in range(40) for fit in read_out_fits(noise(n, n, 5, seed=s), noise(5, n, seed=s + 99), [1, 3, 4])
    ]
    assert sum(fit.fve for fit in fits) / len(fits) == pytest.approx(1 / n**2, rel=0.3)


def test_effective_rank_is_what_the_first_singular_values_leave_over():
    left, right = torch.linalg.qr(noise(9, 4)).Q, torch.linalg.qr(noise(7, 4, seed=1)).Q
    matrix = left @ torch.diag(torch.tensor([8.0, 4.0, 2.0, 1.0], dtype=torch.float64)) @ right.T
    values, rest = effective_rank(matrix, 2)
    assert values[:4].tolist() == pytest.approx([8, 4, 2, 1])
    assert rest == pytest.approx(math.sqrt(5 / 85))
    assert effective_rank(matrix, 4)[1] < 1e-12
    assert effective_rank(matrix, 0)[1] == pytest.approx(1)
    assert effective_rank(torch.zeros(3, 3), 1)[1] == 0
