"""Networks whose symmetry is known: sums have it, products do not."""

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis.modular.clock_pizza import distance_irrelevance, gradient_symmetricity
from grokscope.models import MLP, MLPConfig, Transformer, TransformerConfig
from grokscope.models.hooks import Tap, untouched
from grokscope.randomness import init_generator
from grokscope.tasks import ModularConfig

P = 7


def task_of(operation: str = "add", *, equals: bool = False):
    return ModularConfig(p=P, operation=operation, equals_token=equals).build()


def mlp(combine: str, *, seed: int = 0, **options) -> MLP:
    config = MLPConfig.model_validate({"d_model": 8, "d_mlp": 32, "combine": combine, **options})
    generator = init_generator(seed)
    return MLP(config, d_vocab=P, d_vocab_out=P, n_ctx=2, generator=generator, dtype=torch.float64)


class Bilinear(MLP):
    """Logit c is u_c · (e_a ⊙ M e_b): its gradients can be written down."""

    def forward(
        self, tokens: torch.Tensor, positions: Sequence[int] | None = None, *, tap: Tap = untouched
    ) -> torch.Tensor:
        tap = self._through_hooks(tap)
        e = tap("hook_embed", self.embed.W_E[tokens])
        return ((e[:, 0] * (e[:, 1] @ self.mixing)) @ self.reading).unsqueeze(1)

    @property
    def mixing(self) -> torch.Tensor:
        return torch.randn(8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    @property
    def reading(self) -> torch.Tensor:
        return torch.randn(8, P, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


class TestGradientSymmetricity:
    @pytest.mark.parametrize("n_layers", [1, 2])
    def test_a_network_that_sees_only_the_sum_of_embeddings_has_one(self, n_layers):
        model = mlp("sum", activation="gelu", n_layers=n_layers)
        assert gradient_symmetricity(model, task_of()) == pytest.approx(1, abs=1e-12)

    def test_a_network_that_sees_each_apart_has_less(self):
        assert abs(gradient_symmetricity(mlp("concat", activation="gelu"), task_of())) < 0.5

    def test_the_difference_of_embeddings_has_minus_one(self):
        model = mlp("concat", activation="gelu")
        first = model.blocks[0].mlp.W_in
        with torch.no_grad():
            first[8:] = -first[:8]
        assert gradient_symmetricity(model, task_of()) == pytest.approx(-1, abs=1e-12)

    def test_it_is_the_mean_cosine_of_the_two_gradients(self):
        config = MLPConfig(d_model=8, d_mlp=8, combine="sum")
        model = Bilinear(config, d_vocab=P, d_vocab_out=P, n_ctx=2, generator=init_generator(0), dtype=torch.float64)
        e, cosines = model.embed.W_E.detach(), []
        for a in range(P):
            for b in range(P):
                for c in range(P):
                    to_a = model.reading[:, c] * (e[b] @ model.mixing)
                    to_b = model.mixing @ (model.reading[:, c] * e[a])
                    cosines.append(torch.cosine_similarity(to_a, to_b, dim=0).item())
        expected = sum(cosines) / len(cosines)
        spread = torch.tensor(cosines).std().item()
        drawn = 20_000
        measured = gradient_symmetricity(model, task_of(), n_triples=drawn)
        assert measured == pytest.approx(expected, abs=4 * spread / math.sqrt(drawn))
        assert abs(expected) < 0.5  # so that a formula that always says 1 fails

    def test_attention_that_cannot_tell_the_operands_apart_is_symmetric(self):
        """Constant attention and no positions: both operands enter by their sum."""
        config = TransformerConfig(d_model=8, n_heads=2, d_head=4, d_mlp=32)
        model = Transformer(config, d_vocab=P + 1, d_vocab_out=P + 1, n_ctx=3, generator=init_generator(0))
        task = task_of(equals=True)
        assert gradient_symmetricity(model, task) < 0.9999
        with torch.no_grad():
            model.blocks[0].attn.W_Q.zero_()
        assert gradient_symmetricity(model, task) == pytest.approx(1, abs=1e-6)

    def test_the_same_seed_draws_the_same_triples(self):
        model, task = mlp("concat"), task_of()
        assert gradient_symmetricity(model, task, seed=3) == gradient_symmetricity(model, task, seed=3)
        assert gradient_symmetricity(model, task, seed=3) != gradient_symmetricity(model, task, seed=4)

    def test_frozen_weights_and_disabled_gradients_do_not_matter(self):
        model, task = mlp("concat"), task_of()
        expected = gradient_symmetricity(model, task)
        with torch.no_grad():
            assert gradient_symmetricity(model.requires_grad_(False), task) == expected
        assert all(weight.grad is None for weight in model.parameters())


def with_correct(correct: torch.Tensor) -> torch.Tensor:
    """Logits that are noise but for the right answers', which are ``correct[i, j]``."""
    n = correct.shape[0]
    x = torch.arange(n)
    logits = torch.randn(n, n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    logits[x[:, None], x, (x[:, None] + x) % n] = correct
    return logits


def by_difference(correct: torch.Tensor) -> list[list[float]]:
    n = correct.shape[0]
    return [[correct[i, j].item() for i in range(n) for j in range(n) if (i - j) % n == d] for d in range(n)]


def spread(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))


@given(n=st.integers(3, 12), seed=st.integers(0, 100))
def test_distance_irrelevance_is_its_definition(n, seed):
    correct = torch.randn(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    rows = by_difference(correct)
    expected = sum(spread(row) for row in rows) / n / spread([value for row in rows for value in row])
    assert distance_irrelevance(with_correct(correct)) == pytest.approx(expected)


@given(n=st.sampled_from([3, 5, 7, 11, 9]), seed=st.integers(0, 100))
def test_a_function_of_the_distance_has_zero_and_one_of_the_sum_has_one(n, seed):
    function = torch.randn(n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    x = torch.arange(n)
    assert distance_irrelevance(with_correct(function[(x[:, None] - x) % n])) == pytest.approx(0, abs=1e-9)
    assert distance_irrelevance(with_correct(function[(x[:, None] + x) % n])) == pytest.approx(1)


def test_noise_has_nearly_one():
    correct = torch.randn(59, 59, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert distance_irrelevance(with_correct(correct)) == pytest.approx(1, abs=0.02)
