import errno
import os
import stat

import pytest
import torch

from grokscope.errors import RunError
from grokscope.run.atomic import load_tensors, save_tensors, write_atomically


def no_space(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestWriteAtomically:
    def test_writes_and_replaces(self, tmp_path):
        file = tmp_path / "file"
        for content in (b"old", b"newer and longer", b""):
            write_atomically(file, content)
            assert file.read_bytes() == content
        assert [entry.name for entry in tmp_path.iterdir()] == ["file"]

    def test_full_disk_leaves_the_old_file(self, tmp_path, monkeypatch):
        file = tmp_path / "file"
        write_atomically(file, b"old")
        monkeypatch.setattr(os, "fsync", no_space)
        with pytest.raises(
            RunError, match=rf"cannot write {file}: No space left on device; what was written before is intact"
        ):
            write_atomically(file, b"new")
        assert file.read_bytes() == b"old"
        assert [entry.name for entry in tmp_path.iterdir()] == ["file"], "no temporary file is left"

    def test_full_disk_leaves_nothing_where_nothing_was(self, tmp_path, monkeypatch):
        monkeypatch.setattr(os, "fsync", no_space)
        with pytest.raises(RunError, match="No space left"):
            write_atomically(tmp_path / "file", b"new")
        assert list(tmp_path.iterdir()) == []

    def test_content_is_on_the_disk_before_it_has_the_name(self, tmp_path, monkeypatch):
        file = tmp_path / "file"
        write_atomically(file, b"old")
        seen = []

        def watch(descriptor):
            seen.append((file.read_bytes(), os.fstat(descriptor).st_size, stat.S_ISDIR(os.fstat(descriptor).st_mode)))

        monkeypatch.setattr(os, "fsync", watch)
        write_atomically(file, b"newer")
        (first, size, is_folder), (second, _, is_folder_too) = seen
        assert (first, size, is_folder) == (b"old", 5, False)
        assert (second, is_folder_too) == (b"newer", True), "then the folder, so that the name survives too"

    def test_killed_while_writing(self, tmp_path, monkeypatch):
        file = tmp_path / "file"
        write_atomically(file, b"old")

        def killed(_):
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            write_atomically(file, b"new")
        assert file.read_bytes() == b"old"

    def test_missing_folder(self, tmp_path):
        with pytest.raises(RunError, match=r"cannot write .*nowhere/file: No such file or directory"):
            write_atomically(tmp_path / "nowhere" / "file", b"new")


class TestTensors:
    def test_round_trip_to_the_bit(self, tmp_path):
        tensors = {
            "a.b": torch.randn(3, 4),
            "double": torch.randn(2, dtype=torch.float64),
            "scalar": torch.tensor(7),
            "empty": torch.zeros(0, 5),
            "odd": torch.tensor([float("inf"), -0.0, 1e-45]),
        }
        save_tensors(tmp_path / "t.safetensors", tensors)
        loaded = load_tensors(tmp_path / "t.safetensors")
        assert loaded.keys() == tensors.keys()
        for name, value in tensors.items():
            assert loaded[name].dtype == value.dtype
            assert torch.equal(loaded[name], value)

    def test_same_tensors_same_bytes(self, tmp_path):
        tensors = {name: torch.ones(3) for name in "zyxabc"}
        for name, given in (("one", tensors), ("two", dict(reversed(tensors.items())))):
            save_tensors(tmp_path / name, given)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
        save_tensors(tmp_path / "three", load_tensors(tmp_path / "one"))
        assert (tmp_path / "three").read_bytes() == (tmp_path / "one").read_bytes()

    def test_views_gradients_and_strides(self, tmp_path):
        weights = torch.randn(4, 6).requires_grad_()
        for value in (weights, weights.T, weights[1:3], weights[:, ::2]):
            save_tensors(tmp_path / "t", {"t": value})
            loaded = load_tensors(tmp_path / "t")["t"]
            assert torch.equal(loaded, value)
            assert not loaded.requires_grad

    def test_missing(self, tmp_path):
        with pytest.raises(RunError, match=r"there is no file .*gone\.safetensors"):
            load_tensors(tmp_path / "gone.safetensors")

    @pytest.mark.parametrize("damage", ["empty", "cut short", "cut in the header", "no header", "text", "longer"])
    def test_damaged(self, tmp_path, damage):
        file = tmp_path / "broken.safetensors"
        save_tensors(file, {"a": torch.randn(100)})
        content = file.read_bytes()
        file.write_bytes(
            {
                "empty": b"",
                "cut short": content[:-1],
                "cut in the header": content[:20],
                "no header": bytes(100),
                "text": b"not tensors at all, but long enough",
                "longer": content + b"\0",
            }[damage]
        )
        with pytest.raises(RunError, match=r"broken\.safetensors is damaged or not a safetensors file"):
            load_tensors(file)

    def test_pickles_are_not_opened(self, tmp_path):
        file = tmp_path / "weights.safetensors"
        torch.save({"a": torch.ones(3)}, file)
        with pytest.raises(RunError, match=r"not a safetensors file"):
            load_tensors(file)
