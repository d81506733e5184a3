"""What is inferred, what can be stated, and what contradicts the file."""

import hashlib

import pytest
import torch
from foreign_files import PERCEPTRON, TRANSFORMER, as_authors, as_clock_and_pizza, logits, network, written

from grokscope.errors import CheckpointError, ConfigError
from grokscope.interop import load_network


@pytest.fixture
def pair_file(tmp_path):
    """A transformer on two tokens of 11."""
    return written(tmp_path, as_authors(network(TRANSFORMER)))


@pytest.fixture
def equals_file(tmp_path):
    """A transformer on two residues modulo 11 and '='."""
    return written(tmp_path, as_authors(network(TRANSFORMER, equals=True)))


def test_where_it_came_from(pair_file):
    imported = load_network(str(pair_file))
    assert imported.source == pair_file
    assert imported.sha256 == hashlib.sha256(pair_file.read_bytes()).hexdigest()
    assert imported.operation is None


def test_what_is_beside_the_weights(tmp_path):
    state = as_authors(network(TRANSFORMER))
    imported = load_network(written(tmp_path, {"model": state, "train_losses": [1.0, 0.5], "epoch": 2}))
    assert imported.stored == {"train_losses": [1.0, 0.5], "epoch": 2}


class TestModulus:
    @pytest.mark.parametrize("extra", [0, 1])
    def test_without_equals(self, tmp_path, extra):
        imported = load_network(written(tmp_path, as_authors(network(TRANSFORMER, d_vocab_out=11 + extra))))
        assert (imported.p, imported.equals_token) == (11, False)

    @pytest.mark.parametrize("extra", [0, 1])
    def test_with_equals(self, tmp_path, extra):
        model = network(TRANSFORMER, equals=True, d_vocab_out=11 + extra)
        imported = load_network(written(tmp_path, as_authors(model)))
        assert (imported.p, imported.equals_token) == (11, True)

    @pytest.mark.parametrize(
        "sizes",
        [
            {"n_ctx": 18, "d_vocab": 12, "d_vocab_out": 10},
            {"n_ctx": 1},
            {"n_ctx": 4},
            {"d_vocab_out": 7},
            {"n_ctx": 2, "d_vocab_out": 10},
        ],
    )
    def test_no_network_on_pairs(self, tmp_path, sizes):
        model = network(TRANSFORMER, **sizes)
        imported = load_network(written(tmp_path, as_authors(model)))
        assert (imported.p, imported.equals_token) == (None, False)
        assert imported.model.n_ctx == model.n_ctx

    @pytest.mark.parametrize("said", [{"p": 11}, {"equals_token": False}, {"p": 11, "equals_token": False}])
    def test_stated_and_true(self, pair_file, said):
        assert load_network(pair_file, **said).p == 11

    @pytest.mark.parametrize(
        ("said", "stated"), [({"p": 10}, "p = 10"), ({"equals_token": True}, "equals_token = True")]
    )
    def test_stated_and_false(self, pair_file, said, stated):
        message = rf"reads 2 tokens of 11 and has 11 logits, which fits p = 11 without '='; stated was {stated}: "
        with pytest.raises(CheckpointError, match=message):
            load_network(pair_file, **said)

    def test_stated_of_the_equals_file(self, equals_file):
        assert load_network(equals_file, p=11, equals_token=True).equals_token
        with pytest.raises(CheckpointError, match=r"reads 3 tokens of 12 .*fits p = 11 with '='; stated was p = 12"):
            load_network(equals_file, p=12)

    def test_stated_of_another_task(self, tmp_path):
        path = written(tmp_path, as_authors(network(TRANSFORMER, n_ctx=5)))
        with pytest.raises(CheckpointError, match=r"reads 5 tokens of 11 .*fits no pairs of residues; stated was p"):
            load_network(path, p=11)

    def test_a_sum_leaves_the_choice(self, tmp_path):
        """One of our own MLPs with p logits for p tokens may read two tokens, or three of which one is '='."""
        path = written(tmp_path, dict(network(PERCEPTRON).state_dict()))
        message = r"any number of tokens of 11 .*fits p = 11 without '=' or p = 10 with '='; state p or equals_token"
        with pytest.raises(CheckpointError, match=message):
            load_network(path)
        assert load_network(path, p=11).model.n_ctx == 2
        assert load_network(path, p=10).model.n_ctx == 3
        assert load_network(path, equals_token=True).p == 10
        with pytest.raises(CheckpointError, match="stated was p = 12"):
            load_network(path, p=12)


class TestStated:
    @pytest.mark.parametrize(
        ("name", "value"),
        [("attention_coefficient", 0.25), ("activation", "gelu"), ("residual_scale", 2.0), ("causal", False)],
    )
    def test_reaches_the_network(self, tmp_path, name, value):
        n_layers = {"n_layers": 2}  # in one layer, the last position sees all anyway
        model = network(TRANSFORMER.model_copy(update={name: value, **n_layers}))
        path = written(tmp_path, as_authors(model))
        imported = load_network(path, **{name: value})
        assert imported.model.config == model.config
        assert torch.equal(logits(imported.model), logits(model))
        assert not torch.allclose(logits(load_network(path).model), logits(model))

    def test_activation_of_a_perceptron(self, tmp_path):
        model = network(PERCEPTRON.model_copy(update={"activation": "quadratic"}))
        path = written(tmp_path, as_clock_and_pizza(model))
        assert torch.equal(logits(load_network(path, activation="quadratic").model), logits(model))

    @pytest.mark.parametrize(
        ("said", "message"),
        [
            ({"d_model": 12}, r"d_model cannot be stated of this network \(kind: transformer\)"),
            ({"activations": "relu"}, r"activations cannot be stated .*did you mean activation\?"),
            ({"attention_coefficient": 1.5}, r"attention_coefficient 1\.5: Input should be less than or equal to 1"),
            ({"activation": "tanh"}, r"activation 'tanh': Input should be 'relu', 'gelu' or 'quadratic'"),
        ],
    )
    def test_impossible(self, pair_file, said, message):
        with pytest.raises(ConfigError, match=message):
            load_network(pair_file, **said)

    def test_of_a_perceptron(self, tmp_path):
        path = written(tmp_path, as_clock_and_pizza(network(PERCEPTRON)))
        with pytest.raises(ConfigError, match=r"causal cannot be stated of this network \(kind: mlp\)"):
            load_network(path, causal=False)
