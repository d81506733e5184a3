"""Multilayer perceptrons on token embeddings."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from grokscope.errors import ConfigError
from grokscope.models.activations import activate, activate_in_place
from grokscope.models.config import MLPConfig
from grokscope.models.dropout import Noise, drop
from grokscope.models.hooks import Tap, untouched
from grokscope.models.initialization import Draw
from grokscope.models.network import Network
from grokscope.models.shared_work import DistinctRows
from grokscope.models.stack_axis import affine, along, look_up, take_rows


class TokenEmbedding(nn.Module):
    """One embedding for every position ``[d_vocab, d_model]``, or one for each ``[n_ctx, d_vocab, d_model]``."""

    def __init__(self, shape: tuple[int, ...], draw: Draw) -> None:
        super().__init__()
        self.W_E = nn.Parameter(draw(*shape, fan=shape[-1]))
        self._shared = len(shape) == 2

    def at(self, position: int) -> Float[Tensor, "*stack d_vocab d_model"]:
        """Return the embedding that position uses."""
        return self.W_E if self._shared else self.W_E[..., position, :, :]


class HiddenLayer(nn.Module):
    """A linear map into neurons."""

    def __init__(self, n_in: int, d_mlp: int, draw: Draw, *, biased: bool) -> None:
        super().__init__()
        self.W_in = nn.Parameter(draw.matrix(n_in, d_mlp, fan=n_in))
        self.b_in = nn.Parameter(draw.zeros(d_mlp)) if biased else None


class HiddenBlock(nn.Module):
    """A hidden layer under the name that a transformer's has, ``blocks.0.mlp``, so that one analysis serves both."""

    def __init__(self, layer: HiddenLayer) -> None:
        super().__init__()
        self.mlp = layer


class OutputLayer(nn.Module):
    """The linear map to logits; ``W_U`` is missing where it is tied to the embedding."""

    def __init__(self, d_mlp: int, d_vocab_out: int, draw: Draw, *, biased: bool, tied: bool) -> None:
        super().__init__()
        if not tied:
            self.W_U = nn.Parameter(draw.matrix(d_mlp, d_vocab_out, fan=d_mlp))
        self.b_U = nn.Parameter(draw.zeros(d_vocab_out)) if biased else None


class MLP(Network[MLPConfig]):
    """Hidden layers on the sum or the concatenation of the tokens' embeddings.

    Logits are given once for a sequence, whatever positions are asked for.

    Args:
        config: widths, layers and options.
        d_vocab: number of input tokens.
        d_vocab_out: number of logits.
        n_ctx: length of a sequence.
        generator: draws the initial weights: normal, over the root of each matrix's number of inputs.
        dtype: of the weights; initial weights are drawn as float32 whatever it is.
    """

    def __init__(
        self,
        config: MLPConfig,
        *,
        d_vocab: int,
        d_vocab_out: int,
        n_ctx: int,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(config, d_vocab=d_vocab, d_vocab_out=d_vocab_out, n_ctx=n_ctx)
        draw = Draw(generator, dtype, config.init_scale)
        one = (d_vocab, config.d_model)
        self.embed = TokenEmbedding(one if config.shared_embedding else (n_ctx, *one), draw)
        n_first = config.d_model * (n_ctx if config.combine == "concat" else 1)
        widths = [n_first] + [config.d_mlp] * (config.n_layers - 1)
        self.blocks = nn.ModuleList(
            HiddenBlock(HiddenLayer(n_in, config.d_mlp, draw, biased=config.biases != "none")) for n_in in widths
        )
        self.unembed = OutputLayer(
            config.d_mlp, d_vocab_out, draw, biased=config.biases == "all", tied=config.tied_embeddings
        )

    @property
    def W_U(self) -> Float[Tensor, "*stack d_mlp d_vocab_out"]:
        """The output matrix."""
        return self.embed.W_E[..., : self.d_vocab_out, :].mT if self.config.tied_embeddings else self.unembed.W_U

    def forward(
        self,
        tokens: Int[Tensor, "*given example n_ctx"],
        positions: Sequence[int] | None = None,
        *,
        tap: Tap = untouched,
    ) -> Float[Tensor, "*stack example 1 d_vocab_out"]:
        """Return the logits by the textbook pass; there is one answer, whatever ``positions`` says."""
        self._require_length(tokens)
        tokens, tap = self.check(tokens), self._through_hooks(tap)
        embedded = torch.stack(
            [look_up(self.embed.at(place), tokens[..., place]) for place in range(self.n_ctx)], dim=-2
        )
        embedded = tap("hook_embed", embedded)  # [*stack, example, n_ctx, d_model]
        x = embedded.flatten(-2) if self.config.combine == "concat" else embedded.sum(-2)
        for layer, hidden in enumerate(self._hidden()):
            pre = tap(f"blocks.{layer}.mlp.hook_pre", affine(x, hidden.W_in, hidden.b_in))
            x = tap(f"blocks.{layer}.mlp.hook_post", activate(self.config.activation, pre))
        return self._logits(x)

    def plan(self, tokens: Int[Tensor, "*given example n_ctx"], positions: Sequence[int]) -> list[DistinctRows]:
        """Return the distinct tokens at each position; there is one answer, whatever ``positions`` says.

        Raises:
            ConfigError: sequences are not of the network's length, or a token does not exist.
        """
        self._require_length(tokens)
        tokens = self.check(tokens)
        return [DistinctRows.of(tokens, [place], self.d_vocab) for place in range(self.n_ctx)]

    def shown_fast(self, plan: list[DistinctRows]) -> frozenset[str]:
        """Return the name of the last hidden layer's neurons."""
        return frozenset({f"blocks.{self.config.n_layers - 1}.mlp.hook_post"})

    def forward_fast(
        self, plan: list[DistinctRows], *, noise: Noise | None = None, tap: Tap = untouched
    ) -> Float[Tensor, "*stack example n_targets d_vocab_out"]:
        """Return the logits; each position's share of the first layer is computed once for each distinct token."""
        self._without_hooks()
        first, *later = self._hidden()
        d = self.config.d_model
        pre = None
        for place, rows in enumerate(plan):
            weight = first.W_in[..., place * d : (place + 1) * d, :] if self.config.combine == "concat" else first.W_in
            table = self.embed.at(place).index_select(-2, rows.tokens) @ weight
            if first.b_in is not None and place == 0:
                table = table + along(first.b_in, table, own=1)
            term = take_rows(table, rows.index)
            pre = term if pre is None else pre + term
        assert pre is not None
        post = activate_in_place(self.config.activation, pre)
        for hidden in later:
            x = drop(post, self.config.dropout, noise)
            post = activate_in_place(self.config.activation, affine(x, hidden.W_in, hidden.b_in))
        tap(f"blocks.{self.config.n_layers - 1}.mlp.hook_post", post)
        return self._logits(drop(post, self.config.dropout, noise))

    def _require_length(self, tokens: Tensor) -> None:
        if tokens.shape[-1] != self.n_ctx:
            raise ConfigError(f"this MLP takes sequences of {self.n_ctx} tokens, got {tokens.shape[-1]}")

    def _hidden(self) -> list[HiddenLayer]:
        return [block.mlp for block in self.blocks if isinstance(block, HiddenBlock)]

    def _logits(self, x: Float[Tensor, "*stack example d_mlp"]) -> Float[Tensor, "*stack example 1 d_vocab_out"]:
        logits = x @ self.W_U
        bias = self.unembed.b_U
        return (logits if bias is None else logits + along(bias, logits, own=1)).unsqueeze(-2)
