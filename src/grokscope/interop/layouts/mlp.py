"""Multilayer perceptrons of "The Clock and the Pizza", of Chughtai et al., on one-hot tokens, and our own."""

import re
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor

from grokscope.interop.parsed import ParsedWeights
from grokscope.interop.shape_reader import TensorReader

CLOCK_AND_PIZZA, CHUGHTAI, OURS = "The Clock and the Pizza", "Chughtai et al.", "grokscope MLP"
ONE_HOT = "MLP on a sum of one-hot tokens"


def layout_of_mlp(tensors: dict[str, Tensor]) -> str | None:
    """Return whose layout it is, by names that no other has; None if it is none of them."""
    if {"embed.weight", "l1.weight"} <= tensors.keys():
        return CLOCK_AND_PIZZA
    if {"W_x", "W_y", "W"} <= tensors.keys():
        return CHUGHTAI
    if {"embed.W_E", "blocks.0.mlp.W_in"} <= tensors.keys():
        return OURS
    if {"mlp.W_in", "mlp.W_out"} <= tensors.keys():
        return ONE_HOT
    return None


def draft_mlp(shelf: TensorReader) -> ParsedWeights:
    """Return the multilayer perceptron whose tensors are on the shelf, which knows their layout.

    Raises:
        CheckpointError: a tensor is missing, or has a shape that does not fit the others.
    """
    return {CLOCK_AND_PIZZA: _clock_and_pizza, CHUGHTAI: _chughtai, OURS: _ours, ONE_HOT: _one_hot}[shelf.layout](shelf)


def _clock_and_pizza(shelf: TensorReader) -> ParsedWeights:
    """Linear layers of PyTorch, ``[out, in]``, on the sum of the pair's embeddings or on both side by side."""
    weights = {"embed.W_E": shelf.take("embed.weight", "d_vocab d_model")}
    n_layers = _n_layers(shelf, r"l(\d+)\.weight", first=1)
    n_embeddings = 0
    for layer in range(n_layers):
        theirs, ours = f"l{layer + 1}", f"blocks.{layer}.mlp"
        W_in = shelf.take(f"{theirs}.weight", "d_mlp d_mlp" if layer else "d_mlp d_in")
        if layer == 0:
            n_embeddings = _n_embeddings(shelf, f"{theirs}.weight", W_in, (1, 2))
        weights[f"{ours}.W_in"] = W_in.T.contiguous()
        if f"{theirs}.bias" in shelf:
            weights[f"{ours}.b_in"] = shelf.take(f"{theirs}.bias", "d_mlp")
    weights["unembed.W_U"] = shelf.take("unembed.weight", "d_vocab_out d_mlp").T.contiguous()
    if "unembed.bias" in shelf:
        weights["unembed.b_U"] = shelf.take("unembed.bias", "d_vocab_out")
    return _draft(shelf, weights, n_ctx=2, n_layers=n_layers, combine="sum" if n_embeddings == 1 else "concat")


def _chughtai(shelf: TensorReader) -> ParsedWeights:
    """One hidden layer on two embeddings side by side, one for each token; no biases."""
    embeddings = [shelf.take(name, "d_vocab d_model") for name in ("W_x", "W_y")]
    W_in = shelf.take("W", "d_in d_mlp")
    _n_embeddings(shelf, "W", W_in, (2,))
    weights = {
        "embed.W_E": torch.stack(embeddings),
        "blocks.0.mlp.W_in": W_in,
        "unembed.W_U": shelf.take("W_U", "d_mlp d_vocab_out"),
    }
    return _draft(shelf, weights, n_ctx=2, n_layers=1, combine="concat", shared_embedding=False)


def _one_hot(shelf: TensorReader) -> ParsedWeights:
    """One hidden layer, ``[out, in]``, on the sum of two one-hot tokens, or of their embeddings; no biases."""
    has_embedding = "embed.W_E" in shelf
    W_E = shelf.take("embed.W_E", "d_model d_vocab").T.contiguous() if has_embedding else None
    W_in = shelf.take("mlp.W_in", "d_mlp d_model" if has_embedding else "d_mlp d_vocab")
    if W_E is None:
        W_E = torch.eye(W_in.shape[1], dtype=W_in.dtype)
        shelf.sizes["d_model"] = W_in.shape[1]
    weights = {
        "embed.W_E": W_E,
        "blocks.0.mlp.W_in": W_in.T.contiguous(),
        "unembed.W_U": shelf.take("mlp.W_out", "d_vocab_out d_mlp").T.contiguous(),
    }
    return _draft(shelf, weights, n_ctx=2, n_layers=1, combine="sum")


def _ours(shelf: TensorReader) -> ParsedWeights:
    """A checkpoint of one of our own runs."""
    shared = shelf.n_axes("embed.W_E") == 2
    weights = {"embed.W_E": shelf.take("embed.W_E", "d_vocab d_model" if shared else "n_ctx d_vocab d_model")}
    n_layers = _n_layers(shelf, r"blocks\.(\d+)\.mlp\.W_in", first=0)
    n_ctx, n_embeddings = shelf.sizes.get("n_ctx"), 0
    for layer in range(n_layers):
        name = f"blocks.{layer}.mlp.W_in"
        weights[name] = shelf.take(name, "d_mlp d_mlp" if layer else "d_in d_mlp")
        if layer == 0:
            n_embeddings = _n_embeddings(shelf, name, weights[name], (1, 2, 3) if n_ctx is None else (1, n_ctx))
        bias = f"blocks.{layer}.mlp.b_in"
        if bias in shelf:
            weights[bias] = shelf.take(bias, "d_mlp")
    tied = "unembed.W_U" not in shelf
    for name, axes in {"unembed.W_U": "d_mlp d_vocab_out", "unembed.b_U": "d_vocab_out"}.items():
        if name in shelf:
            weights[name] = shelf.take(name, axes)
    summed = n_embeddings == 1
    return _draft(
        shelf,
        weights,
        n_ctx=n_ctx if summed else n_embeddings,
        n_layers=n_layers,
        combine="sum" if summed else "concat",
        shared_embedding=shared,
        tied_embeddings=tied,
    )


def _n_layers(shelf: TensorReader, pattern: str, *, first: int) -> int:
    numbers = [int(match[1]) for match in (re.fullmatch(pattern, name) for name in shelf.left) if match]
    return 1 + max(numbers) - first


def _n_embeddings(shelf: TensorReader, name: str, W_in: Tensor, allowed: Collection[int]) -> int:
    """Return how many embeddings side by side the first layer reads; one: their sum."""
    d_in, d_model = shelf.sizes["d_in"], shelf.sizes["d_model"]
    for n_embeddings in sorted(allowed):
        if d_in == n_embeddings * d_model:
            return n_embeddings
    widths = " or ".join(str(n_embeddings * d_model) for n_embeddings in sorted(allowed))
    raise shelf.mismatch(name, W_in, f"{widths} inputs")


def _draft(shelf: TensorReader, weights: dict[str, Tensor], *, n_ctx: int | None, **config: Any) -> ParsedWeights:
    sizes = shelf.sizes
    config = {"kind": "mlp", "d_model": sizes["d_model"], "d_mlp": sizes["d_mlp"], **config}
    d_vocab = sizes["d_vocab"]
    return ParsedWeights(shelf.layout, weights, config, d_vocab, sizes.get("d_vocab_out", d_vocab), n_ctx, shelf.left)
