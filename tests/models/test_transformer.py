import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from grokscope.errors import ConfigError
from grokscope.models import MLP, MLPConfig, Transformer, TransformerConfig, build_model
from grokscope.models.activations import activate, activate_in_place
from grokscope.models.dropout import drop
from grokscope.randomness import init_generator, stream
from grokscope.tasks import ModularConfig
from grokscope.training import relative_cross_entropy


def transformer(seed=0, dtype=torch.float32, d_vocab=8, d_vocab_out=8, n_ctx=3, **options) -> Transformer:
    config = TransformerConfig(**{"d_model": 12, "n_heads": 3, "d_head": 4, "d_mlp": 20, **options})
    return Transformer(
        config, d_vocab=d_vocab, d_vocab_out=d_vocab_out, n_ctx=n_ctx, generator=init_generator(seed), dtype=dtype
    )


class TestInitialWeights:
    @pytest.mark.parametrize("seed", [0, 1, 598])
    @pytest.mark.parametrize("n_layers", [1, 2])
    def test_are_those_of_the_published_code(self, seed, n_layers):
        """The recipe of the reference, from the global generator, in the authors' order and shapes."""
        d, h, e, m, vocab, n_ctx = 128, 4, 32, 512, 114, 3
        torch.manual_seed(seed)
        root = math.sqrt(d)
        expected = {
            "embed.W_E": (torch.randn(d, vocab) / root).T,
            "pos_embed.W_pos": torch.randn(n_ctx, d) / root,
        }
        for layer in range(n_layers):
            for letter in "KQV":
                expected[f"blocks.{layer}.attn.W_{letter}"] = (torch.randn(h, e, d) / root).transpose(1, 2)
            w_o = torch.randn(d, h * e) / root
            expected[f"blocks.{layer}.attn.W_O"] = torch.stack([w_o[:, i * e : (i + 1) * e].T for i in range(h)])
            expected[f"blocks.{layer}.mlp.W_in"] = (torch.randn(m, d) / root).T
            expected[f"blocks.{layer}.mlp.W_out"] = (torch.randn(d, m) / root).T
            expected[f"blocks.{layer}.mlp.b_in"] = torch.zeros(m)
            expected[f"blocks.{layer}.mlp.b_out"] = torch.zeros(d)
        expected["unembed.W_U"] = torch.randn(d, vocab) / math.sqrt(vocab)
        model = build_model(
            TransformerConfig(n_layers=n_layers), d_vocab=vocab, d_vocab_out=vocab, n_ctx=n_ctx, seed=seed
        )
        found = model.state_dict()
        assert found.keys() == expected.keys()
        for name, weights in expected.items():
            assert torch.equal(found[name], weights), name
            assert found[name].is_contiguous(), name

    @pytest.mark.parametrize(
        ("seed", "train_loss", "test_loss"), [(0, 4.764052265, 4.768347310), (1, 4.776912163, 4.767726207)]
    )
    def test_give_the_published_losses(self, seed, train_loss, test_loss):
        task = ModularConfig().build(split_seed=seed)
        model = build_model(TransformerConfig(), d_vocab=114, d_vocab_out=114, n_ctx=3, seed=seed, dtype=torch.float64)
        with torch.no_grad():
            for examples, expected in ((task.train, train_loss), (task.test, test_loss)):
                logits = model(examples.tokens, task.target_positions).flatten(0, 1)
                found = relative_cross_entropy(logits, examples.targets.flatten())
                assert found.item() == pytest.approx(expected, abs=1e-6)

    def test_are_the_same_numbers_in_float64(self):
        single, double = transformer(dtype=torch.float32), transformer(dtype=torch.float64)
        for (name, one), two in zip(single.state_dict().items(), double.state_dict().values(), strict=True):
            assert two.dtype == torch.float64
            assert torch.equal(one.double(), two), name

    def test_leave_the_global_generator_alone(self):
        torch.manual_seed(0)
        before = torch.random.get_rng_state()
        transformer(seed=1)
        assert torch.equal(torch.random.get_rng_state(), before)

    def test_layer_norm_begins_as_plain_normalisation(self):
        model = transformer(layer_norm=True)
        for name, weights in model.named_parameters():
            if name.endswith((".w", ".b")):
                assert (weights == (1 if name.endswith(".w") else 0)).all(), name


class TestShapes:
    def test_names_and_orientations_are_transformerlens(self):
        model = transformer(n_layers=2, layer_norm=True, biases="all", d_vocab=9, d_vocab_out=7, n_ctx=5)
        d, h, e, m = 12, 3, 4, 20
        block = {
            **{f"attn.W_{letter}": (h, d, e) for letter in "QKV"},
            **{f"attn.b_{letter}": (h, e) for letter in "QKV"},
            **{"attn.W_O": (h, e, d), "attn.b_O": (d,)},
            **{"mlp.W_in": (d, m), "mlp.b_in": (m,), "mlp.W_out": (m, d), "mlp.b_out": (d,)},
            **{f"{ln}.{letter}": (d,) for ln in ("ln1", "ln2") for letter in "wb"},
        }
        expected = {
            **{"embed.W_E": (9, d), "pos_embed.W_pos": (5, d), "unembed.W_U": (d, 7), "unembed.b_U": (7,)},
            **{"ln_final.w": (d,), "ln_final.b": (d,)},
            **{f"blocks.{layer}.{name}": shape for layer in (0, 1) for name, shape in block.items()},
        }
        assert {name: tuple(weights.shape) for name, weights in model.named_parameters()} == expected
        assert model.n_parameters == sum(math.prod(shape) for shape in expected.values())

    def test_mainline_has_the_published_number_of_weights(self):
        model = Transformer(TransformerConfig(), d_vocab=114, d_vocab_out=114, n_ctx=3, generator=init_generator(0))
        assert model.n_parameters == 2 * 114 * 128 + 3 * 128 + 4 * 128 * 128 + 2 * 128 * 512 + 512 + 128

    def test_attention_only_has_no_neurons(self):
        assert not [name for name in transformer(attention_only=True).state_dict() if "mlp" in name or "ln2" in name]

    def test_tied_unembedding_is_the_embedding(self):
        model = transformer(tied_embeddings=True, d_vocab=9, d_vocab_out=7)
        assert "unembed.W_U" not in model.state_dict()
        assert torch.equal(model.W_U, model.embed.W_E[:7].T)
        with torch.no_grad():
            model.embed.W_E.fill_(2)
        assert (model.W_U == 2).all()

    def test_tied_needs_a_token_for_every_logit(self):
        with pytest.raises(ConfigError, match=r"tied_embeddings needs d_vocab_out ≤ d_vocab, got 9 > 8; untie them"):
            transformer(tied_embeddings=True, d_vocab=8, d_vocab_out=9)

    def test_all_positions_by_default(self):
        model = transformer()
        tokens = torch.randint(8, (5, 3))
        assert model(tokens).shape == (5, 3, 8)
        torch.testing.assert_close(model(tokens, [1]), model(tokens)[:, 1:2])
        torch.testing.assert_close(model.forward_fast(model.plan(tokens, [1])), model(tokens)[:, 1:2])

    def test_shorter_sequences_are_prefixes(self):
        """Causal: a position never sees what comes after it."""
        model = transformer(n_layers=2, n_ctx=6, dtype=torch.float64)
        tokens = torch.randint(8, (5, 6), generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(model(tokens[:, :4]), model(tokens)[:, :4])
        changed = tokens.clone()
        changed[:, 4:] = (changed[:, 4:] + 1) % 8
        torch.testing.assert_close(model(changed)[:, :4], model(tokens)[:, :4])
        assert not torch.allclose(model(changed)[:, 4:], model(tokens)[:, 4:])

    @pytest.mark.parametrize(
        "options",
        [
            {"n_layers": 0},
            {"d_model": 0},
            {"n_heads": 2.0},
            {"dropout": 1.0},
            {"activation": "swish"},
            {"d_hidden": 3},
            {"residual_scale": 0},
        ],
    )
    def test_refused(self, options):
        with pytest.raises(ValidationError, match=next(iter(options))):
            TransformerConfig(**options)


class TestBadInput:
    """What would silently give other numbers is an error."""

    @pytest.mark.parametrize("tokens", [[[0, 8, 1]], [[-1, 0, 0]], [[0, 0, 9]]])
    def test_token_outside_the_vocabulary(self, tokens):
        with pytest.raises(ConfigError, match=r"expected tokens 0 to 7 \(d_vocab is 8\), got (8|-1|9)"):
            transformer()(torch.tensor(tokens))

    def test_sequence_longer_than_the_context(self):
        with pytest.raises(ConfigError, match=r"sequences of 4 tokens are longer than the network's n_ctx, 3"):
            transformer()(torch.zeros(2, 4, dtype=torch.long))

    @pytest.mark.parametrize("position", [3, -1])
    def test_position_outside_the_sequence(self, position):
        with pytest.raises(ConfigError, match=rf"there is no position {position} in sequences of 3; use 0 to 2"):
            transformer()(torch.zeros(2, 3, dtype=torch.long), [position])


class TestActivations:
    @given(st.lists(st.floats(-30, 30), min_size=1, max_size=20))
    def test_formulas(self, values):
        x = torch.tensor(values, dtype=torch.float64)
        assert activate("relu", x).tolist() == [max(value, 0.0) for value in values]
        assert activate("quadratic", x).tolist() == [value * value for value in values]
        gelu = [value * 0.5 * math.erfc(-value / math.sqrt(2)) for value in values]
        torch.testing.assert_close(activate("gelu", x), torch.tensor(gelu, dtype=torch.float64))

    @pytest.mark.parametrize("kind", ["relu", "gelu", "quadratic"])
    def test_in_place_gives_the_same(self, kind):
        x = torch.linspace(-3, 3, 50)
        assert torch.equal(activate_in_place(kind, x.clone()), activate(kind, x))


class TestDropout:
    def test_same_generator_same_noise(self):
        model = transformer(n_layers=2, dropout=0.3)
        plan = model.plan(torch.randint(8, (30, 3)), [2])
        first, again, other = (model.forward_fast(plan, noise=stream("dropout", 0, step)) for step in (4, 4, 5))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_none_without_a_generator(self):
        tokens = torch.randint(8, (30, 3))
        wet, dry = transformer(dropout=0.5), transformer()
        assert torch.equal(wet(tokens), dry(tokens))
        assert torch.equal(wet.train()(tokens), wet.eval()(tokens))

    def test_none_at_rate_zero(self):
        model = transformer()
        plan = model.plan(torch.randint(8, (30, 3)), [2])
        generator = stream("dropout", 0)
        before = generator.get_state()
        assert torch.equal(model.forward_fast(plan, noise=generator), model.forward_fast(plan))
        assert torch.equal(generator.get_state(), before)

    def test_global_generator_is_not_used(self):
        model = transformer(dropout=0.5)
        plan = model.plan(torch.randint(8, (30, 3)), [2])
        before = torch.random.get_rng_state()
        model.forward_fast(plan, noise=stream("dropout", 0))
        assert torch.equal(torch.random.get_rng_state(), before)

    def test_mask_is_on_what_the_layers_add(self):
        """With both branches dropped whole, the logits are those of the bare embeddings."""
        model = transformer(dropout=1 - 1e-9, n_layers=2)
        tokens = torch.randint(8, (5, 3))
        logits = model.forward_fast(model.plan(tokens, [2]), noise=stream("dropout", 0))
        bare = (model.embed.W_E[tokens[:, 2]] + model.pos_embed.W_pos[2]) @ model.W_U
        torch.testing.assert_close(logits.squeeze(1), bare)

    @pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
    def test_drop_keeps_the_mean(self, rate):
        dropped = drop(torch.ones(200_000), rate, stream("dropout", 1))
        share = (dropped == 0).float().mean().item()
        assert share == pytest.approx(rate, abs=0.005)
        assert dropped[dropped != 0].unique().tolist() == pytest.approx([1 / (1 - rate)])


def test_build_model_follows_the_kind():
    sizes = {"d_vocab": 8, "d_vocab_out": 8, "n_ctx": 3, "seed": 0}
    assert isinstance(build_model(TransformerConfig(), **sizes), Transformer)
    assert isinstance(build_model(MLPConfig(), **sizes), MLP)
