import math

import pytest
import torch
from pydantic import ValidationError

from grokscope.errors import ConfigError
from grokscope.models import MLP, MLPConfig, build_model
from grokscope.randomness import init_generator, stream

SHAPES = {
    "concat": {},
    "sum": {"combine": "sum"},
    "separate embeddings, concat": {"shared_embedding": False},
    "separate embeddings, sum": {"shared_embedding": False, "combine": "sum"},
    "two layers, gelu": {"n_layers": 2, "activation": "gelu"},
    "three layers, sum, quadratic, no biases": {
        "n_layers": 3,
        "combine": "sum",
        "activation": "quadratic",
        "biases": "none",
    },
    "biases of hidden layers only": {"n_layers": 2, "biases": "hidden"},
    "tied": {"tied_embeddings": True, "d_mlp": 6},
    "tied, two layers, sum": {"tied_embeddings": True, "d_mlp": 6, "n_layers": 2, "combine": "sum", "biases": "none"},
}


def network(n_ctx=3, d_vocab=7, d_vocab_out=5, **options) -> MLP:
    config = MLPConfig(**{"d_model": 6, "d_mlp": 11, **options})
    model = MLP(
        config, d_vocab=d_vocab, d_vocab_out=d_vocab_out, n_ctx=n_ctx, generator=init_generator(0), dtype=torch.float64
    )
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator, dtype=torch.float64) / 2)
    return model


def from_scratch(model: MLP, tokens: torch.Tensor) -> torch.Tensor:
    c, w = model.config, dict(model.named_parameters())
    logits = []
    for sequence in tokens.tolist():
        embedded = [
            w["embed.W_E"][token] if c.shared_embedding else w["embed.W_E"][place, token]
            for place, token in enumerate(sequence)
        ]
        x = torch.cat(embedded) if c.combine == "concat" else sum(embedded)
        for layer in range(c.n_layers):
            pre = x @ w[f"blocks.{layer}.mlp.W_in"] + w.get(f"blocks.{layer}.mlp.b_in", 0)
            if c.activation == "relu":
                x = torch.where(pre > 0, pre, 0)
            else:
                x = pre * pre if c.activation == "quadratic" else pre * (1 + torch.erf(pre / math.sqrt(2))) / 2
        unembedding = w["embed.W_E"][: model.d_vocab_out].T if c.tied_embeddings else w["unembed.W_U"]
        logits.append(x @ unembedding + w.get("unembed.b_U", 0))
    return torch.stack(logits).unsqueeze(1)


def assert_close(one: torch.Tensor, other: torch.Tensor) -> None:
    """Equal to rounding: 1e-12 relative to the largest entry."""
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12 * max(1.0, other.abs().max().item()))


@pytest.mark.parametrize("n_ctx", [1, 2, 3])
@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_fast_plain_and_independent_pass_agree(options, n_ctx):
    model = network(n_ctx=n_ctx, **options)
    tokens = torch.randint(7, (20, n_ctx), generator=torch.Generator().manual_seed(2))
    expected = from_scratch(model, tokens)
    weighting = torch.randn(expected.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected_gradients = torch.autograd.grad((weighting * expected).sum(), list(model.parameters()))
    for logits in (model(tokens), model(tokens, [n_ctx - 1]), model.forward_fast(model.plan(tokens, [n_ctx - 1]))):
        assert_close(logits, expected)
        found = torch.autograd.grad((weighting * logits).sum(), list(model.parameters()))
        for one, other in zip(found, expected_gradients, strict=True):
            assert_close(one, other)


def test_sum_with_one_embedding_does_not_see_the_order():
    tokens = torch.tensor([[0, 1, 6], [3, 5, 6]])
    swapped = tokens[:, [1, 0, 2]]
    blind, seeing = network(combine="sum"), network(combine="sum", shared_embedding=False)
    torch.testing.assert_close(blind(tokens), blind(swapped))
    assert not torch.allclose(seeing(tokens), seeing(swapped))


def test_shapes():
    separate = network(shared_embedding=False, n_layers=2)
    assert {name: tuple(weights.shape) for name, weights in separate.named_parameters()} == {
        "embed.W_E": (3, 7, 6),
        "blocks.0.mlp.W_in": (18, 11),
        "blocks.0.mlp.b_in": (11,),
        "blocks.1.mlp.W_in": (11, 11),
        "blocks.1.mlp.b_in": (11,),
        "unembed.W_U": (11, 5),
        "unembed.b_U": (5,),
    }
    assert "unembed.b_U" not in network(biases="hidden").state_dict()
    assert network(biases="none").state_dict().keys() == {"embed.W_E", "blocks.0.mlp.W_in", "unembed.W_U"}
    assert network(combine="sum").blocks[0].mlp.W_in.shape == (6, 11)
    tied = network(tied_embeddings=True, d_mlp=6)
    assert "unembed.W_U" not in tied.state_dict()
    assert torch.equal(tied.W_U, tied.embed.W_E[:5].T)


def test_initial_weights_have_the_scale_of_their_inputs():
    model = build_model(MLPConfig(d_model=100, d_mlp=200), d_vocab=50, d_vocab_out=50, n_ctx=2, seed=0)
    for weights, n_in in ((model.embed.W_E, 100), (model.blocks[0].mlp.W_in, 200), (model.W_U, 200)):
        assert weights.std().item() * math.sqrt(n_in) == pytest.approx(1, abs=0.05)
        assert weights.mean().item() * math.sqrt(n_in) == pytest.approx(0, abs=0.05)
    assert (model.blocks[0].mlp.b_in == 0).all()
    again = build_model(MLPConfig(d_model=100, d_mlp=200), d_vocab=50, d_vocab_out=50, n_ctx=2, seed=0)
    other = build_model(MLPConfig(d_model=100, d_mlp=200), d_vocab=50, d_vocab_out=50, n_ctx=2, seed=1)
    assert torch.equal(again.embed.W_E, model.embed.W_E)
    assert not torch.equal(other.embed.W_E, model.embed.W_E)


def test_dropout_is_reproducible_and_off_by_default():
    model = network(dropout=0.5, n_layers=2)
    tokens = torch.randint(7, (30, 3))
    plan = model.plan(tokens, [2])
    first, again, other = (model.forward_fast(plan, noise=stream("dropout", 0, step)) for step in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.testing.assert_close(model.forward_fast(plan), from_scratch(model, tokens))


def test_cache_has_the_names_of_a_transformer():
    model = network(n_layers=2)
    logits, cache = model.run_with_cache(torch.randint(7, (4, 3)))
    assert {name: tuple(value.shape) for name, value in cache.items()} == {
        "hook_embed": (4, 3, 6),
        "blocks.0.mlp.hook_pre": (4, 11),
        "blocks.0.mlp.hook_post": (4, 11),
        "blocks.1.mlp.hook_pre": (4, 11),
        "blocks.1.mlp.hook_post": (4, 11),
    }
    assert logits.shape == (4, 1, 5)
    torch.testing.assert_close(cache["blocks.0.mlp.hook_post"], cache["blocks.0.mlp.hook_pre"].relu())


def test_ablating_all_neurons_leaves_the_bias():
    model = network()
    logits = model.run_with_hooks(torch.randint(7, (4, 3)), {"blocks.0.mlp.hook_post": torch.zeros_like})
    torch.testing.assert_close(logits, model.unembed.b_U.expand(4, 1, 5))


class TestErrors:
    def test_length_of_a_sequence(self):
        with pytest.raises(ConfigError, match=r"this MLP takes sequences of 3 tokens, got 2"):
            network()(torch.zeros(4, 2, dtype=torch.long))

    @pytest.mark.parametrize("tokens", [[[0, 7, 1]], [[-1, 0, 0]], [[0, 0, 9]]])
    def test_token_outside_the_vocabulary(self, tokens):
        with pytest.raises(ConfigError, match=r"expected tokens 0 to 6 \(d_vocab is 7\), got (7|-1|9)"):
            network()(torch.tensor(tokens))

    def test_tied_widths(self):
        with pytest.raises(ValidationError, match=r"needs shared_embedding and d_mlp = d_model.* 11 .*6"):
            MLPConfig(d_model=6, d_mlp=11, tied_embeddings=True)
        with pytest.raises(ValidationError, match="needs shared_embedding"):
            MLPConfig(d_model=6, d_mlp=6, tied_embeddings=True, shared_embedding=False)

    def test_tied_vocabulary(self):
        with pytest.raises(ConfigError, match=r"got 8 > 7; untie them"):
            network(tied_embeddings=True, d_mlp=6, d_vocab_out=8)
