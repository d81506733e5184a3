"""What somebody else's optimiser remembers, whatever it is made of, as tensors that can be stored."""

import json
from typing import Any

import torch
from torch import Tensor

from grokscope.errors import ConfigError

SHAPE = "shape"
"""Under this name stands how the tensors beside it are nested: text, as bytes."""


def as_tensors(value: Any, whose: str) -> dict[str, Tensor]:
    """Return ``value`` as tensors by name: its own ones, and one that says how they are nested.

    Args:
        value: tensors, numbers, texts and None, in lists, tuples and dictionaries of any depth.
        whose: for the message.

    Raises:
        ConfigError: something else is in it.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_outline(value, tensors, whose))
    return {SHAPE: torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8), **tensors}


def from_tensors(tensors: dict[str, Tensor]) -> Any:
    """Return what :func:`as_tensors` was given."""
    outline = json.loads(bytes(tensors[SHAPE].tolist()).decode())
    return _filled(outline, tensors)


def contiguous(value: Any) -> Any:
    """Return ``value`` with every tensor laid out as one that is read back: the layout decides how products round."""
    match value:
        case Tensor():
            return value.contiguous()
        case list() | tuple():
            return type(value)(contiguous(each) for each in value)
        case dict():
            return {key: contiguous(each) for key, each in value.items()}
        case _:
            return value


def _outline(value: Any, tensors: dict[str, Tensor], whose: str) -> Any:
    """Return ``value`` as JSON takes it, each thing as the pair of its kind and its content."""
    match value:
        case Tensor():
            name = str(len(tensors))
            tensors[name] = value
            return ["tensor", name]
        case None | bool() | int() | float() | str():
            return ["plain", value]
        case list() | tuple():
            kind = "list" if isinstance(value, list) else "tuple"
            return [kind, [_outline(each, tensors, whose) for each in value]]
        case dict():
            return ["dict", [[key, _outline(each, tensors, whose)] for key, each in value.items()]]
        case _:
            raise ConfigError(
                f"{whose} remembers a {type(value).__name__}, which cannot be stored, so that a run could not be "
                f"resumed; keep tensors and numbers instead"
            )


def _filled(outline: Any, tensors: dict[str, Tensor]) -> Any:
    kind, content = outline
    match kind:
        case "tensor":
            return tensors[content].clone()
        case "list":
            return [_filled(each, tensors) for each in content]
        case "tuple":
            return tuple(_filled(each, tensors) for each in content)
        case "dict":
            return {key: _filled(each, tensors) for key, each in content}
        case _:
            return content
