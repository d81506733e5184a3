"""Every layout there and back: our network, written as others do, read again, gives the same logits on all pairs."""

import pytest
import torch
from foreign_files import (
    PERCEPTRON,
    TRANSFORMER,
    P,
    as_authors,
    as_chughtai,
    as_clock_and_pizza,
    as_flat,
    as_one_hot,
    as_transformer_lens,
    logits,
    network,
    written,
)
from hypothesis import given
from hypothesis import strategies as st

from grokscope.errors import CheckpointError
from grokscope.interop import load_network
from grokscope.interop.biases import smallest_setting
from grokscope.models import MLPConfig, TransformerConfig

TRANSFORMERS = {
    "mainline": {},
    "no biases": {"biases": "none"},
    "two layers": {"n_layers": 2},
    "attention only": {"n_layers": 2, "attention_only": True, "biases": "none"},
}
WITH_ALL_BIASES = {
    "all biases": {"biases": "all"},
    "layer norm": {"layer_norm": True, "biases": "all", "n_layers": 2},
    "layer norm, attention only": {"layer_norm": True, "attention_only": True, "biases": "all"},
    "layer norm, no biases": {"layer_norm": True, "biases": "none"},
}


def transformer(options: dict) -> TransformerConfig:
    shape = {name: value for name, value in TRANSFORMER.model_dump().items() if name != "d_mlp"}
    d_mlp = {} if options.get("attention_only") else {"d_mlp": TRANSFORMER.d_mlp}
    return TransformerConfig(**{**shape, **d_mlp, **options})


def assert_same(imported, model, *, equals: bool) -> None:
    assert imported.model.config == model.config
    assert imported.model.state_dict().keys() == model.state_dict().keys()
    assert torch.equal(logits(imported.model, equals=equals), logits(model, equals=equals))
    assert (imported.p, imported.equals_token) == (P, equals)
    assert not imported.model.training
    assert not any(weight.requires_grad for weight in imported.model.parameters())


@pytest.mark.parametrize("equals", [False, True])
@pytest.mark.parametrize("biases", ["none", "mlp"])
@pytest.mark.parametrize("heads_turned", [False, True])
def test_one_layer_under_flat_names(tmp_path, heads_turned, biases, equals):
    model = network(transformer({"biases": biases}), equals=equals)
    imported = load_network(written(tmp_path, as_flat(model, heads_turned=heads_turned)))
    assert_same(imported, model, equals=equals)
    assert imported.layout == "one layer, flat names"


@pytest.mark.parametrize("embedded", [False, True])
def test_an_mlp_on_one_hot_tokens(tmp_path, embedded):
    shape = {"d_model": 6 if embedded else P, "d_mlp": 10, "biases": "none", "combine": "sum"}
    model = network(MLPConfig(**shape))
    if not embedded:
        model.embed.W_E.copy_(torch.eye(P))
    imported = load_network(written(tmp_path, as_one_hot(model, embedded=embedded)))
    assert_same(imported, model, equals=False)
    assert any("mlp.basis" in note for note in imported.notes)


@pytest.mark.parametrize("equals", [False, True])
class TestTransformers:
    @pytest.mark.parametrize("blocks", ["blocks", "attn_blocks"])
    @pytest.mark.parametrize("options", TRANSFORMERS.values(), ids=TRANSFORMERS)
    def test_authors(self, tmp_path, options, equals, blocks):
        model = network(transformer(options), equals=equals)
        imported = load_network(written(tmp_path, as_authors(model, blocks)))
        assert imported.layout == "Nanda & Lieberum"
        assert imported.notes == ()
        assert_same(imported, model, equals=equals)

    @pytest.mark.parametrize("options", (TRANSFORMERS | WITH_ALL_BIASES).values(), ids=TRANSFORMERS | WITH_ALL_BIASES)
    def test_transformer_lens(self, tmp_path, options, equals):
        """Its biases are always there; zero ones ask for no place in our network."""
        model = network(transformer(options), equals=equals)
        imported = load_network(written(tmp_path, as_transformer_lens(model)))
        assert imported.layout == "TransformerLens"
        assert_same(imported, model, equals=equals)

    @pytest.mark.parametrize("options", [*(TRANSFORMERS | WITH_ALL_BIASES).values(), {"tied_embeddings": True}])
    def test_checkpoint_of_our_own(self, tmp_path, options, equals):
        model = network(transformer(options), equals=equals)
        imported = load_network(written(tmp_path, dict(model.state_dict())))
        assert_same(imported, model, equals=equals)
        assert (imported.notes != ()) is model.config.tied_embeddings


class TestPerceptrons:
    @pytest.mark.parametrize("n_layers", [1, 2])
    @pytest.mark.parametrize("combine", ["sum", "concat"])
    @pytest.mark.parametrize("biases", ["none", "hidden", "all"])
    def test_clock_and_pizza(self, tmp_path, n_layers, combine, biases):
        config = MLPConfig(d_model=6, d_mlp=10, n_layers=n_layers, combine=combine, biases=biases)
        model = network(config)
        imported = load_network(written(tmp_path, as_clock_and_pizza(model)))
        assert imported.layout == "The Clock and the Pizza"
        assert_same(imported, model, equals=False)

    def test_chughtai(self, tmp_path):
        model = network(MLPConfig(d_model=6, d_mlp=10, shared_embedding=False, biases="none"))
        imported = load_network(written(tmp_path, as_chughtai(model)))
        assert imported.layout == "Chughtai et al."
        assert_same(imported, model, equals=False)

    @pytest.mark.parametrize("equals", [False, True])
    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"biases": "none", "n_layers": 3},
            {"shared_embedding": False},
            {"shared_embedding": False, "combine": "sum", "biases": "hidden"},
            {"tied_embeddings": True, "d_mlp": 6},
            {"combine": "sum"},
        ],
    )
    def test_checkpoint_of_our_own(self, tmp_path, options, equals):
        model = network(MLPConfig(**{"d_model": 6, "d_mlp": 10, **options}), equals=equals)
        path = written(tmp_path, dict(model.state_dict()))
        # the sum of one embedding's rows says nothing of their number
        said = {"equals_token": equals} if model.config.combine == "sum" and model.config.shared_embedding else {}
        imported = load_network(path, **said)
        assert imported.layout == "grokscope MLP"
        assert_same(imported, model, equals=equals)


class TestBiases:
    @pytest.mark.parametrize(
        ("name", "setting"),
        [
            ("blocks.0.attn.b_Q", "all"),
            ("blocks.0.attn.b_O", "all"),
            ("unembed.b_U", "all"),
            ("blocks.0.mlp.b_in", "mlp"),
            ("blocks.0.mlp.b_out", "mlp"),
        ],
    )
    def test_one_that_is_not_zero_decides(self, tmp_path, name, setting):
        model = network(transformer({"biases": "none"}))
        state = as_transformer_lens(model)
        state[name] = torch.zeros_like(state[name])
        state[name].view(-1)[0] = 0.5
        imported = load_network(written(tmp_path, state))
        assert imported.model.config.biases == setting
        found = imported.model.state_dict()
        assert torch.equal(found[name], state[name])
        assert all(not found[other].any() for other in found if ".b_" in other and other != name)

    def test_missing_ones_are_zero(self, tmp_path):
        model = network(transformer({"biases": "all"}))
        kept = {name: weight for name, weight in model.state_dict().items() if not name.endswith(("b_K", "b_out"))}
        imported = load_network(written(tmp_path, kept))
        assert imported.model.config.biases == "all"
        found = imported.model.state_dict()
        assert not found["blocks.0.attn.b_K"].any()
        assert not found["blocks.0.mlp.b_out"].any()
        assert all(torch.equal(found[name], weight) for name, weight in kept.items())

    @given(st.data())
    def test_no_bias_is_lost(self, data):
        """Whatever biases are not zero, the network with the chosen setting has all of them."""
        config = data.draw(st.sampled_from([transformer({"biases": "all"}), MLPConfig(d_model=4, d_mlp=5)]))
        full = network(config).state_dict()
        biases = [name for name in full if ".b_" in name]
        present = data.draw(st.sets(st.sampled_from(biases)))
        weights = {name: weight for name, weight in full.items() if name not in biases or name in present}
        setting = smallest_setting(config.kind, weights)
        kept = network(config.model_copy(update={"biases": setting})).state_dict()
        assert present <= kept.keys()
        if setting != "none":
            options = ["none", "hidden" if config.kind == "mlp" else "mlp", "all"]
            smaller = network(config.model_copy(update={"biases": options[options.index(setting) - 1]})).state_dict()
            assert not present <= smaller.keys()


class TestShapes:
    @pytest.mark.parametrize(
        ("name", "shape", "message"),
        [
            ("blocks.0.mlp.W_in", (20, 13), r"blocks\.0\.mlp\.W_in in .* has shape \[20, 13\], expected \[d_mlp, 12\]"),
            ("blocks.0.mlp.W_out", (12, 21), r"blocks\.0\.mlp\.W_out .* \[12, 21\], expected \[12, 20\]"),
            ("blocks.0.mlp.b_in", (19,), r"b_in .* \[19\], expected \[20\]"),
            ("blocks.0.attn.W_O", (12, 16), r"W_O .* \[12, 16\], expected \[12, 15\]"),
            ("blocks.0.attn.W_Q", (3, 12, 5), r"W_Q .* \[3, 12, 5\], expected \[3, 5, 12\]"),
            ("blocks.0.attn.W_K", (15, 12), r"W_K .* \[15, 12\], expected \[n_heads, d_head, 12\]"),
            ("pos_embed.W_pos", (2, 9), r"W_pos .* \[2, 9\], expected \[n_ctx, 12\]"),
            ("unembed.W_U", (13, 11), r"W_U .* \[13, 11\], expected \[12, d_vocab_out\]"),
            ("embed.W_E", (12, 0), r"W_E .* \[12, 0\], expected \[d_model, d_vocab\]"),
        ],
    )
    def test_of_a_transformer(self, tmp_path, name, shape, message):
        state = as_authors(network(TRANSFORMER))
        state[name] = torch.ones(shape)
        with pytest.raises(CheckpointError, match=message):
            load_network(written(tmp_path, state))

    @pytest.mark.parametrize(
        ("name", "shape", "message"),
        [
            ("l1.weight", (10, 7), r"l1\.weight in .* has shape \[10, 7\], expected 6 or 12 inputs"),
            ("l2.weight", (10, 9), r"l2\.weight .* \[10, 9\], expected \[10, 10\]"),
            ("l2.bias", (9,), r"l2\.bias .* \[9\], expected \[10\]"),
            ("unembed.weight", (11, 12), r"unembed\.weight .* \[11, 12\], expected \[d_vocab_out, 10\]"),
        ],
    )
    def test_of_a_perceptron(self, tmp_path, name, shape, message):
        state = as_clock_and_pizza(network(PERCEPTRON.model_copy(update={"n_layers": 2})))
        state[name] = torch.ones(shape)
        with pytest.raises(CheckpointError, match=message):
            load_network(written(tmp_path, state))

    def test_of_two_embeddings(self, tmp_path):
        state = as_chughtai(network(MLPConfig(d_model=6, d_mlp=10, shared_embedding=False, biases="none")))
        with pytest.raises(CheckpointError, match=r"W_y .* \[11, 5\], expected \[11, 6\]"):
            load_network(written(tmp_path, state | {"W_y": torch.ones(11, 5)}))
        with pytest.raises(CheckpointError, match=r"W in .* \[6, 10\], expected 12 inputs"):
            load_network(written(tmp_path, state | {"W": torch.ones(6, 10)}))


class TestNames:
    @pytest.mark.parametrize("missing", ["embed.W_E", "blocks.0.attn.W_V", "blocks.0.mlp.W_out", "unembed.W_U"])
    def test_a_missing_tensor(self, tmp_path, missing):
        state = as_authors(network(TRANSFORMER))
        del state[missing]
        with pytest.raises(CheckpointError, match=f"has no tensor {missing}, which its layout .* needs; found: "):
            load_network(written(tmp_path, state))

    def test_a_missing_layer(self, tmp_path):
        state = as_authors(network(transformer({"n_layers": 3})))
        state = {name: weight for name, weight in state.items() if not name.startswith("blocks.1.")}
        with pytest.raises(CheckpointError, match=r"has no tensor blocks\.1\.attn\.W_K"):
            load_network(written(tmp_path, state))

    def test_half_a_layer_norm(self, tmp_path):
        state = as_transformer_lens(network(transformer({"layer_norm": True})))
        del state["blocks.0.ln2.w"]
        with pytest.raises(CheckpointError, match=r"has no tensor blocks\.0\.ln2\.w"):
            load_network(written(tmp_path, state))

    def test_tensors_beside_the_network_are_left_out_and_named(self, tmp_path):
        model = network(TRANSFORMER)
        imported = load_network(written(tmp_path, as_transformer_lens(model) | {"x_embed": torch.ones(3)}))
        assert imported.notes == ("tensors in the file that are no part of the network were left out: x_embed",)
        assert_same(imported, model, equals=False)

    @pytest.mark.parametrize("extra", ["blocks.0.attn.W_G", "embed.bias", "blocks.0.ln1.w_ln", "attn_blocks.x"])
    def test_tensors_of_the_network_without_a_place(self, tmp_path, extra):
        state = as_authors(network(TRANSFORMER)) | {extra: torch.ones(3)}
        with pytest.raises(CheckpointError, match=f"no place in its layout .*{extra}.*another network|has no tensor"):
            load_network(written(tmp_path, state))

    def test_second_norm_without_mlps(self, tmp_path):
        state = as_transformer_lens(network(transformer(WITH_ALL_BIASES["layer norm, attention only"])))
        with pytest.raises(CheckpointError, match=r"no place in its layout .*blocks\.0\.ln2\.w"):
            load_network(written(tmp_path, state | {"blocks.0.ln2.w": torch.ones(12)}))

    def test_no_known_layout(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"of no layout known here: found fc\.weight, fc\.bias; rename"):
            load_network(written(tmp_path, {"fc.weight": torch.ones(2, 2), "fc.bias": torch.ones(2)}))
