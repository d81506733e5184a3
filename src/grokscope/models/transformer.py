"""The transformer: a textbook forward pass to watch, and a fast one to train."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from grokscope.models import shared_work
from grokscope.models.config import TransformerConfig
from grokscope.models.dropout import Noise, drop
from grokscope.models.folding import folded_logits, folding_pays
from grokscope.models.hooks import Tap, shown_as, unseen, untouched
from grokscope.models.initialization import Draw
from grokscope.models.layers import Attention, Embed, LayerNorm, MLPLayer, PosEmbed, Unembed
from grokscope.models.network import Network
from grokscope.models.shared_work import Plan
from grokscope.models.stack_axis import affine, along, take_rows, times_matrix


class Block(nn.Module):
    """One layer: attention, then (unless attention-only) an MLP, each added to the residual stream."""

    def __init__(self, config: TransformerConfig, draw: Draw) -> None:
        super().__init__()
        self.ln1 = LayerNorm(config.d_model, draw) if config.layer_norm else None
        self.attn = Attention(config, draw)
        self.ln2 = LayerNorm(config.d_model, draw) if config.layer_norm and not config.attention_only else None
        self.mlp = None if config.attention_only else MLPLayer(config, draw)
        self.residual_scale = config.residual_scale

    def forward(
        self, x: Float[Tensor, "*stack b k d"], tap: Tap, name: str, positions: Sequence[int] | None = None
    ) -> Float[Tensor, "*stack b q d"]:
        """Return the residual stream after this layer, at ``positions`` (all of them if None)."""
        x = tap(f"{name}.hook_resid_pre", x)
        normal = x if self.ln1 is None else self.ln1(x, tap, f"{name}.ln1")
        attn_out = tap(f"{name}.hook_attn_out", self.attn(normal, tap, f"{name}.attn", positions))
        x = self.residual_scale * (x if positions is None else x[..., list(positions), :]) + attn_out
        if self.mlp is not None:
            x = tap(f"{name}.hook_resid_mid", x)
            normal = x if self.ln2 is None else self.ln2(x, tap, f"{name}.ln2")
            x = x + tap(f"{name}.hook_mlp_out", self.mlp(normal, tap, f"{name}.mlp"))
        return tap(f"{name}.hook_resid_post", x)


class Transformer(Network[TransformerConfig]):
    """A decoder-only transformer with learned positions and, by default, no LayerNorm.

    Args:
        config: widths, layers and options.
        d_vocab: number of input tokens.
        d_vocab_out: number of logits.
        n_ctx: length of a sequence.
        generator: draws the initial weights (:mod:`grokscope.models.initialization`).
        dtype: of the weights; initial weights are drawn as float32 whatever it is.

    Example:
        >>> model = Transformer(TransformerConfig(), d_vocab=114, d_vocab_out=114, n_ctx=3, generator=init_generator(0))
        >>> model(tokens, positions=[2]).shape  # [example, 1, 114]
    """

    def __init__(
        self,
        config: TransformerConfig,
        *,
        d_vocab: int,
        d_vocab_out: int,
        n_ctx: int,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(config, d_vocab=d_vocab, d_vocab_out=d_vocab_out, n_ctx=n_ctx)
        draw = Draw(generator, dtype, config.init_scale)
        self.embed = Embed(d_vocab, config.d_model, draw)
        self.pos_embed = PosEmbed(n_ctx, config.d_model, draw)
        self.blocks = nn.ModuleList(Block(config, draw) for _ in range(config.n_layers))
        self.ln_final = LayerNorm(config.d_model, draw) if config.layer_norm else None
        tied = self.embed.W_E if config.tied_embeddings else None
        self.unembed = Unembed(config.d_model, d_vocab_out, draw, biased=config.biases == "all", tied=tied)

    @property
    def W_U(self) -> Float[Tensor, "*stack d_model d_vocab_out"]:
        """The unembedding matrix."""
        return self.unembed.weight(self.embed)

    def forward(
        self, tokens: Int[Tensor, "*given b k"], positions: Sequence[int] | None = None, *, tap: Tap = untouched
    ) -> Float[Tensor, "*stack b q v"]:
        """Return the logits by the textbook pass; see :meth:`Network.forward`."""
        tokens, tap = self.check(tokens, positions or ()), self._through_hooks(tap)
        x = tap("hook_embed", self.embed(tokens)) + tap("hook_pos_embed", self.pos_embed(tokens))
        for layer, block in enumerate(self.blocks):
            last = layer == len(self.blocks) - 1
            x = block(x, tap, f"blocks.{layer}", positions if last else None)
        if self.ln_final is not None:
            x = self.ln_final(x, tap, "ln_final")
        logits = times_matrix(x, self.W_U)
        return logits if self.unembed.b_U is None else logits + along(self.unembed.b_U, logits, own=1)

    def plan(self, tokens: Int[Tensor, "*given example n_ctx"], positions: Sequence[int]) -> Plan:
        """Return the work that ``tokens`` share when logits are wanted at ``positions``."""
        tokens = self.check(tokens, positions)
        config = self.config
        return Plan.of(tokens, positions, self.d_vocab, config.n_layers, causal=config.causal)

    def shown_fast(self, plan: Plan) -> frozenset[str]:
        """Return the names of the last layer's neurons and, in a network of one layer, its pattern."""
        last, names = f"blocks.{self.config.n_layers - 1}", set()
        if not self.config.attention_only:
            names.add(f"{last}.mlp.hook_post")
        if self.config.n_layers == 1 and plan.score_index is not None:
            names.add(f"{last}.attn.hook_pattern")
        return frozenset(names)

    def forward_fast(
        self, plan: Plan, *, noise: Noise | None = None, tap: Tap = untouched
    ) -> Float[Tensor, "*stack example n_targets d_vocab_out"]:
        """Return the logits at the planned positions; see :mod:`grokscope.models.shared_work`."""
        self._without_hooks()
        batch, rate = plan.keys.index.shape[:-1], self.config.dropout  # batch: [*stack, b]
        key_rows = self._rows(plan.keys)
        query_rows = key_rows if plan.queries is plan.keys else self._rows(plan.queries)
        scored = torch.as_tensor(plan.positions, device=key_rows.device)
        x = None  # [*stack, b, k, d]; before the first layer it exists only as rows
        for layer, module in enumerate(self.blocks):
            assert isinstance(module, Block)
            block, ln1 = module, module.ln1 or _Same()
            last = layer == self.config.n_layers - 1
            hidden = plan.hidden(plan.positions if last else range(plan.n_keys))
            show_pattern = show_post = unseen
            if last:
                show_pattern = shown_as(tap, f"blocks.{layer}.attn.hook_pattern")
                show_post = shown_as(tap, f"blocks.{layer}.mlp.hook_post", (*batch, len(plan.positions)))
            if x is None:
                rows = ln1.fast(key_rows), ln1.fast(query_rows)
                z = shared_work.first_attention(block.attn, *rows, plan, hidden, show_pattern)
                if last and self._folds(block, plan, noise):
                    row, b_U = block.residual_scale * query_rows, self.unembed.b_U
                    flat = z.flatten(-3, -2)
                    logits = folded_logits(block.attn, block.mlp, flat, row, self.W_U, b_U, show_post)
                    return logits.view(*batch, -1, self.d_vocab_out)
                x_query = take_rows(query_rows, plan.queries.index)
            else:
                chosen = x.index_select(-2, scored) if last else x
                z = shared_work.later_attention(block.attn, ln1.fast(x), ln1.fast(chosen), hidden)
                x_query = chosen.flatten(-3, -2)
            attn_out = drop(shared_work.attention_output(block.attn, z.flatten(-3, -2)), rate, noise)
            x_query = x_query + attn_out if block.residual_scale == 1 else block.residual_scale * x_query + attn_out
            if block.mlp is not None:
                normal = x_query if block.ln2 is None else block.ln2.fast(x_query)
                x_query = x_query + drop(shared_work.mlp_output(block.mlp, normal, show_post), rate, noise)
            x = x_query.view(*batch, -1, self.config.d_model)
        assert x is not None
        flat = x.flatten(-3, -2)
        flat = flat if self.ln_final is None else self.ln_final.fast(flat)
        return affine(flat, self.W_U, self.unembed.b_U).view(*batch, -1, self.d_vocab_out)

    def _folds(self, block: Block, plan: Plan, noise: Noise | None) -> bool:
        between = self.config.layer_norm or (noise is not None and self.config.dropout > 0)
        return not between and plan.queries.n_rows == 1 and folding_pays(block.attn, block.mlp, self.d_vocab_out)

    def _rows(self, distinct: shared_work.DistinctRows) -> Float[Tensor, "*stack r d"]:
        embedded = self.embed.W_E.index_select(-2, distinct.tokens)
        return embedded + self.pos_embed.W_pos.index_select(-2, distinct.positions)


class _Same:
    def fast(self, x: Tensor) -> Tensor:
        return x
