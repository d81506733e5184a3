"""A network as its weights alone describe it."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from grokscope.display import brief_repr


@dataclass(frozen=True, eq=False)
class ParsedWeights:
    """Weights under our names, with the sizes and settings that can be read off them."""

    layout: str
    """Whose names they had, for people."""
    weights: dict[str, Tensor]
    """Our names and orientations; of the biases, those that the file has."""
    config: dict[str, Any]
    """The settings that shapes and names show, ``kind`` among them; all but ``biases``."""
    d_vocab: int
    d_vocab_out: int
    n_ctx: int | None
    """None where the weights fit sequences of any length."""
    left: tuple[str, ...]
    """Tensors in the file that are not part of it."""

    __repr__ = brief_repr
