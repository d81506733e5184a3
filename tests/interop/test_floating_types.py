"""Files of weights in every floating type, and their paths as texts."""

import hashlib

import pytest
import torch

from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.errors import ConfigError
from grokscope.explanation import Program, explain, open_subject
from grokscope.explanation.synthetic.planted import plant
from grokscope.interop import files, load_network, read_tensors, save_network
from grokscope.models import TransformerConfig
from grokscope.tasks.modular.operations import operation_table


@pytest.fixture(scope="module")
def planted():
    coordinates = find_coordinates(operation_table("add", 17, 0))
    assert coordinates is not None
    program = Program("clock", (3, 8), (20.0, 18.0), (0.0, 0.0), coordinates)
    return plant(program, TransformerConfig(d_model=64))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_every_floating_type_is_explained(planted, tmp_path, dtype):
    path = tmp_path / "network.pt"
    torch.save({name: weight.to(dtype) for name, weight in planted.state_dict().items()}, path)
    explanation = explain(open_subject(str(path)))
    assert explanation.verdict == "explained"
    assert explanation.key_frequencies == (3, 8)
    ran_in = next(load_network(path).model.parameters()).dtype
    assert ran_in == (torch.float64 if dtype == torch.float64 else torch.float32)


def test_paths_are_texts_too(planted, tmp_path):
    path = str(tmp_path / "network.pt")
    torch.save(planted.state_dict(), path)
    imported = load_network(path)
    assert read_tensors(path).keys() == planted.state_dict().keys()
    save_network(imported, str(tmp_path / "ours.safetensors"), operation="add")
    assert load_network(str(tmp_path / "ours.safetensors")).operation == "add"


def test_a_file_is_read_once_however_much_is_tried(tmp_path, monkeypatch):
    """Random weights give no operation, so that every guess at the settings is tried."""
    coordinates = find_coordinates(operation_table("add", 17, 0))
    assert coordinates is not None
    model = plant(Program("clock", (3,), (20.0,), (0.0,), coordinates), TransformerConfig(d_model=64))
    path = tmp_path / "network.pt"
    torch.save({name: torch.randn_like(weight) for name, weight in model.state_dict().items()}, path)
    hashed = []
    monkeypatch.setattr(files.hashlib, "sha256", lambda content: hashed.append(1) or hashlib.new("sha256", content))
    open_subject(path)
    assert len(hashed) == 1


def test_other_settings_for_the_same_weights(planted, tmp_path):
    path = tmp_path / "network.pt"
    torch.save(planted.state_dict(), path)
    imported = load_network(path, attention_coefficient=1.0)
    assert imported.open_settings == ("activation", "residual_scale", "causal")
    changed = imported.with_settings(attention_coefficient=0.0, causal=False)
    assert (changed.model.config.attention_coefficient, changed.model.config.causal) == (0.0, False)
    assert imported.model.config.attention_coefficient == 1.0
    read = load_network(path, attention_coefficient=0.0, causal=False)
    tokens = torch.tensor([[1, 2, 17], [5, 16, 17]])
    assert torch.equal(changed.model(tokens), read.model(tokens))
    assert changed.sha256 == imported.sha256
    with pytest.raises(ConfigError, match="n_heads cannot be stated"):
        imported.with_settings(n_heads=2)
    with pytest.raises(ConfigError, match="activation 'tanh'"):
        imported.with_settings(activation="tanh")
