"""The state dict in what a file holds, however it is wrapped."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grokscope.errors import CheckpointError
from grokscope.interop.pickles import StandIn

Scalar = bool | int | float | str
Simple = Scalar | list[int | float] | dict[str, Scalar]

_WRAPPERS = ("model", "state_dict", "model_state_dict", "params")
"""Under which a training script keeps the weights, next to losses and the optimiser's state."""
_NOT_WEIGHTS = ("optim", "sched", "scaler", "rng", "grad")
"""What names of entries contain that hold tensors by name, but a training state and no network."""
_DEPTH = 6
"""Levels at which a state dict is looked for."""


def unwrapped(path: Path, loaded: Any, index: int | None = None) -> tuple[dict[str, Tensor], dict[str, Simple]]:
    """Return the state dict in what a file holds, and the simple things beside it.

    Raises:
        CheckpointError: there is none, or none of that ``index``.
    """
    stored: dict[str, Simple] = {}
    was_list = False
    for _ in range(_DEPTH):
        if isinstance(loaded, StandIn):
            loaded = loaded.state_dict() if loaded.state_dict() is not None else loaded.state
        elif isinstance(loaded, list | tuple) and any(map(_holds_weights, loaded)):
            networks, was_list = [each for each in loaded if _holds_weights(each)], True
            if not -len(networks) <= (index or 0) < len(networks):
                raise CheckpointError(
                    f"{path} holds {len(networks)} networks, none with the index {index}; leave it out"
                )
            loaded = networks[-1 if index is None else index]
        elif isinstance(loaded, Mapping):
            name = _wrapper(loaded)
            if name is None:
                break
            simple = {str(key): _simple(value) for key, value in loaded.items() if key != name}
            stored |= {key: value for key, value in simple.items() if value is not None}
            loaded = loaded[name]
        else:
            break
    if index is not None and not was_list:
        raise CheckpointError(f"{path} holds one network and no list of them; leave the index out")
    return _state_dict(path, loaded), stored


def _wrapper(loaded: Mapping[Any, Any]) -> Any | None:
    """Return the key under which the weights are: one of the usual, or the one with most tensors; None if none has."""
    holding = [key for key, value in loaded.items() if not _is_array(value) and _holds_weights(value)]
    usual = next((key for key in _WRAPPERS if key in holding), None)
    if usual is not None or any(map(_is_array, loaded.values())):
        return usual  # beside arrays, others are parts of this state dict
    networks = [key for key in holding if not any(word in str(key).lower() for word in _NOT_WEIGHTS)]
    return max(networks, key=lambda key: _n_arrays(loaded[key]), default=None)


def _holds_weights(value: Any, depth: int = _DEPTH) -> bool:
    return _n_arrays(value, depth) > 0


def _n_arrays(value: Any, depth: int = _DEPTH) -> int:
    """Return how many named arrays there are in a value, at any level."""
    if isinstance(value, StandIn):
        value = value.state_dict() or value.state
    if depth == 0 or not isinstance(value, Mapping | list | tuple):
        return 0
    if not isinstance(value, Mapping):
        return sum(_n_arrays(each, depth - 1) for each in value)
    return sum(1 if _is_array(each) else _n_arrays(each, depth - 1) for each in value.values())


def _is_array(value: Any) -> bool:
    return isinstance(value, Tensor | np.ndarray)


def _state_dict(path: Path, loaded: Any) -> dict[str, Tensor]:
    if not isinstance(loaded, Mapping):
        raise CheckpointError(
            f"{path} holds no state dict but a {_kind(loaded)}; save a network's weights by name: "
            f"torch.save(model.state_dict(), 'weights.pt')"
        )
    if not any(map(_is_array, loaded.values())):
        found = ", ".join(map(repr, list(loaded)[:8])) or "nothing"
        raise CheckpointError(
            f"{path} holds no weights: found {found}; expected tensors by name, or such a dict under a name like "
            f"{', '.join(map(repr, _WRAPPERS))}"
        )
    state: dict[str, Tensor] = {}
    for name, value in loaded.items():
        if not (isinstance(name, str) and _is_array(value)):
            raise CheckpointError(
                f"{path} holds no plain state dict: its entry {name!r} is a {_kind(value)}, where a name and a tensor "
                f"were expected; save the weights alone: torch.save(model.state_dict(), 'weights.pt')"
            )
        state[name] = _tensor(path, name, value)
    return state


def _tensor(path: Path, name: str, value: Any) -> Tensor:
    try:
        return value if isinstance(value, Tensor) else torch.from_numpy(np.ascontiguousarray(value))
    except TypeError as error:
        raise CheckpointError(f"{name} in {path} is an array of {value.dtype}, not of numbers: convert it") from error


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
