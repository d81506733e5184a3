"""Transformers of one layer whose parts have names without a layer, and modules of PyTorch for embeddings and maps.

Heads have an axis of their own (``W_Q`` … ``W_O``, three axes). Embeddings and linear maps are ``nn.Embedding`` and
``nn.Linear``, whose weight is ``[out, in]``, under any of the usual names.
"""

from torch import Tensor

FLAT = "one layer, flat names"

_TOKENS = ("token_embed", "tok_emb", "token_embedding", "tok_embed", "embed", "embedding", "wte")
_POSITIONS = ("pos_embed", "pos_emb", "position_embedding", "pos_embedding", "wpe")
_LINEAR = {
    "blocks.0.mlp.W_in": ("W_in", "mlp_in", "fc1", "fc_in", "c_fc"),
    "blocks.0.mlp.W_out": ("W_out", "mlp_out", "fc2", "fc_out", "c_proj"),
    "unembed.W_U": ("unembed", "lm_head", "head", "W_U", "output"),
}
_BIASES = {
    "blocks.0.mlp.W_in": "blocks.0.mlp.b_in",
    "blocks.0.mlp.W_out": "blocks.0.mlp.b_out",
    "unembed.W_U": "unembed.b_U",
}
_HEADS = ("W_Q", "W_K", "W_V", "W_O")


def is_flat(tensors: dict[str, Tensor]) -> bool:
    """Return whether the tensors are those of such a transformer."""
    has_heads = all(name in tensors and tensors[name].ndim == 3 for name in _HEADS)
    return has_heads and _embedding(tensors, _TOKENS) is not None


def from_flat(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under TransformerLens's names and with its axes; others keep their names."""
    left = dict(tensors)
    renamed: dict[str, Tensor] = {}
    for ours, names in (("embed.W_E", _TOKENS), ("pos_embed.W_pos", _POSITIONS)):
        name = _embedding(left, names)
        if name is not None:
            renamed[ours] = left.pop(name)
    d_model = renamed["embed.W_E"].shape[1]
    for name in _HEADS:
        heads = left.pop(name)
        axis = 2 if name == "W_O" else 1  # of the residual stream
        turned = heads if heads.shape[axis] == d_model else heads.transpose(1, 2)
        renamed[f"blocks.0.attn.{name}"] = turned.contiguous()
    for ours, names in _LINEAR.items():
        name = next((each for each in names if f"{each}.weight" in left), None)
        if name is not None:
            renamed[ours] = left.pop(f"{name}.weight").T.contiguous()
            if f"{name}.bias" in left:
                renamed[_BIASES[ours]] = left.pop(f"{name}.bias")
    return renamed | left


def _embedding(tensors: dict[str, Tensor], names: tuple[str, ...]) -> str | None:
    found = (f"{name}{end}" for name in names for end in (".weight", ""))
    return next((name for name in found if name in tensors and tensors[name].ndim == 2), None)
