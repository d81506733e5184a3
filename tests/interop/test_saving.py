"""One file there and back."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from foreign_files import PERCEPTRON, TRANSFORMER, as_authors, logits, network, written
from safetensors import safe_open

from grokscope.errors import CheckpointError, ConfigError, RunError
from grokscope.interop import ImportedNetwork, load_network, save_network
from grokscope.models import MLPConfig, TransformerConfig

CONFIGS = [
    TRANSFORMER,
    TransformerConfig(
        n_layers=2,
        d_model=12,
        n_heads=2,
        d_head=5,
        d_mlp=9,
        activation="gelu",
        layer_norm=True,
        biases="all",
        causal=False,
        attention_coefficient=0.1,
        residual_scale=2,
    ),
    TransformerConfig(d_model=12, n_heads=2, d_head=5, attention_only=True, biases="none", tied_embeddings=True),
    PERCEPTRON,
    MLPConfig(d_model=6, d_mlp=6, tied_embeddings=True, activation="quadratic"),
]


def imported(config: TransformerConfig | MLPConfig, *, equals: bool = False) -> ImportedNetwork:
    return ImportedNetwork(network(config, equals=equals), 11, equals, "a layout", Path("folder/model.pth"), "0" * 64)


@pytest.mark.parametrize("equals", [False, True])
@pytest.mark.parametrize("config", CONFIGS)
def test_there_and_back(tmp_path, config, equals):
    before = imported(config, equals=equals)
    save_network(before, tmp_path / "a.safetensors", operation="a**2 + b")
    after = load_network(tmp_path / "a.safetensors")
    assert after.model.config == config
    assert after.model.state_dict().keys() == before.model.state_dict().keys()
    assert all(torch.equal(w, before.model.state_dict()[name]) for name, w in after.model.state_dict().items())
    assert torch.equal(logits(after.model, equals=equals), logits(before.model, equals=equals))
    assert (after.p, after.equals_token, after.operation) == (11, equals, "a**2 + b")
    assert after.layout == "grokscope"
    assert after.notes == (f"imported from model.pth (layout: a layout; sha256 {'0' * 64})",)
    assert not after.model.training
    assert not any(weight.requires_grad for weight in after.model.parameters())


def test_settings_that_weights_do_not_show_survive(tmp_path):
    """From a foreign file, with what was stated, to ours, which says it."""
    config = TRANSFORMER.model_copy(update={"attention_coefficient": 0.0, "causal": False})
    model = network(config)
    stated = load_network(written(tmp_path, as_authors(model)), attention_coefficient=0, causal=False)
    save_network(stated, tmp_path / "a.safetensors", operation=None)
    again = load_network(tmp_path / "a.safetensors")
    assert again.model.config == config
    assert again.operation is None
    assert torch.equal(logits(again.model), logits(model))
    assert stated.sha256 in again.notes[0]


def test_double_precision_survives(tmp_path):
    before = imported(TRANSFORMER)
    before.model.double()
    save_network(before, tmp_path / "a.safetensors", operation=None)
    assert torch.equal(logits(load_network(tmp_path / "a.safetensors").model), logits(before.model))


def test_no_modulus(tmp_path):
    model = network(TRANSFORMER, n_ctx=18, d_vocab_out=10)
    before = load_network(written(tmp_path, as_authors(model)))
    save_network(before, tmp_path / "a.safetensors", operation=None)
    after = load_network(tmp_path / "a.safetensors")
    assert after.p is None
    assert (after.model.n_ctx, after.model.d_vocab_out) == (18, 10)


def test_metadata_are_json_and_say_no_folder(tmp_path):
    save_network(imported(PERCEPTRON), tmp_path / "a.safetensors", operation="add")
    with safe_open(tmp_path / "a.safetensors", "pt") as file:
        metadata = {name: json.loads(text) for name, text in file.metadata().items()}
        assert set(file.keys()) == {"embed.W_E", "blocks.0.mlp.W_in", "blocks.0.mlp.b_in", "unembed.W_U"}
    assert metadata["model"] == PERCEPTRON.model_dump()
    assert (metadata["p"], metadata["operation"], metadata["source"]) == (11, "add", "model.pth")
    assert "folder" not in str(metadata)


class TestOverwriting:
    def test_only_on_demand(self, tmp_path):
        path = tmp_path / "a.safetensors"
        path.write_text("mine")
        with pytest.raises(CheckpointError, match=r"a\.safetensors exists; choose another name, or overwrite it"):
            save_network(imported(PERCEPTRON), path, operation=None)
        assert path.read_text() == "mine"
        save_network(imported(PERCEPTRON), path, operation=None, overwrite=True)
        assert load_network(path).p == 11

    def test_nowhere_to_write(self, tmp_path):
        with pytest.raises(RunError, match=r"cannot write .*a\.safetensors"):
            save_network(imported(PERCEPTRON), tmp_path / "none" / "a.safetensors", operation=None)
        assert list(tmp_path.iterdir()) == []


class TestReadingBack:
    @pytest.fixture
    def path(self, tmp_path):
        save_network(imported(TRANSFORMER), tmp_path / "a.safetensors", operation="add")
        return tmp_path / "a.safetensors"

    def rewritten(self, path, **changes: str | None):
        with safe_open(path, "pt") as file:
            metadata = file.metadata() | changes
        kept = {name: text for name, text in metadata.items() if text is not None}
        safetensors.torch.save_file(safetensors.torch.load_file(path), path, kept)
        return path

    def test_stating_what_it_says(self, path):
        assert load_network(path, p=11, equals_token=False, attention_coefficient=1, causal=True).p == 11

    @pytest.mark.parametrize(
        ("said", "message"),
        [
            ({"attention_coefficient": 0}, r"says attention_coefficient = 1\.0, stated was 0; leave it out"),
            ({"p": 12}, r"says p = 11, stated was 12"),
            ({"equals_token": True}, r"says equals_token = False, stated was True"),
        ],
    )
    def test_contradictions(self, path, said, message):
        with pytest.raises(CheckpointError, match=message):
            load_network(path, **said)

    def test_stating_what_cannot_be(self, path):
        with pytest.raises(ConfigError, match="d_model cannot be stated"):
            load_network(path, d_model=12)

    @pytest.mark.parametrize(
        "changes",
        [
            {"model": "{"},
            {"model": '{"kind": "transformer", "new_setting": 1}'},
            {"n_ctx": None},
            {"p": '"eleven"'},
            {"other": "1"},
        ],
    )
    def test_metadata_of_another_kind(self, path, changes):
        message = r"what .*a\.safetensors says beside its weights is damaged, or of another version .*written by \""
        with pytest.raises(CheckpointError, match=message):
            load_network(self.rewritten(path, **changes))

    def test_weights_of_another_network(self, path):
        config = TRANSFORMER.model_copy(update={"d_mlp": 21}).model_dump_json()
        with pytest.raises(CheckpointError, match=r"do not fit the network it describes: .*W_in"):
            load_network(self.rewritten(path, model=config))
