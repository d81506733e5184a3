"""Progress measures against their definitions, written as loops."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis import fourier_basis
from grokscope.analysis.modular.progress_measures import (
    accuracy,
    answer_losses,
    excluded_loss,
    excluded_loss_of_cube,
    logit_margins,
    restricted_loss,
)
from grokscope.analysis.modular.sum_directions import project_on_sums, sum_index

SIZES = [5, 6, 9, 11]


def restricted_logits(logits: torch.Tensor, frequencies: list[int]) -> torch.Tensor:
    return project_on_sums(logits, [0, *frequencies])[sum_index(logits.shape[0])]


def excluded_logits(logits: torch.Tensor, frequencies: list[int]) -> torch.Tensor:
    return logits - project_on_sums(logits, frequencies)[sum_index(logits.shape[0])]


def noise(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def adder(n: int, terms: dict[int, float], phase: float = 0.0) -> torch.Tensor:
    x = torch.arange(n, dtype=torch.float64)
    argument = x[:, None, None] + x[None, :, None] - x
    return torch.stack([a * torch.cos(2 * math.pi * k / n * argument + phase) for k, a in terms.items()]).sum(0)


def loss_of(logits: torch.Tensor, i: int, j: int) -> float:
    row, n = logits[i, j].tolist(), logits.shape[0]
    return math.log(sum(math.exp(value) for value in row)) - row[(i + j) % n]


def mean_loss(logits: torch.Tensor, mask: torch.Tensor | None = None) -> float:
    n = logits.shape[0]
    losses = [loss_of(logits, i, j) for i in range(n) for j in range(n) if mask is None or mask[i, j]]
    return sum(losses) / len(losses)


def on_sums(logits: torch.Tensor, frequencies: list[int]) -> torch.Tensor:
    """The projection, one direction after the other."""
    n, basis = logits.shape[0], fourier_basis(logits.shape[0])
    result = torch.zeros_like(logits)
    for k in frequencies:
        cos = basis[2 * k - 1]
        directions = [torch.outer(cos, cos)]
        if 2 * k != n:
            sin = basis[2 * k]
            directions = [torch.outer(cos, cos) - torch.outer(sin, sin), torch.outer(sin, cos) + torch.outer(cos, sin)]
        for direction in directions:
            unit = direction / direction.norm()
            for c in range(n):
                result[:, :, c] += (unit * logits[:, :, c]).sum() * unit
    return result


def half(n: int) -> torch.Tensor:
    return torch.rand(n, n, generator=torch.Generator().manual_seed(9)) < 0.5


@pytest.mark.parametrize("n", SIZES)
class TestAgainstTheDefinition:
    def test_losses(self, n):
        logits = 3 * noise(n)
        losses = answer_losses(logits)
        for i in range(n):
            for j in range(n):
                assert losses[i, j].item() == pytest.approx(loss_of(logits, i, j))

    @pytest.mark.parametrize("masked", [False, True])
    def test_restricted_loss(self, n, masked):
        logits, keys, mask = noise(n) + adder(n, {1: 2.0}), [1, n // 2], half(n) if masked else None
        kept = on_sums(logits, keys) + logits.mean((0, 1))
        assert restricted_loss(logits, keys, mask) == pytest.approx(mean_loss(kept, mask))

    @pytest.mark.parametrize("masked", [False, True])
    def test_excluded_loss(self, n, masked):
        logits, keys, mask = noise(n) + adder(n, {1: 2.0}), [1, n // 2], half(n) if masked else None
        rest = logits - on_sums(logits, keys)
        assert excluded_loss(logits, keys, mask) == pytest.approx(mean_loss(rest, mask))

    @pytest.mark.parametrize("masked", [False, True])
    def test_excluded_loss_of_the_cube(self, n, masked):
        logits, keys, mask = noise(n) + adder(n, {1: 2.0}, 0.5), [1, n // 2], half(n) if masked else None
        rest = logits.clone()
        for k in keys:
            direction = adder(n, {k: 1.0})
            direction = direction / direction.norm()
            rest -= (logits * direction).sum() * direction
        assert excluded_loss_of_cube(logits, keys, mask) == pytest.approx(mean_loss(rest, mask))

    def test_margins_and_accuracy(self, n):
        logits = noise(n) + adder(n, {1: 1.0})
        margins, right = logit_margins(logits), 0
        for i in range(n):
            for j in range(n):
                row, answer = logits[i, j].tolist(), (i + j) % n
                expected = row[answer] - max(value for c, value in enumerate(row) if c != answer)
                assert margins[i, j].item() == pytest.approx(expected)
                right += max(row) == row[answer]
        assert 0 < right < n * n
        assert accuracy(logits) == pytest.approx(right / n**2)
        assert (margins > 0).double().mean().item() == pytest.approx(right / n**2)

    def test_without_frequencies_excluding_leaves_the_networks_own_loss(self, n):
        logits = noise(n)
        assert excluded_loss(logits, []) == pytest.approx(mean_loss(logits))
        assert excluded_loss_of_cube(logits, []) == pytest.approx(mean_loss(logits))

    def test_what_is_kept_and_what_is_left_sum_to_the_logits(self, n):
        logits, keys = noise(n), [1, 2]
        mean = logits.mean((0, 1))
        assert torch.allclose(restricted_logits(logits, keys) - mean + excluded_logits(logits, keys), logits)


@given(n=st.integers(5, 11), seed=st.integers(0, 100), data=st.data())
def test_excluding_all_keys_is_excluding_them_one_after_the_other(n, seed, data):
    keys = data.draw(st.lists(st.integers(1, n // 2), unique=True, min_size=1))
    logits = noise(n, seed)
    one_by_one = logits
    for k in keys:
        one_by_one = excluded_logits(one_by_one, [k])
    assert torch.allclose(excluded_logits(logits, keys), one_by_one, atol=1e-12)


@given(n=st.integers(5, 13), data=st.data())
def test_a_perfect_adder_is_all_circuit(n, data):
    k = data.draw(st.sampled_from([k for k in range(1, n // 2 + 1) if math.gcd(k, n) == 1]))
    logits = adder(n, {k: 20.0})
    assert accuracy(logits) == 1
    assert restricted_loss(logits, [k]) == pytest.approx(mean_loss(logits), abs=1e-9)
    assert excluded_loss(logits, [k]) == pytest.approx(math.log(n))
    assert excluded_loss_of_cube(logits, [k]) == pytest.approx(math.log(n))


def test_a_table_learned_by_heart_does_not_need_the_sums_of_one_frequency():
    n = 11
    logits = torch.zeros(n, n, n, dtype=torch.float64)
    i, j = half(n).nonzero(as_tuple=True)
    logits[i, j, (i + j) % n] = 20.0
    assert restricted_loss(logits, [3], half(n)) > 1
    assert excluded_loss(logits, [3], half(n)) < 0.1


def test_the_cube_leaves_a_wrong_phase_alone_and_the_excluded_loss_does_not():
    n, k = 11, 3
    askew = adder(n, {k: 5.0}, math.pi / 2)  # sin(w(a + b − c)): in the sums' directions, at right angles to the cube's
    assert torch.allclose(excluded_logits(askew, [k]), torch.zeros(n, n, n, dtype=torch.float64), atol=1e-9)
    assert excluded_loss_of_cube(askew, [k]) == pytest.approx(mean_loss(askew))


def test_losses_far_below_float32_are_exact():
    n = 7
    x = torch.arange(n)
    logits = torch.zeros(n, n, n)
    logits[x[:, None], x, (x[:, None] + x) % n] = 25.0
    assert restricted_loss(logits, [1, 2, 3]) == pytest.approx(math.log1p((n - 1) * math.exp(-25.0)), rel=1e-4)


def test_a_tie_is_not_won():
    assert (logit_margins(torch.zeros(5, 5, 5)) == 0).all()
    assert (logit_margins(torch.zeros(2, 2, 2)) == 0).all()
