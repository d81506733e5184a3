"""The fast pass on sequences longer than those of modular arithmetic, where other branches of it are taken."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.models import Transformer, TransformerConfig, build_model
from grokscope.models.shared_work import MANY_KEYS
from grokscope.randomness import init_generator
from grokscope.tasks import DigitAdditionConfig, RepeatedSubsequencesConfig, SkipTrigramsConfig

pytestmark = pytest.mark.slow

N_CTX = 13
SHAPES = {
    "one layer": {},
    "one layer, attention only": {"attention_only": True, "biases": "none"},
    "one layer of everything": {"layer_norm": True, "biases": "all", "activation": "gelu"},
    "two layers": {"n_layers": 2},
    "two layers, attention only": {"n_layers": 2, "attention_only": True, "biases": "none"},
    "two layers of everything": {"n_layers": 2, "layer_norm": True, "biases": "all", "activation": "gelu"},
}
POSITIONS = {
    "last": (12,),
    "several": (3, 7, 11),
    "all": tuple(range(N_CTX)),
    "out of order": (12, 0, 9),
    "eight keys": (2, 7),
    "nine keys": (2, 8),
}


def randomised(model: Transformer) -> Transformer:
    """Every weight, bias and gain random, so that each one matters."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator, dtype=torch.float64) / 3)
    return model


def network(d_vocab: int, n_ctx: int = N_CTX, **options) -> Transformer:
    config = TransformerConfig(**{"d_model": 12, "n_heads": 3, "d_head": 5, "d_mlp": 17, **options})
    sizes = {"d_vocab": d_vocab, "d_vocab_out": d_vocab, "n_ctx": n_ctx}
    return randomised(Transformer(config, **sizes, generator=init_generator(0), dtype=torch.float64))


def random_tokens(d_vocab: int, n_examples: int, n_ctx: int = N_CTX) -> torch.Tensor:
    return torch.randint(d_vocab, (n_examples, n_ctx), generator=torch.Generator().manual_seed(3))


def assert_close(one: torch.Tensor, other: torch.Tensor, what: str) -> None:
    tolerance = 1e-11 * max(1.0, other.abs().max().item())
    torch.testing.assert_close(one, other, rtol=0, atol=tolerance, msg=lambda text: f"{what}: {text}")


def gradients(model: Transformer, logits: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the gradient of a random weighting of the logits."""
    weighting = torch.randn(logits.shape, generator=torch.Generator().manual_seed(2), dtype=logits.dtype)
    weights = dict(model.named_parameters())
    found = torch.autograd.grad((weighting * logits).sum(), list(weights.values()), materialize_grads=True)
    return dict(zip(weights, found, strict=True))


def assert_passes_agree(model: Transformer, tokens: torch.Tensor, positions: tuple[int, ...]) -> None:
    plain, fast = model(tokens)[:, list(positions)], model.forward_fast(model.plan(tokens, positions))
    assert_close(fast, plain, "logits")
    expected = gradients(model, plain)
    for name, found in gradients(model, fast).items():
        assert_close(found, expected[name], name)
    for name in ("blocks.0.attn.W_Q", "embed.W_E", "pos_embed.W_pos"):
        assert expected[name].abs().max() > 0, "or nothing is compared"


@pytest.mark.parametrize("causal", [True, False], ids=["causal", "not causal"])
@pytest.mark.parametrize("scale", [1.0, 2.0], ids=["scale 1", "scale 2"])
@pytest.mark.parametrize("coefficient", [1.0, 0.5], ids=["softmax", "half softmax"])
@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(
    ("d_vocab", "n_examples", "table"), [(2, 120, True), (40, 2, False)], ids=["table", "no table"]
)
def test_fast_pass_equals_textbook_pass(options, coefficient, scale, causal, d_vocab, n_examples, table):
    changes = {"attention_coefficient": coefficient, "residual_scale": scale, "causal": causal}
    model = network(d_vocab, **options, **changes)
    tokens = random_tokens(d_vocab, n_examples)
    for positions in POSITIONS.values():
        plan = model.plan(tokens, positions)
        assert (plan.score_index is not None) is table, "the other branch is meant to be tested here"
        if positions != POSITIONS["eight keys"]:
            assert plan.n_keys > MANY_KEYS
        assert_passes_agree(model, tokens, positions)


@pytest.mark.parametrize("coefficient", [1.0, 0.5])
def test_where_every_query_is_the_same_token(coefficient):
    """Skip trigrams: products of weights are taken once, after attention over many keys."""
    model = network(4, attention_coefficient=coefficient, residual_scale=2.0)
    tokens = random_tokens(4, 60)
    tokens[:, -1] = 1
    plan = model.plan(tokens, [N_CTX - 1])
    assert plan.queries.n_rows == 1
    assert_passes_agree(model, tokens, (N_CTX - 1,))


@pytest.mark.parametrize(
    "config",
    [
        DigitAdditionConfig(n_digits=3, data={"kind": "infinite", "batch_size": 20, "test_size": 5}),
        RepeatedSubsequencesConfig(
            d_vocab=9, interval=7, subsequence_length=4, data={"kind": "infinite", "batch_size": 20, "test_size": 5}
        ),
        SkipTrigramsConfig(length=15, data={"kind": "infinite", "batch_size": 20, "test_size": 5}),
    ],
    ids=lambda config: config.kind,
)
@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_on_the_tasks_that_have_such_sequences(config, options):
    task = config.build()
    shape = TransformerConfig(**{"d_model": 12, "n_heads": 3, "d_head": 5, "d_mlp": 17, **options})
    sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
    model = randomised(build_model(shape, **sizes, seed=0, dtype=torch.float64))
    assert_passes_agree(model, task.batches(0).tokens, task.target_positions)


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_later_tokens_change_nothing_before_them(options):
    model, tokens = network(5, **options), random_tokens(5, 8)
    changed = tokens.clone()
    changed[:, 9:] = (tokens[:, 9:] + 1) % 5
    with torch.no_grad():
        one, other = (model.forward_fast(model.plan(each, range(N_CTX))) for each in (tokens, changed))
    assert_close(one[:, :9], other[:, :9], "before")
    assert not torch.allclose(one[:, 9:], other[:, 9:])


class TestAttentionInit:
    def weights(self, init: str, d_model: int, d_head: int, seed: int = 0, **options) -> dict[str, torch.Tensor]:
        config = TransformerConfig(
            n_layers=2, d_model=d_model, n_heads=3, d_head=d_head, d_mlp=8, attention_init=init, **options
        )
        return dict(build_model(config, d_vocab=7, d_vocab_out=7, n_ctx=4, seed=seed).named_parameters())

    @given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 3))
    def test_queries_keys_and_values_are_scaled_and_the_rest_is_the_same(self, d_model, d_head, seed):
        narrow, wide = (self.weights(init, d_model, d_head, seed) for init in ("d_head", "d_model"))
        for name, expected in wide.items():
            if name.endswith((".W_Q", ".W_K", ".W_V")):
                torch.testing.assert_close(
                    narrow[name], expected * math.sqrt(d_model / d_head), rtol=3e-7, atol=0, msg=name
                )
            else:
                assert torch.equal(narrow[name], expected), name

    def test_by_a_power_of_two_to_the_last_bit(self):
        narrow, wide = (self.weights(init, 16, 4) for init in ("d_head", "d_model"))
        scaled = [name for name in wide if not torch.equal(narrow[name], wide[name])]
        assert scaled == [f"blocks.{layer}.attn.W_{letter}" for layer in (0, 1) for letter in "KQV"]
        assert all(torch.equal(narrow[name], 2 * wide[name]) for name in scaled)

    def test_the_default_is_the_width_of_the_residual_stream(self):
        assert TransformerConfig().attention_init == "d_model"

    def test_its_size_is_that_of_one_head(self):
        weights = self.weights("d_head", 400, 25)
        assert weights["blocks.0.attn.W_Q"].std().item() == pytest.approx(1 / 5, rel=0.02)
        assert weights["blocks.0.attn.W_O"].std().item() == pytest.approx(1 / 20, rel=0.02)
