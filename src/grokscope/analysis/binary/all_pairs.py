"""A network's activations and logits on all n² pairs of a binary operation."""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grokscope.analysis.precision import widened_network
from grokscope.display import brief_repr
from grokscope.models import Network
from grokscope.models.hooks import Recorder
from grokscope.tasks import BinaryOperationTask

_CHUNK = 4096
"""Inputs in one pass; bounds memory at p = 997."""


@dataclass(frozen=True, eq=False)
class AllPairsTable:
    """What a network does on every pair (a, b), at the position where the answer is read."""

    logits: Float[Tensor, "n n n"]
    """Of the n answers; the published networks' extra logit for '=' is dropped, as in the paper."""
    activations: dict[str, Tensor]
    """By TransformerLens name. With a position axis of its own, an activation is taken at the answer's position
    (for patterns and scores: the answer's query; for keys and values, all): ``hook_post`` is ``[n, n, d_mlp]``,
    ``hook_pattern`` ``[n, n, n_heads, key]``."""

    __repr__ = brief_repr


@torch.no_grad()
def all_pairs_table(model: Network, task: BinaryOperationTask, names: Collection[str] = ()) -> AllPairsTable:
    """Return the logits, and the named activations, on all n² inputs.

    Args:
        model: the network.
        task: gives the inputs; example ``a·n + b`` is the pair (a, b).
        names: activations to keep.

    Raises:
        HookError: the network has no activation of that name.
    """
    model, n, position = widened_network(model), task.n, task.target_positions[-1]
    logits, activations = torch.empty(0), dict[str, Tensor]()
    for first in range(0, n * n, _CHUNK):
        rows = slice(first, first + _CHUNK)
        plan = model.plan(task.all_pairs.tokens[rows], [position])
        if set(names) <= model.shown_fast(plan):
            recorder = Recorder(names)
            chunk, cache = model.forward_fast(plan, tap=recorder), recorder.kept
        else:
            chunk, cache = model.run_with_cache(task.all_pairs.tokens[rows], set(names), [position])
        seen = {name: _at_answer(value, name, position) for name, value in cache.items()}
        if not first:  # only now are shapes known
            logits = chunk.new_empty(n * n, n)
            activations = {name: value.new_empty(n * n, *value.shape[1:]) for name, value in seen.items()}
        logits[rows] = chunk[:, -1, :n]
        for name, value in seen.items():
            activations[name][rows] = value
    return AllPairsTable(
        logits.unflatten(0, (n, n)), {name: value.unflatten(0, (n, n)) for name, value in activations.items()}
    )


def _at_answer(value: Tensor, name: str, position: int) -> Tensor:
    """Return the activation where the answer is read; of the last layer there may be nothing else."""
    if name.endswith(("hook_k", "hook_v")) or value.ndim == 2:  # read from every position; or without positions
        return value
    queries = 2 if name.endswith(("hook_pattern", "hook_attn_scores")) else 1  # [example, head, query, key]
    return value.select(queries, 0 if value.shape[queries] == 1 else position)


def train_mask(task: BinaryOperationTask) -> Bool[Tensor, "n n"] | None:
    """Return which pairs are trained on; None for infinite data."""
    if task.train is None:
        return None
    mask = torch.zeros(task.n, task.n, dtype=torch.bool)
    mask[task.train.tokens[:, 0], task.train.tokens[:, 1]] = True
    return mask
