"""Files of every kind, whole and damaged, honest and not."""

import io
import json
import os
import pickle
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from foreign_files import TRANSFORMER, as_authors, logits, network, written
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from grokscope.errors import CheckpointError
from grokscope.interop import load_network, read_tensors
from grokscope.interop.files import read_checkpoint

STATE = {"embed.W_E": torch.arange(6.0).reshape(2, 3), "unembed.W_U": torch.ones(3, 2)}


def saved(content: object, **options) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def assert_state(found: dict) -> None:
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], weight) for name, weight in STATE.items())


class TestFormats:
    """The content decides, whatever the name says."""

    @pytest.mark.parametrize("name", ["a.pt", "a.pth", "a.bin", "a", "a.safetensors"])
    @pytest.mark.parametrize(
        "content",
        [saved(STATE), saved(STATE, _use_new_zipfile_serialization=False), safetensors.torch.save(STATE)],
        ids=["zip", "before 1.6", "safetensors"],
    )
    def test_by_content(self, tmp_path, name, content):
        (tmp_path / name).write_bytes(content)
        assert_state(read_tensors(tmp_path / name))

    def test_safetensors_whose_header_is_as_long_as_a_pickle_looks(self, tmp_path):
        """Its length, 640, is written 80 02: the first bytes of a pickle."""
        header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode().ljust(640)
        (tmp_path / "a").write_bytes(struct.pack("<Q", 640) + header + struct.pack("<f", 2.5))
        assert read_tensors(tmp_path / "a")["w"].tolist() == [2.5]

    def test_no_gradients(self, tmp_path):
        path = written(tmp_path, {"w": nn.Parameter(torch.ones(2))})
        assert not read_tensors(path)["w"].requires_grad


class TestWrappers:
    @pytest.mark.parametrize("wrapper", ["model", "state_dict", "model_state_dict", "params"])
    def test_around_the_state_dict(self, tmp_path, wrapper):
        assert_state(read_tensors(written(tmp_path, {"epoch": 3, wrapper: STATE, "optimizer": {"state": {}}})))

    def test_one_in_the_other(self, tmp_path):
        assert_state(read_tensors(written(tmp_path, {"model": {"state_dict": STATE, "step": 1}})))

    @pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "_orig_mod.module.model."])
    def test_prefixes(self, tmp_path, prefix):
        assert_state(read_tensors(written(tmp_path, {prefix + name: weight for name, weight in STATE.items()})))

    def test_a_prefix_of_some_names_is_part_of_them(self, tmp_path):
        assert read_tensors(written(tmp_path, {"model.a": torch.ones(1), "b": torch.ones(1)})).keys() == {
            "model.a",
            "b",
        }

    def test_simple_things_beside_it_are_kept(self, tmp_path):
        beside = {
            "epoch": 3,
            "name": "run",
            "train_losses": [2.5, 1.0],
            "config": {"d_model": 48, "act_type": "ReLU"},
        }
        dropped = {"optimizer": {"state": {0: torch.ones(2)}}, "rng": torch.ones(9), "tuple": (1,), "nothing": None}
        path = written(tmp_path, {"model": STATE, "loss": torch.tensor(0.5), **beside, **dropped})
        assert read_checkpoint(path).stored == {"loss": 0.5, **beside}

    def test_masks_are_no_weights(self, tmp_path):
        masks = {"blocks.0.attn.mask": torch.ones(2, 2).bool(), "blocks.0.attn.IGNORE": torch.tensor(-torch.inf)}
        assert_state(read_tensors(written(tmp_path, STATE | masks)))


class Harmful:
    """What a malicious file would do when opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class TestRefused:
    @pytest.mark.parametrize("legacy", [False, True])
    def test_code(self, tmp_path, legacy):
        trap = tmp_path / "trap"
        content = saved({"model": STATE, "x": Harmful(trap)}, _use_new_zipfile_serialization=not legacy)
        (tmp_path / "a.pt").write_bytes(content)
        message = (
            r"a\.pt was refused: .* opening it could run code \(it asks for .*mkdir\); "
            r".*torch\.save\(model\.state_dict\(\), .*safetensors"
        )
        with pytest.raises(CheckpointError, match=message):
            read_tensors(tmp_path / "a.pt")
        assert not trap.exists()

    @pytest.mark.parametrize("protocol", [2, 3, 4, 5])
    @pytest.mark.parametrize("harmful", [False, True])
    def test_plain_pickle(self, tmp_path, protocol, harmful):
        """Even one of tensors alone: pickle rebuilds them with a function that unpickles again."""
        content = Harmful(tmp_path / "trap") if harmful else STATE
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol))
        with pytest.raises(CheckpointError, match=r"a\.pkl was refused: "):
            read_tensors(tmp_path / "a.pkl")
        assert not (tmp_path / "trap").exists()

    def test_a_program(self, tmp_path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated, and still found in old files
            torch.jit.save(torch.jit.script(nn.Linear(2, 2)), tmp_path / "a.pt")
        with pytest.raises(CheckpointError, match=r"a\.pt was refused: "):
            read_tensors(tmp_path / "a.pt")


def spring(path: str) -> None:
    """Show that it was called."""
    Path(path).mkdir()


class Springing:
    """Calls a function of somebody's own package when it is unpickled."""

    def __init__(self, path: os.PathLike) -> None:
        self.path = path

    def __reduce__(self):
        return spring, (str(self.path),)


class Remembered:
    """A class of somebody's own package, an instance of which is kept in a file."""

    def __init__(self) -> None:
        self.weights = torch.ones(2)


class TestContainers:
    def test_a_whole_module_is_read_without_its_class(self, tmp_path):
        module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2, bias=False))
        tensors = read_tensors(written(tmp_path, module))
        assert tensors.keys() == module.state_dict().keys()
        assert all(torch.equal(tensors[name], weight) for name, weight in module.state_dict().items())

    def test_instances_beside_the_weights_are_inert(self, tmp_path):
        assert read_tensors(written(tmp_path, {"model": STATE, "config": Remembered()})).keys() == STATE.keys()

    def test_a_function_that_would_run_does_not(self, tmp_path):
        trap = tmp_path / "trap"
        assert read_tensors(written(tmp_path, {"model": STATE, "x": Springing(trap)})).keys() == STATE.keys()
        assert not trap.exists()

    @pytest.mark.parametrize("wrapped", [{"agent": {"net": STATE}}, {"ema": STATE, "step": 3}, {"x": [{"y": STATE}]}])
    def test_wrappers_have_any_name_and_depth(self, tmp_path, wrapped):
        assert read_tensors(written(tmp_path, wrapped)).keys() == STATE.keys()

    def test_the_optimisers_state_is_not_the_network(self, tmp_path):
        many = {f"p{n}": torch.ones(2) for n in range(20)}
        content = {"optimizer_state_dict": many, "weights": STATE, "scheduler": many}
        assert read_tensors(written(tmp_path, content)).keys() == STATE.keys()

    @pytest.mark.parametrize("prefix", ["net.", "transformer.", "anything.", "module.net.", "_forward_module.model."])
    def test_a_prefix_that_all_have_is_taken_off(self, tmp_path, prefix):
        named = {f"{prefix}{name}": tensor for name, tensor in STATE.items()}
        assert read_tensors(written(tmp_path, named)).keys() == STATE.keys()

    def test_of_a_list_the_last_or_the_one_asked_for(self, tmp_path):
        first = {name: torch.zeros_like(tensor) for name, tensor in STATE.items()}
        path = written(tmp_path, {"checkpoints": [first, STATE], "epochs": [0, 100]})
        name = next(iter(STATE))
        assert torch.equal(read_tensors(path)[name], STATE[name])
        assert torch.equal(read_checkpoint(path, 0).tensors[name], first[name])
        with pytest.raises(CheckpointError, match="holds 2 networks, none with the index 2"):
            read_checkpoint(path, 2)
        with pytest.raises(CheckpointError, match="holds one network and no list"):
            read_checkpoint(written(tmp_path, STATE), 0)

    def test_masks_and_counters_are_left_out_and_named(self, tmp_path):
        content = {**STATE, "causal_mask": torch.ones(2, 2, dtype=torch.bool), "steps": torch.tensor(3)}
        checkpoint = read_checkpoint(written(tmp_path, content))
        assert checkpoint.tensors.keys() == STATE.keys()
        assert checkpoint.left_out == ("causal_mask (bool)", "steps (int64)")

    def test_numpy_arrays(self, tmp_path):
        arrays = {name: tensor.numpy() for name, tensor in STATE.items()}
        np.savez(tmp_path / "a.npz", **arrays)
        for path in (tmp_path / "a.npz", written(tmp_path, {"params": arrays})):
            tensors = read_tensors(path)
            assert all(torch.equal(tensors[name], tensor) for name, tensor in STATE.items())

    def test_objects_among_numpy_arrays_are_refused(self, tmp_path):
        np.savez(tmp_path / "a.npz", x=np.array([Remembered()], dtype=object))
        with pytest.raises(CheckpointError, match=r"a\.npz was refused: it holds Python objects"):
            read_tensors(tmp_path / "a.npz")

    def test_a_pointer_of_git_lfs_is_named_as_one(self, tmp_path):
        (tmp_path / "a.pt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
        with pytest.raises(CheckpointError, match=r"a\.pt is a Git LFS pointer.*git lfs pull"):
            read_tensors(tmp_path / "a.pt")


class TestDamaged:
    def test_no_file(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"there is no file .*a\.pt"):
            load_network(tmp_path / "a.pt")

    def test_a_folder(self, tmp_path):
        with pytest.raises(CheckpointError, match="is a folder; give the file"):
            load_network(tmp_path)

    def test_empty(self, tmp_path):
        (tmp_path / "a.pt").touch()
        with pytest.raises(CheckpointError, match=r"a\.pt is empty"):
            load_network(tmp_path / "a.pt")

    def test_something_else(self, tmp_path):
        (tmp_path / "a.json").write_text('{"loss": 1}')
        with pytest.raises(CheckpointError, match=r"a\.json is neither a safetensors nor a PyTorch file"):
            load_network(tmp_path / "a.json")

    @pytest.mark.parametrize("content", [saved(STATE), safetensors.torch.save(STATE)], ids=["zip", "safetensors"])
    @pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
    def test_cut_short(self, tmp_path, content, share):
        (tmp_path / "a.pt").write_bytes(content[: int(share * len(content))])
        with pytest.raises(CheckpointError, match=r"a\.pt is damaged or cut short \(.+\); copy or download it again"):
            read_tensors(tmp_path / "a.pt")

    @given(st.data())
    def test_anything_wrong_is_an_error_with_the_name_of_the_file(self, tmp_path_factory, data):
        """Cut anywhere, or with bytes changed anywhere: our error, or weights; never another exception."""
        contents = [
            saved(STATE),
            saved(STATE, _use_new_zipfile_serialization=False),
            safetensors.torch.save(STATE, {"grokscope": '"0"'}),
        ]
        content = bytearray(data.draw(st.sampled_from(contents)))
        for place, byte in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)))):
            content[place] = byte
        path = tmp_path_factory.mktemp("damaged") / "a.pt"
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        found = None
        try:
            load_network(path)
        except CheckpointError as error:
            found = str(error)
        assert found is None or "a.pt" in found


class TestContents:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ([1, 2], r"holds no state dict but a list"),
            (torch.ones(2), r"holds no state dict but a Tensor"),
            ({}, r"holds no weights: found nothing; expected tensors by name"),
            ({"epoch": 3, "losses": [1.0]}, r"holds no weights: found 'epoch', 'losses'; .*'state_dict'"),
            ({"model": {}}, r"holds no weights: found 'model'"),
            ({"w": torch.ones(2), "epoch": 3}, r"entry 'epoch' is a int, where a name and a tensor were expected"),
            ({0: torch.ones(2)}, r"entry 0 is a Tensor, where a name"),
            ({"attn.mask": torch.ones(2)}, r"holds no weights; save"),
            ({"w": torch.ones(2).long()}, r"holds no weights; save"),
            ({"w": torch.eye(2).to_sparse()}, r"w in .* is float32, sparse_coo; weights must be dense"),
            ({"w": torch.empty(2, device="meta")}, r"w in .* is without values"),
        ],
    )
    def test_no_state_dict(self, tmp_path, content, message):
        with pytest.raises(CheckpointError, match=message):
            read_tensors(written(tmp_path, content))

    @pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
    def test_not_finite(self, tmp_path, value):
        state = as_authors(network(TRANSFORMER))
        state["blocks.0.mlp.W_in"][3, :4] = value
        with pytest.raises(CheckpointError, match=r"4 of the 240 weights blocks\.0\.mlp\.W_in in .* not finite"):
            load_network(written(tmp_path, state))

    @pytest.mark.parametrize(
        ("stored", "run_in"),
        [(torch.float64, torch.float64), (torch.float16, torch.float32), (torch.bfloat16, torch.float32)],
    )
    def test_precision(self, tmp_path, stored, run_in):
        state = {name: weight.to(stored) for name, weight in as_authors(network(TRANSFORMER)).items()}
        model = load_network(written(tmp_path, state)).model
        assert {weight.dtype for weight in model.parameters()} == {run_in}
        assert torch.equal(model.unembed.W_U, state["unembed.W_U"].to(run_in))
        assert logits(model).dtype == run_in
