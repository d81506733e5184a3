"""Attention of short sequences on a CPU, a few examples and a block of queries at a time.

PyTorch's fused attention is made for long sequences: on a CPU it computes the scores of the keys that the causal mask
hides, and computes all scores again for the gradient. Where sequences have tens of tokens, it is faster

1. to take so few examples at once that their scores stay in the cache from one operation to the next,
2. to give a block of queries only the keys up to the last one that any of them sees,
3. to keep the pattern for the gradient, which then needs four products instead of five, and no exponential.

Compare by ``python benchmarks/step.py repeated-subsequences``.

Shape letters: n example (of all stacked networks, one after the other), q query, k key, h head, e head width; g: the
heads of a few examples, one after the other.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK = 28
"""Queries that share their keys: fewer would hide more of what is not seen, and make the products too small."""
CACHED = 128 * 1024
"""Scores computed at once: half a megabyte of them, which a core's own cache holds together with what they are from."""
KEPT = 64 * 1024 * 1024
"""Scores at most of which the pattern is kept for the gradient: a quarter of a gigabyte."""


class Visible(NamedTuple):
    """The last key that each query sees: its own position under a causal mask."""

    last_key: Int[Tensor, "#n q"]
    """Ascending in every row; one row where it is the same for every example."""

    def pays(self, q: Float[Tensor, "n q h e"], n_keys: int) -> bool:
        """Return whether :func:`blocked_attention` is the right one for these queries."""
        return q.device.type == "cpu" and q.shape[:-1].numel() * n_keys <= KEPT


class _Part(NamedTuple):
    """The queries of a block in a few examples."""

    examples: slice
    queries: slice
    n_keys: int
    """The keys that any of them sees are the first ``n_keys``."""
    n_seen: int
    """The keys that all of them see are the first ``n_seen``."""
    hidden: Bool[Tensor, "_n 1 _q _k"] | None
    """Which of the keys in between each query must not see."""


def _parts(visible: Visible, n_examples: int, n_heads: int) -> Iterator[list[_Part]]:
    """Return the parts of a few examples at a time."""
    n_queries = visible.last_key.shape[1]
    blocks = []
    for start in range(0, n_queries, BLOCK):
        last_key = visible.last_key[:, start : start + BLOCK]
        lowest, highest = (int(each) for each in last_key.aminmax())
        hidden = None
        if lowest < highest:
            keys = torch.arange(lowest + 1, highest + 1)
            hidden = (keys > last_key.unsqueeze(-1)).unsqueeze(1)
        blocks.append((slice(start, start + last_key.shape[1]), highest + 1, lowest + 1, hidden))
    largest = max((queries.stop - queries.start) * n_keys for queries, n_keys, _, _ in blocks)
    size = max(1, CACHED // (n_heads * largest))
    for start in range(0, n_examples, size):
        examples = slice(start, min(start + size, n_examples))
        yield [
            _Part(examples, queries, n_keys, n_seen, None if hidden is None else _of(hidden, examples))
            for queries, n_keys, n_seen, hidden in blocks
        ]


def _of(hidden: Tensor, examples: slice) -> Tensor:
    return hidden if hidden.shape[0] == 1 else hidden[examples]


def _by_head(rows: Float[Tensor, "n k h e"], examples: slice) -> Float[Tensor, "g k e"]:
    return rows[examples].transpose(1, 2).flatten(0, 1)


def _from_heads(by_head: Float[Tensor, "g k e"], n_heads: int) -> Float[Tensor, "n k h e"]:
    return by_head.unflatten(0, (-1, n_heads)).transpose(1, 2)


class _BlockedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, visible: Visible) -> Tensor:
        n_examples, n_heads = q.shape[0], q.shape[2]
        z = torch.empty_like(q, memory_format=torch.contiguous_format)
        ctx.parts, patterns = list(_parts(visible, n_examples, n_heads)), []
        for parts in ctx.parts:
            examples = parts[0].examples
            queries, keys, values = (_by_head(each, examples) for each in (q, k, v))
            for part in parts:
                scores = queries[:, part.queries] @ keys[:, : part.n_keys].mT
                if part.hidden is not None:
                    by_example = scores.unflatten(0, (-1, n_heads))
                    by_example[..., part.n_seen :].masked_fill_(part.hidden, -torch.inf)
                pattern = scores.softmax(-1)
                z[examples, part.queries] = _from_heads(pattern @ values[:, : part.n_keys], n_heads)
                patterns.append(pattern)
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(q, k, v, *patterns)
        return z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        q, k, v, *patterns = ctx.saved_tensors
        n_heads, kept = q.shape[2], iter(patterns)
        to_q, to_k, to_v = (torch.empty_like(each, memory_format=torch.contiguous_format) for each in (q, k, v))
        for parts in ctx.parts:
            examples = parts[0].examples
            queries, keys, values, to_z = (_by_head(each, examples) for each in (q, k, v, upstream[0]))
            to_keys, to_values = torch.zeros_like(keys), torch.zeros_like(values)
            for part in parts:
                pattern, above, seen = next(kept), to_z[:, part.queries], slice(0, part.n_keys)
                to_values[:, seen].baddbmm_(pattern.mT, above)
                to_pattern = above @ values[:, seen].mT
                to_scores = torch.ops.aten._softmax_backward_data(to_pattern, pattern, -1, pattern.dtype)
                to_q[examples, part.queries] = _from_heads(to_scores @ keys[:, seen], n_heads)
                to_keys[:, seen].baddbmm_(to_scores.mT, queries[:, part.queries])
            to_k[examples], to_v[examples] = _from_heads(to_keys, n_heads), _from_heads(to_values, n_heads)
        return to_q, to_k, to_v, None


def blocked_attention(
    q: Float[Tensor, "n q h e"], k: Float[Tensor, "n k h e"], v: Float[Tensor, "n k h e"], visible: Visible
) -> Float[Tensor, "n q h e"]:
    """Return softmax(q·kᵀ)·v of every head, where each query sees the keys up to its last one.

    Args:
        q: scaled already.
        k: all keys.
        v: their values.
        visible: the last key that each query sees.
    """
    return _BlockedAttention.apply(q, k, v, visible)  # pyright: ignore[reportReturnType]
