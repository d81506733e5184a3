"""Which biases a network needs, and zeros for those it lacks."""

import torch
from torch import Tensor

_INNER = {"transformer": ("mlp", (".mlp.b_in", ".mlp.b_out")), "mlp": ("hidden", (".mlp.b_in",))}
"""For each kind of network, the setting with some of the biases, and which these are."""


def smallest_setting(kind: str, weights: dict[str, Tensor]) -> str:
    """Return the smallest ``biases`` under which every bias in ``weights`` that is not zero has its place."""
    needed = [name for name, weight in weights.items() if _is_bias(name) and weight.any()]
    some, places = _INNER[kind]
    if not needed:
        return "none"
    return some if all(name.endswith(places) for name in needed) else "all"


def completed(weights: dict[str, Tensor], shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    """Return the weights of a network with these parameters: its missing biases zero, zero biases left out."""
    missing = {name: torch.zeros(shape) for name, shape in shapes.items() if _is_bias(name)}
    return {name: weight for name, weight in (missing | weights).items() if name in shapes or not _is_bias(name)}


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2].startswith("b_")  # a LayerNorm's is called b: it belongs to the norm
