"""From a file to named tensors, without running what may be in it."""

import hashlib
import io
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from grokscope.display import brief_repr
from grokscope.errors import CheckpointError
from grokscope.interop.containers import Simple, unwrapped
from grokscope.interop.pickles import CONVERT, damaged, load_pytorch

_CONSTANTS = (".mask", ".IGNORE")
"""Buffers of attention layers: the causal mask and minus infinity."""
_PREFIXES = ("module", "model", "_orig_mod", "net", "network", "transformer")
"""Put before every name by wrapping modules; any other is taken for one if parts of a network stand behind it."""
_LFS = b"version https://git-lfs.github.com/spec"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What is in a file of weights."""

    tensors: dict[str, Tensor]
    """The weights by name, on the CPU; attention masks left out, a prefix that all have taken off."""
    stored: dict[str, Simple]
    """What is kept beside them, where it is simple."""
    metadata: dict[str, str]
    """Of a safetensors file; empty otherwise."""
    sha256: str
    """Of the file."""
    left_out: tuple[str, ...] = ()
    """Tensors of whole numbers or truth values beside the weights: masks, counters, positions."""

    __repr__ = brief_repr


def read_tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the weights in a safetensors or PyTorch file by name, on the CPU.

    The state dict is found by itself, under any name (``model``, ``state_dict``, …), in lists (the last) and in whole
    modules; a prefix that every name has is taken off. No code in the file is run.

    Raises:
        CheckpointError: there is no such file, it is damaged, it would run code, it holds no state dict, or some
            weights are not finite numbers.
    """
    return read_checkpoint(Path(path)).tensors


def read_checkpoint(path: Path, index: int | None = None) -> Checkpoint:
    """Return the weights in a file, as :func:`read_tensors` does, and what is kept beside them.

    Args:
        path: the file.
        index: which of the networks in a list [the last].

    Raises:
        CheckpointError: as of :func:`read_tensors`, or there is no list, or none of that index.
    """
    content = _content(path)
    metadata: dict[str, str] = {}
    if _is_safetensors(content):
        loaded, metadata = _load_safetensors(path, content)
    elif content.startswith(_LFS):
        raise CheckpointError(
            f"{path} is a Git LFS pointer, which stands for the file of weights; fetch that with 'git lfs pull'"
        )
    elif _is_npz(content):
        loaded = _load_npz(path, content)
    elif content.startswith((b"PK\x03\x04", b"\x80")):  # a zip archive, or a bare pickle as before PyTorch 1.6
        loaded = load_pytorch(path, content)
    else:
        raise CheckpointError(
            f"{path} is neither a safetensors nor a PyTorch file, or its beginning is damaged; "
            f"give a .safetensors, .pt or .pth file"
        )
    state, stored = unwrapped(path, loaded, index)
    tensors = _without_prefix(state)
    tensors = {name: tensor.detach() for name, tensor in tensors.items() if not name.endswith(_CONSTANTS)}
    counted = tuple(f"{name} ({_dtype(tensor)})" for name, tensor in tensors.items() if _is_counted(tensor))
    tensors = {name: tensor for name, tensor in tensors.items() if not _is_counted(tensor)}
    if not tensors:
        raise CheckpointError(f"{path} holds no weights; save a trained network's state_dict()")
    for name, tensor in tensors.items():
        _check_values(path, name, tensor)
    return Checkpoint(tensors, stored, metadata, hashlib.sha256(content).hexdigest(), counted)


def dtype_of(tensors: dict[str, Tensor]) -> torch.dtype:
    """Return the precision to run weights in: float64 if they all have it, else float32."""
    return torch.float64 if all(tensor.dtype == torch.float64 for tensor in tensors.values()) else torch.float32


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no file {path}") from error
    except IsADirectoryError as error:
        raise CheckpointError(f"{path} is a folder; give the file with the weights in it") from error
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    if not content:
        raise CheckpointError(f"{path} is empty; copy or download it again")
    return content


def _is_safetensors(content: bytes) -> bool:
    """Return whether the file begins as safetensors do: the length of a JSON header, then the header."""
    length = int.from_bytes(content[:8], "little")
    return length <= 100_000_000 and content[8:9] == b"{"  # no longer header is allowed by the format


def _load_safetensors(path: Path, content: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        tensors = safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise damaged(path, error) from error
    return tensors, _metadata(content)


def _metadata(content: bytes) -> dict[str, str]:
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return header.get("__metadata__") or {}


def _is_npz(content: bytes) -> bool:
    """Return whether the file is a zip archive of NumPy arrays."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError):
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def _load_npz(path: Path, content: bytes) -> dict[str, Tensor]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: torch.from_numpy(np.asarray(archive[name])) for name in archive.files}
    except (ValueError, TypeError, OSError, zipfile.BadZipFile) as error:
        if "allow_pickle" in str(error):
            raise CheckpointError(f"{path} was refused: it holds Python objects among its arrays; {CONVERT}") from error
        raise damaged(path, error) from error


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors without the prefixes that all of them have, as wrapping modules put before them."""
    while len(state) > 1:
        prefix, dot, _ = next(iter(state)).partition(".")
        if not dot or prefix.isdigit() or not all(name.startswith(f"{prefix}.") for name in state):
            break
        inner = {name.removeprefix(f"{prefix}."): tensor for name, tensor in state.items()}
        if prefix not in _PREFIXES and not any("." in name for name in inner):
            break
        state = inner
    return state


def _is_counted(tensor: Tensor) -> bool:
    """Return whether a tensor is of whole numbers or truth values, and so no weight."""
    return tensor.layout is torch.strided and not (
        tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized
    )


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _check_values(path: Path, name: str, tensor: Tensor) -> None:
    if tensor.layout is not torch.strided or tensor.is_meta or tensor.is_quantized or not tensor.is_floating_point():
        kind = "without values" if tensor.is_meta else f"{tensor.dtype}, {tensor.layout}".replace("torch.", "")
        raise CheckpointError(f"{name} in {path} is {kind}; weights must be dense floating-point numbers: convert them")
    n_bad = int((~torch.isfinite(tensor.double())).sum())
    if n_bad:
        raise CheckpointError(
            f"{n_bad} of the {tensor.numel()} weights {name} in {path} are not finite numbers; its training diverged: "
            f"take an earlier checkpoint"
        )
