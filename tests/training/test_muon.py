"""Muon: every direction of a matrix at one speed, vectors as Adam has them."""

import pytest
import torch
from torch import nn

from grokscope.training import MuonConfig
from grokscope.training.optimizers.muon import orthogonalized

SHAPES = [(16, 16), (16, 40), (40, 16), (3, 16, 8)]


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


class TestOrthogonalized:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_singular_values_become_about_one_and_vectors_stay(self, shape):
        matrix = random(*shape)
        left, _, right = torch.linalg.svd(matrix, full_matrices=False)
        inside = left.mT @ orthogonalized(matrix) @ right.mT  # diagonal where the singular vectors are the same
        values = inside.diagonal(dim1=-2, dim2=-1)
        assert values.min() > 0.6
        assert values.max() < 1.3
        torch.testing.assert_close(inside, torch.diag_embed(values), atol=1e-9, rtol=0)

    def test_what_is_small_in_a_matrix_moves_as_fast_as_what_is_large(self):
        left, _ = torch.linalg.qr(random(12, 12))
        right, _ = torch.linalg.qr(random(12, 12).mT)
        skewed = left @ torch.diag(torch.logspace(0, -2, 12, dtype=torch.float64)) @ right
        values = torch.linalg.svdvals(orthogonalized(skewed))
        assert values.max() / values.min() < 4  # of a hundred

    @pytest.mark.parametrize("factor", [1e-12, 1e6])
    def test_the_size_of_the_gradient_does_not_matter(self, factor):
        matrix = random(8, 20)
        torch.testing.assert_close(orthogonalized(factor * matrix), orthogonalized(matrix))

    def test_of_heads_each_is_alone(self):
        heads = random(3, 16, 8)
        together = orthogonalized(heads)
        for head, alone in zip(heads, together, strict=True):
            torch.testing.assert_close(orthogonalized(head), alone)

    def test_nothing_stays_nothing(self):
        assert torch.equal(orthogonalized(torch.zeros(4, 6)), torch.zeros(4, 6))


class TestStep:
    CONFIG = MuonConfig(lr=0.1, momentum=0.5, weight_decay=2.0, vector_lr=0.05, betas=(0.8, 0.9), eps=1e-7)

    def step(self, weight: nn.Parameter, gradients: list[torch.Tensor]) -> None:
        optimizer = self.CONFIG.build([weight])
        for gradient in gradients:
            weight.grad = gradient.clone()
            optimizer.step()

    def test_of_a_matrix_by_hand(self):
        start, first, second = random(6, 9), random(6, 9).sin(), random(6, 9).cos()
        weight = nn.Parameter(start.clone())
        self.step(weight, [first, second])
        after_one = start * (1 - 0.1 * 2) - 0.1 * orthogonalized(1.5 * first)
        mean = 0.5 * first + second
        expected = after_one * (1 - 0.1 * 2) - 0.1 * orthogonalized(second + 0.5 * mean)
        torch.testing.assert_close(weight.detach(), expected)

    def test_of_a_vector_is_adam_s(self):
        gradients = [random(7).sin(), random(7).cos(), random(7)]
        weight, twin = nn.Parameter(random(7)), nn.Parameter(random(7))
        self.step(weight, gradients)
        adam = torch.optim.AdamW([twin], 0.1 * 0.05, (0.8, 0.9), 1e-7, weight_decay=2.0 / 0.05)
        for gradient in gradients:
            twin.grad = gradient.clone()
            adam.step()
        torch.testing.assert_close(weight.detach(), twin.detach())
