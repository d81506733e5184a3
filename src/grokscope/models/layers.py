"""The layers of a transformer, each written as in a textbook, with every activation shown to a tap.

Shape letters: b example, q query, k key, h head, e head width, d residual stream, m neuron, v vocabulary; stack: an
axis that stacked networks have before all others, and a single one has not (:mod:`grokscope.models.stack_axis`).
Names and orientations are TransformerLens's.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from grokscope.models.activations import activate
from grokscope.models.config import Activation, TransformerConfig
from grokscope.models.hooks import Tap
from grokscope.models.initialization import Draw
from grokscope.models.stack_axis import along, look_up, times_matrix


class Embed(nn.Module):
    """Token embedding."""

    def __init__(self, d_vocab: int, d_model: int, draw: Draw) -> None:
        super().__init__()
        self.W_E = nn.Parameter(draw.matrix(d_vocab, d_model, fan=d_model))

    def forward(self, tokens: Int[Tensor, "*stack b k"]) -> Float[Tensor, "*stack b k d"]:
        """Return each token's vector."""
        return look_up(self.W_E, tokens)


class PosEmbed(nn.Module):
    """Learned position embedding."""

    def __init__(self, n_ctx: int, d_model: int, draw: Draw) -> None:
        super().__init__()
        self.W_pos = nn.Parameter(draw(n_ctx, d_model, fan=d_model))

    def forward(self, tokens: Int[Tensor, "*stack b k"]) -> Float[Tensor, "*stack b k d"]:
        """Return each position's vector, once for every example."""
        vectors = self.W_pos[..., : tokens.shape[-1], :].unsqueeze(-3)
        # copied, not a view: a hook that writes to it must not reach the weights
        return vectors.expand(*tokens.shape, -1).clone(memory_format=torch.contiguous_format)


class LayerNorm(nn.Module):
    """Layer normalisation with gain and bias over the last axis (Ba et al. 2016)."""

    def __init__(self, d_model: int, draw: Draw) -> None:
        super().__init__()
        self.w = nn.Parameter(draw.ones(d_model))
        self.b = nn.Parameter(draw.zeros(d_model))

    def forward(self, x: Float[Tensor, "*stack_and_rows d"], tap: Tap, name: str) -> Float[Tensor, "*stack_and_rows d"]:
        """Return (x − mean) / scale · w + b."""
        x = x - x.mean(-1, keepdim=True)
        scale = tap(f"{name}.hook_scale", (x.square().mean(-1, keepdim=True) + 1e-5).sqrt())
        return tap(f"{name}.hook_normalized", x / scale * along(self.w, x, own=1) + along(self.b, x, own=1))

    def fast(self, x: Float[Tensor, "*stack_and_rows d"]) -> Float[Tensor, "*stack_and_rows d"]:
        """Return the same in one fused operation; of stacked networks, which have a gain each, in two."""
        if self.w.ndim == 1:
            return F.layer_norm(x, self.w.shape, self.w, self.b, eps=1e-5)
        normal = F.layer_norm(x, self.w.shape[-1:], eps=1e-5)
        return torch.addcmul(along(self.b, x, own=1), normal, along(self.w, x, own=1))


def mixed_with_constant(
    pattern: Float[Tensor, "*places"], coefficient: float, hidden: Bool[Tensor, "*#places"] | None
) -> Float[Tensor, "*places"]:
    """Return c·pattern + (1 − c) where a query sees the key, and 0 where it does not (``hidden``).

    The constant is not divided by the number of keys, so a query's entries sum to c + (1 − c)·n_keys.
    Source: Zhong et al. (2023), "The Clock and the Pizza", arXiv 2306.17844, and their code.
    """
    if coefficient == 1:
        return pattern
    mixed = coefficient * pattern + (1 - coefficient)
    return mixed if hidden is None else mixed.masked_fill(hidden, 0)


class Attention(nn.Module):
    """Multi-head attention; causal unless the configuration says otherwise."""

    def __init__(self, config: TransformerConfig, draw: Draw) -> None:
        super().__init__()
        h, d, e = config.n_heads, config.d_model, config.d_head
        self.causal, self.coefficient = config.causal, config.attention_coefficient
        fan = e if config.attention_init == "d_head" else d
        self.W_K = nn.Parameter(draw.heads_in(h, d, e, fan=fan))
        self.W_Q = nn.Parameter(draw.heads_in(h, d, e, fan=fan))
        self.W_V = nn.Parameter(draw.heads_in(h, d, e, fan=fan))
        self.W_O = nn.Parameter(draw.heads_out(h, e, d))
        biased = config.biases == "all"
        self.b_K = nn.Parameter(draw.zeros(h, e)) if biased else None
        self.b_Q = nn.Parameter(draw.zeros(h, e)) if biased else None
        self.b_V = nn.Parameter(draw.zeros(h, e)) if biased else None
        self.b_O = nn.Parameter(draw.zeros(d)) if biased else None

    def forward(
        self, x: Float[Tensor, "*stack b k d"], tap: Tap, name: str, positions: Sequence[int] | None = None
    ) -> Float[Tensor, "*stack b q d"]:
        """Return what all heads together add to the residual stream at ``positions`` (all of them if None)."""
        n_keys = x.shape[-2]
        at = range(n_keys) if positions is None else positions
        asking = x if positions is None else x[..., list(positions), :]
        q = tap(f"{name}.hook_q", _into_heads(asking, self.W_Q, self.b_Q))
        k = tap(f"{name}.hook_k", _into_heads(x, self.W_K, self.b_K))
        v = tap(f"{name}.hook_v", _into_heads(x, self.W_V, self.b_V))
        scores = torch.einsum("...bqhe,...bkhe->...bhqk", q, k) / self.W_Q.shape[-1] ** 0.5
        hidden = None
        if self.causal:
            hidden = torch.ones(n_keys, n_keys, dtype=torch.bool, device=x.device).triu(1)[list(at)]
            scores = scores.masked_fill(hidden, -torch.inf)
        scores = tap(f"{name}.hook_attn_scores", scores)
        pattern = mixed_with_constant(scores.softmax(dim=-1), self.coefficient, hidden)
        pattern = tap(f"{name}.hook_pattern", pattern)
        z = tap(f"{name}.hook_z", torch.einsum("...bhqk,...bkhe->...bqhe", pattern, v))
        return _with_bias(torch.einsum("...bqhe,...hed->...bqd", z, self.W_O), self.b_O)


class MLPLayer(nn.Module):
    """One hidden layer of neurons between two linear maps."""

    def __init__(self, config: TransformerConfig, draw: Draw) -> None:
        super().__init__()
        d, m = config.d_model, config.d_mlp
        self.activation: Activation = config.activation
        self.W_in = nn.Parameter(draw.matrix(d, m, fan=d))
        self.b_in = nn.Parameter(draw.zeros(m)) if config.biases != "none" else None
        self.W_out = nn.Parameter(draw.matrix(m, d, fan=d))
        self.b_out = nn.Parameter(draw.zeros(d)) if config.biases != "none" else None

    def forward(self, x: Float[Tensor, "*stack b q d"], tap: Tap, name: str) -> Float[Tensor, "*stack b q d"]:
        """Return what the neurons add to the residual stream."""
        pre = tap(f"{name}.hook_pre", _with_bias(times_matrix(x, self.W_in), self.b_in))
        post = tap(f"{name}.hook_post", activate(self.activation, pre))
        return _with_bias(times_matrix(post, self.W_out), self.b_out)


class Unembed(nn.Module):
    """Linear map to logits; tied to the embedding, it has no weights but its bias."""

    def __init__(self, d_model: int, d_vocab_out: int, draw: Draw, *, biased: bool, tied: Tensor | None) -> None:
        super().__init__()
        self._tied = tied is not None
        if tied is None:
            self.W_U = nn.Parameter(draw(d_model, d_vocab_out, fan=d_vocab_out))
        self.b_U = nn.Parameter(draw.zeros(d_vocab_out)) if biased else None
        self.d_vocab_out = d_vocab_out

    def weight(self, embed: Embed) -> Float[Tensor, "*stack d v"]:
        """Return W_U, which is the embedding's transpose where they are tied."""
        return embed.W_E[..., : self.d_vocab_out, :].mT if self._tied else self.W_U


def _into_heads(
    x: Float[Tensor, "*stack b k d"], weight: Float[Tensor, "*stack h d e"], bias: Float[Tensor, "*stack h e"] | None
) -> Float[Tensor, "*stack b k h e"]:
    value = torch.einsum("...bkd,...hde->...bkhe", x, weight)
    return value if bias is None else value + along(bias, value, own=2)


def _with_bias(value: Tensor, bias: Tensor | None) -> Tensor:
    return value if bias is None else value + along(bias, value, own=1)
