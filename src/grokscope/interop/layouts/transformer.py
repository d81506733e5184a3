"""Transformers as Nanda & Lieberum's code and TransformerLens write them.

Each layout is a table of names and axes. An axis has one name everywhere, so how a matrix is to be turned follows
from its axes there and here.
"""

import re
from collections.abc import Iterator

from torch import Tensor

from grokscope.interop.parsed import ParsedWeights
from grokscope.interop.shape_reader import TensorReader

AUTHORS, TRANSFORMER_LENS = "Nanda & Lieberum", "TransformerLens"

_BEFORE = {"embed.W_E": "d_vocab d_model", "pos_embed.W_pos": "n_ctx d_model"}
_BLOCK = {
    "ln1.w": "d_model",
    "ln1.b": "d_model",
    **{f"attn.W_{letter}": "n_heads d_model d_head" for letter in "KQV"},
    "attn.W_O": "n_heads d_head d_model",
    **{f"attn.b_{letter}": "n_heads d_head" for letter in "KQV"},
    "attn.b_O": "d_model",
    "ln2.w": "d_model",
    "ln2.b": "d_model",
    "mlp.W_in": "d_model d_mlp",
    "mlp.b_in": "d_mlp",
    "mlp.W_out": "d_mlp d_model",
    "mlp.b_out": "d_model",
}
_AFTER = {
    "ln_final.w": "d_model",
    "ln_final.b": "d_model",
    "unembed.W_U": "d_model d_vocab_out",
    "unembed.b_U": "d_vocab_out",
}
"""Our names are TransformerLens's, and so are the axes."""
_AUTHORS_AXES = {
    "embed.W_E": "d_model d_vocab",
    **{f"attn.W_{letter}": "n_heads d_head d_model" for letter in "KQV"},
    "attn.W_O": "d_model n_heads*d_head",
    "mlp.W_in": "d_mlp d_model",
    "mlp.W_out": "d_model d_mlp",
}
"""Where the authors' axes are not in our order."""
_LAYER = re.compile(r"(?:attn_)?blocks\.(\d+)\.(.+)")


def layout_of_transformer(tensors: dict[str, Tensor]) -> str | None:
    """Return whose layout it is, by the output matrix of the first attention layer; None if there is none."""
    for name, tensor in tensors.items():
        if name.endswith(".attn.W_O") and _LAYER.fullmatch(name):
            return AUTHORS if tensor.ndim == 2 else TRANSFORMER_LENS
    return None


def draft_transformer(shelf: TensorReader) -> ParsedWeights:
    """Return the transformer whose tensors are on the shelf, which knows their layout.

    Raises:
        CheckpointError: a tensor is missing, or has a shape that does not fit the others.
    """
    blocks = "attn_blocks" if any(name.startswith("attn_blocks.") for name in shelf.left) else "blocks"
    in_layers = [match for match in map(_LAYER.fullmatch, shelf.left) if match]
    n_layers = 1 + max(int(match[1]) for match in in_layers)
    parts = {match[2] for match in in_layers}
    attention_only = not any(part.startswith("mlp.") for part in parts)
    layer_norm = any(re.match(r"ln\w+\.", part) for part in (*parts, *shelf.left))
    tied = "unembed.W_U" not in shelf and shelf.layout == TRANSFORMER_LENS

    def is_needed(name: str) -> bool:
        if name.startswith("ln"):
            return layer_norm and not (attention_only and name.startswith("ln2."))
        if name.startswith("mlp.W_"):
            return not attention_only
        return "W_" in name and not (tied and name == "unembed.W_U")

    weights = {}
    for prefix, part, axes in _places(n_layers):
        name = prefix + part
        theirs = name.replace("blocks", blocks, 1)
        has_place = not (attention_only and part.startswith("ln2."))
        if is_needed(part) or (theirs in shelf and has_place):
            there = _AUTHORS_AXES.get(part, axes) if shelf.layout == AUTHORS else axes
            weights[name] = _turned(shelf.take(theirs, there), there, axes, shelf.sizes)

    sizes = shelf.sizes
    config = {
        "kind": "transformer",
        "n_layers": n_layers,
        "attention_only": attention_only,
        "layer_norm": layer_norm,
        "tied_embeddings": tied,
        **{name: sizes[name] for name in ("d_model", "n_heads", "d_head", "d_mlp") if name in sizes},
    }
    d_vocab_out = sizes.get("d_vocab_out", sizes["d_vocab"])
    return ParsedWeights(shelf.layout, weights, config, sizes["d_vocab"], d_vocab_out, sizes["n_ctx"], shelf.left)


def _places(n_layers: int) -> Iterator[tuple[str, str, str]]:
    """Yield the prefix, the name and the axes of every tensor that a transformer can have, in order of computation."""
    yield from (("", part, axes) for part, axes in _BEFORE.items())
    for layer in range(n_layers):
        yield from ((f"blocks.{layer}.", part, axes) for part, axes in _BLOCK.items())
    yield from (("", part, axes) for part, axes in _AFTER.items())


def _turned(tensor: Tensor, theirs: str, ours: str, sizes: dict[str, int]) -> Tensor:
    """Return ``tensor`` with the axes ``ours`` instead of ``theirs``; of theirs, several may be one: ``a*b``."""
    axes = theirs.replace("*", " ").split()
    single = tensor.reshape([sizes[axis] for axis in axes])
    return single.permute([axes.index(axis) for axis in ours.split()]).contiguous()
