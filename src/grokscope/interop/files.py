"""From a file to named tensors, without running what may be in it."""

import hashlib
import io
import json
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from grokscope.display import brief_repr
from grokscope.errors import CheckpointError

Scalar = bool | int | float | str
Simple = Scalar | list[int | float] | dict[str, Scalar]

_WRAPPERS = ("model", "state_dict", "model_state_dict", "params")
"""Under which a training script keeps the weights, next to losses and the optimiser's state."""
_PREFIXES = ("module.", "model.", "_orig_mod.")
"""Put before every name by DataParallel, by wrapping modules and by torch.compile."""
_CONSTANTS = (".mask", ".IGNORE")
"""Buffers of attention layers: the causal mask and minus infinity."""
_REFUSALS = re.compile(r"TorchScript|GLOBAL|Can only create|Can only build|Trying to call|Unsupported operand 149")
"""What PyTorch says of a pickle that asks for more than tensors; 149 begins one of protocol 4, as of plain pickle."""
_CONVERT = (
    "load it where you trust it and save the weights alone: torch.save(model.state_dict(), 'weights.pt'), "
    "or safetensors.torch.save_file"
)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What is in a file of weights."""

    tensors: dict[str, Tensor]
    """The weights by name, on the CPU; attention masks left out, prefixes of wrapping modules taken off."""
    stored: dict[str, Simple]
    """What is kept beside them, where it is simple."""
    metadata: dict[str, str]
    """Of a safetensors file; empty otherwise."""
    sha256: str
    """Of the file."""

    __repr__ = brief_repr


def read_tensors(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the weights in a safetensors or PyTorch file by name, on the CPU.

    The state dict is found by itself or under ``model``, ``state_dict``, ``model_state_dict`` or ``params``; the
    prefixes ``module.``, ``model.`` and ``_orig_mod.`` are taken off where every name has them. No code in the file
    is run.

    Raises:
        CheckpointError: there is no such file, it is damaged, it would run code, it holds no state dict, or some
            weights are not finite numbers.
    """
    return read_checkpoint(Path(path)).tensors


def read_checkpoint(path: Path) -> Checkpoint:
    """Return the weights in a file, as :func:`read_tensors` does, and what is kept beside them.

    Raises:
        CheckpointError: as of :func:`read_tensors`.
    """
    content = _content(path)
    metadata: dict[str, str] = {}
    if _is_safetensors(content):
        loaded, metadata = _load_safetensors(path, content)
    elif content.startswith((b"PK\x03\x04", b"\x80")):  # a zip archive, or a bare pickle as before PyTorch 1.6
        loaded = _load_pytorch(path, content)
    else:
        raise CheckpointError(
            f"{path} is neither a safetensors nor a PyTorch file, or its beginning is damaged; "
            f"give a .safetensors, .pt or .pth file"
        )
    state, stored = _unwrapped(path, loaded)
    tensors = _without_prefixes(state)
    tensors = {name: tensor.detach() for name, tensor in tensors.items() if not name.endswith(_CONSTANTS)}
    if not tensors:
        raise CheckpointError(f"{path} holds no weights; save a trained network's state_dict()")
    for name, tensor in tensors.items():
        _check_values(path, name, tensor)
    return Checkpoint(tensors, stored, metadata, hashlib.sha256(content).hexdigest())


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
        raise _damaged(path, error) from error
    return tensors, _metadata(content)


def _metadata(content: bytes) -> dict[str, str]:
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return header.get("__metadata__") or {}


def _load_pytorch(path: Path, content: bytes) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of TorchScript archives, which are refused below
            return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except Exception as error:  # a damaged pickle can raise anything
        text = str(error)
        if _REFUSALS.search(text):
            culprit = re.search(r"GLOBAL ([\w.]+)", text)
            what = f" (it asks for {culprit[1]})" if culprit else ""
            raise CheckpointError(
                f"{path} was refused: it holds more than weights, and opening it could run code{what}; {_CONVERT}"
            ) from error
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> CheckpointError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return CheckpointError(f"{path} is damaged or cut short ({reason}); copy or download it again")


def _unwrapped(path: Path, loaded: Any) -> tuple[dict[str, Tensor], dict[str, Simple]]:
    """Return the state dict in what a file holds, and the simple things beside it."""
    stored: dict[str, Simple] = {}
    while isinstance(loaded, Mapping):
        wrapper = next((key for key in _WRAPPERS if isinstance(loaded.get(key), Mapping)), None)
        if wrapper is None:
            break
        simple = {str(key): _simple(value) for key, value in loaded.items() if key != wrapper}
        stored |= {key: value for key, value in simple.items() if value is not None}
        loaded = loaded[wrapper]
    if not isinstance(loaded, Mapping):
        raise CheckpointError(
            f"{path} holds no state dict but a {_kind(loaded)}; save a network's weights by name: "
            f"torch.save(model.state_dict(), 'weights.pt')"
        )
    if not any(isinstance(value, Tensor) for value in loaded.values()):
        found = ", ".join(map(repr, list(loaded)[:8])) or "nothing"
        raise CheckpointError(
            f"{path} holds no weights: found {found}; expected tensors by name, or such a dict under "
            f"{', '.join(map(repr, _WRAPPERS))}"
        )
    for name, value in loaded.items():
        if not (isinstance(name, str) and isinstance(value, Tensor)):
            raise CheckpointError(
                f"{path} holds no plain state dict: its entry {name!r} is a {_kind(value)}, where a name and a tensor "
                f"were expected; save the weights alone: torch.save(model.state_dict(), 'weights.pt')"
            )
    return dict(loaded), stored


def _kind(value: Any) -> str:
    return type(value).__name__


def _simple(value: Any) -> Simple | None:
    if isinstance(value, Tensor) and value.ndim == 0:
        return value.item()
    if isinstance(value, Scalar):
        return value
    if isinstance(value, list) and all(isinstance(each, int | float) for each in value):
        return value
    if isinstance(value, dict) and all(isinstance(each, Scalar) for each in value.values()):
        return {str(key): each for key, each in value.items()}
    return None


def _without_prefixes(state: dict[str, Tensor]) -> dict[str, Tensor]:
    while state:
        prefix = next((each for each in _PREFIXES if all(name.startswith(each) for name in state)), None)
        if prefix is None:
            break
        state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


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
