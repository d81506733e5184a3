"""The forward pass that does work once which the textbook one repeats.

Two facts hold for every transformer:

1. *Only scored positions matter in the last layer.* Its queries, MLP and unembedding are computed there alone.
2. *In the first layer, keys, values and scores depend on (token, position) only.* They are computed once for
   each pair that occurs (227 of them in the mainline, against 11,490 rows), and looked up.

On the mainline, where a sequence is ``a b =`` and the answer is read at ``=``::

    textbook pass: 3,830 sequences × 3 positions       shared work
    embedding    a0 b0 =  a1 b1 =  a2 b2 =  …          113 + 113 + 1 distinct rows (token, position)
    keys,        one of each for every position        one of each for every row
      values
    queries      one for every position                one: "=" is the same row in every sequence
    scores       q · k, for every sequence             a table [query row, key row], looked up by index_select
    pattern      softmax over keys                     softmax over the looked-up scores, at "=" only
    z, W_O       at 3 positions                        at "=" only; values looked up by index_select, as differences
                                                       from the value of "=", which all sequences share
    MLP, W_U     at 3 positions                        at "=" only
    later layers keys and values at every position, in both; the last one's queries, MLP and W_U at "=" only

On the mainline this removes nine tenths of the arithmetic; what is left is the MLP's matrix products, of which
:mod:`grokscope.models.folding` saves a sixth where nothing but addition lies between them.
Lookups are ``index_select``, whose backward is far cheaper than that of advanced indexing.
Values and gradients equal the textbook pass up to rounding; a test holds them together.

Shape letters as in :mod:`grokscope.models.layers`, and r, s: rows, one for each distinct (token, position); stacked
networks share the pairs (all that occur in the data of any of them), and each has its own rows of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.display import brief_repr
from grokscope.models.activations import activate_in_place
from grokscope.models.hooks import Show, unseen
from grokscope.models.layers import Attention, MLPLayer, mixed_with_constant
from grokscope.models.rectified import rectified
from grokscope.models.stack_axis import affine, row_offsets, take_rows

MANY_KEYS = 8
"""Up to so many keys, summing their values one after the other is faster than one product over all of them.

Compare by ``python benchmarks/step.py`` with another value, on recipes of short and of long sequences."""


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """The distinct (token, position) pairs at some positions of a batch, and where each occurs."""

    tokens: Int[Tensor, " r"]
    positions: Int[Tensor, " r"]
    index: Int[Tensor, "*stack b k"]
    """The row of each place in the batch, counted through the rows of all stacked networks."""

    __repr__ = brief_repr

    @classmethod
    def of(cls, tokens: Int[Tensor, "*stack b n_ctx"], positions: Sequence[int], d_vocab: int) -> "DistinctRows":
        """Return the pairs of ``tokens`` at ``positions``."""
        places = torch.as_tensor(list(positions), device=tokens.device)
        keys = tokens.index_select(-1, places) + d_vocab * places
        # a table of all possible pairs, not unique(): no sort, and cheap enough for a batch drawn for one step
        present = torch.zeros(d_vocab * tokens.shape[-1], dtype=torch.bool, device=tokens.device)
        present[keys.flatten()] = True
        row_of = present.cumsum(0) - 1
        distinct = present.nonzero().squeeze(1)
        rows = row_of[keys]
        return cls(distinct % d_vocab, distinct // d_vocab, rows + row_offsets(rows, len(distinct)))

    @property
    def n_rows(self) -> int:
        """How many distinct pairs there are."""
        return self.tokens.shape[0]


@dataclass(frozen=True, eq=False)
class Plan:
    """What one batch of sequences shares; build it once for data that are used again."""

    positions: tuple[int, ...]
    """Where logits are wanted."""
    n_keys: int
    """How many leading positions can be seen from there."""
    keys: DistinctRows
    """The rows of the first layer, at all positions that can be seen."""
    queries: DistinctRows
    """The rows of the first layer's queries: the same, or those at scored positions if it is also the last layer."""
    score_index: Int[Tensor, " stack_b_q_k"] | None
    """Each score's place in the table of all (query row, key row) pairs; None where that table would be the larger."""
    common_key: tuple[int, int] | None
    """Place and row of a key that is the same in every sequence, as "=" is; None without one, or with many keys."""
    causal: bool
    """Whether queries see no later keys."""

    __repr__ = brief_repr

    @classmethod
    def of(
        cls,
        tokens: Int[Tensor, "*stack b n_ctx"],
        positions: Sequence[int],
        d_vocab: int,
        n_layers: int,
        *,
        causal: bool,
    ) -> "Plan":
        """Return the plan for logits at ``positions`` of a network with ``n_layers``."""
        positions = tuple(positions)
        n_keys = max(positions) + 1 if causal else tokens.shape[-1]
        keys = DistinctRows.of(tokens, range(n_keys), d_vocab)
        queries = DistinctRows.of(tokens, positions, d_vocab) if n_layers == 1 else keys
        score_index = None
        n_scores = queries.index.shape[-2:].numel() * n_keys
        if queries.n_rows * keys.n_rows <= n_scores:
            key_row = keys.index - row_offsets(keys.index, keys.n_rows)  # within a row of one table of scores
            score_index = (queries.index.unsqueeze(-1) * keys.n_rows + key_row.unsqueeze(-2)).flatten()
        return cls(positions, n_keys, keys, queries, score_index, _common_key(keys), causal)

    def hidden(self, query_positions: Sequence[int]) -> Bool[Tensor, "q k"] | None:
        """Return which keys each query must not see (they come later), or None where every query sees all."""
        if not self.causal or all(position == self.n_keys - 1 for position in query_positions):
            return None
        at = torch.as_tensor(list(query_positions), device=self.keys.index.device)
        return torch.arange(self.n_keys, device=at.device) > at.unsqueeze(1)


def _common_key(keys: DistinctRows) -> tuple[int, int] | None:
    n_keys = keys.index.shape[-1]
    rows = (keys.index - row_offsets(keys.index, keys.n_rows)).view(-1, n_keys)
    if n_keys > MANY_KEYS or not len(rows):
        return None
    places = (rows == rows[0]).all(0).nonzero().flatten().tolist()
    return (places[0], int(rows[0, places[0]])) if places else None


def _project(
    rows: Float[Tensor, "*stack r d"], weight: Float[Tensor, "*stack h d e"], bias: Float[Tensor, "*stack h e"] | None
) -> Float[Tensor, "*stack r he"]:
    joined = weight.transpose(-3, -2).flatten(-2)
    return affine(rows, joined, None if bias is None else bias.flatten(-2))


def first_attention(
    attention: Attention,
    key_rows: Float[Tensor, "*stack r d"],
    query_rows: Float[Tensor, "*stack s d"],
    plan: Plan,
    hidden: Tensor | None,
    show: Show = unseen,
) -> Float[Tensor, "*stack b q he"]:
    """Return z of the first layer, from the rows of distinct (token, position) pairs.

    ``show`` is given the pattern ``[*stack, b, h, q, k]``, where there is a table of scores.
    """
    h, e = attention.W_Q.shape[-3], attention.W_Q.shape[-1]
    *batch, n_queries = plan.queries.index.shape  # batch: [*stack, b]
    n_keys = plan.n_keys
    k = _project(key_rows, attention.W_K, attention.b_K).unflatten(-1, (h, e))
    v = _project(key_rows, attention.W_V, attention.b_V)
    q = _project(query_rows, attention.W_Q, attention.b_Q).unflatten(-1, (h, e)) / e**0.5
    if plan.score_index is None:
        q, k, v = (
            take_rows(rows, index).view(*batch, -1, h, e).transpose(-3, -2)
            for rows, index in (
                (q.flatten(-2), plan.queries.index),
                (k.flatten(-2), plan.keys.index),
                (v, plan.keys.index),
            )
        )
        return _attend(attention, q, k, v, hidden)
    table = torch.einsum("...she,...rhe->...srh", q, k)
    scores = table.reshape(-1, h).index_select(0, plan.score_index).view(*batch, n_queries, n_keys, h)
    if hidden is not None:
        hidden = hidden.unsqueeze(-1)
        scores = scores.masked_fill(hidden, -torch.inf)
    pattern = mixed_with_constant(scores.softmax(dim=-2), attention.coefficient, hidden)
    show(pattern.movedim(-1, -3))
    if n_keys > MANY_KEYS:
        values = take_rows(v, plan.keys.index).view(*batch, n_keys, h, e)
        return torch.einsum("...bqkh,...bkhe->...bqhe", pattern, values).flatten(-2)
    z, places = None, list(range(n_keys))
    if plan.common_key is not None and attention.coefficient == 1:
        # a pattern sums to 1: the value that all sequences share, and each other value's difference from it
        place, row = plan.common_key
        common = v.narrow(-2, row, 1)
        places.remove(place)
        v, z = v - common, common.unflatten(-1, (h, e)).unsqueeze(-3)
    for place in places:  # never all keys' values at once: that tensor would be the largest of the layer
        values = take_rows(v, plan.keys.index[..., place]).view(*batch, 1, h, e)
        weights = pattern[..., place, :, None]
        z = weights * values if z is None else torch.addcmul(z, weights, values)
    assert z is not None
    return z.expand(*batch, n_queries, h, e).flatten(-2)


def later_attention(
    attention: Attention,
    x: Float[Tensor, "*stack b k d"],
    x_query: Float[Tensor, "*stack b q d"],
    hidden: Tensor | None,
) -> Float[Tensor, "*stack b q he"]:
    """Return z of a layer whose inputs all differ, for the queries that matter."""
    q = _heads(x_query, attention.W_Q, attention.b_Q) / attention.W_Q.shape[-1] ** 0.5
    k = _heads(x, attention.W_K, attention.b_K)
    v = _heads(x, attention.W_V, attention.b_V)
    return _attend(attention, q, k, v, hidden)


def _heads(
    rows: Float[Tensor, "*stack b k d"], weight: Float[Tensor, "*stack h d e"], bias: Float[Tensor, "*stack h e"] | None
) -> Float[Tensor, "*stack b h k e"]:
    flat = _project(rows.flatten(-3, -2), weight, bias)
    return flat.view(*rows.shape[:-1], weight.shape[-3], weight.shape[-1]).transpose(-3, -2)


def _attend(
    attention: Attention,
    q: Float[Tensor, "*stack b h q e"],
    k: Float[Tensor, "*stack b h k e"],
    v: Float[Tensor, "*stack b h k e"],
    hidden: Bool[Tensor, "q k"] | None,
) -> Float[Tensor, "*stack b q he"]:
    if attention.coefficient == 1:  # fused: the scores, by far the largest tensors of a long sequence, are never kept
        seen = None if hidden is None else ~hidden
        rows = (each.flatten(0, -4) for each in (q, k, v))  # fused for four axes only
        z = F.scaled_dot_product_attention(*rows, attn_mask=seen, scale=1.0).view(q.shape)
        return z.transpose(-3, -2).flatten(-2)
    scores = q @ k.mT
    if hidden is not None:
        scores = scores.masked_fill(hidden, -torch.inf)
    pattern = mixed_with_constant(scores.softmax(dim=-1), attention.coefficient, hidden)
    return (pattern @ v).transpose(-3, -2).flatten(-2)


def attention_output(attention: Attention, z: Float[Tensor, "*stack rows he"]) -> Float[Tensor, "*stack rows d"]:
    """Return what the heads add to the residual stream."""
    return affine(z, attention.W_O.flatten(-3, -2), attention.b_O)


def mlp_output(mlp: MLPLayer, x: Float[Tensor, "*stack rows d"], show: Show = unseen) -> Float[Tensor, "*stack rows d"]:
    """Return what the neurons add to the residual stream; ``show`` is given the neurons."""
    if mlp.activation == "relu" and x.ndim == 2 and show is unseen:
        return rectified(x, mlp.W_in, mlp.b_in, mlp.W_out, mlp.b_out)
    post = activate_in_place(mlp.activation, affine(x, mlp.W_in, mlp.b_in))
    show(post)
    return affine(post, mlp.W_out, mlp.b_out)
