"""What a network on skip trigrams looks for and what it says then, read off its weights.

Of a one-layer attention-only network without LayerNorm the whole computation is a sum over tokens: how much the query
attends to each (the QK circuit) times what it then adds to the logits (the OV circuit).
Source: Elhage et al. (2021), "A Mathematical Framework for Transformer Circuits".
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.analysis.precision import widened_network
from grokscope.display import brief_repr
from grokscope.models import Transformer
from grokscope.models.transformer import Block
from grokscope.tasks import SkipTrigramsTask
from grokscope.tasks.sequences.skip_trigrams import QUERY


@dataclass(frozen=True, eq=False)
class Readout:
    """The tables of a one-layer attention-only network, for the query at the last position."""

    scores: Float[Tensor, "h d_vocab"]
    """Attention score of each token, without its position's share."""
    outputs: Float[Tensor, "h d_vocab d_vocab_out"]
    """What attention to each token adds to the logits."""
    constant: Float[Tensor, " d_vocab_out"]
    """What the query's own residual stream adds to the logits."""

    __repr__ = brief_repr

    def logits(self, tokens: Int[Tensor, "b n_ctx"]) -> Float[Tensor, "b d_vocab_out"]:
        """Return the logits that the tables alone give: positions play no part."""
        attention = self.scores[:, tokens].softmax(2)  # [h, b, k]
        return self.constant + torch.einsum("hbk,hbkv->bv", attention, self.outputs[:, tokens])

    def above_noise(self, background: range) -> "Readout":
        """Return the same tables without what no prediction depends on: they give the same probabilities.

        That is each head's mean score of the ``background`` tokens, and the mean over the answers of what is said.
        """
        return Readout(
            self.scores - self.scores[:, list(background)].mean(1, keepdim=True),
            self.outputs - self.outputs.mean(2, keepdim=True),
            self.constant - self.constant.mean(),
        )


def is_readable(model: Transformer) -> bool:
    """Return whether the tables are the whole network: one layer, attention only, no LayerNorm, plain softmax."""
    config = model.config
    return (
        config.n_layers == 1 and config.attention_only and not config.layer_norm and config.attention_coefficient == 1
    )


@torch.no_grad()
def readout(model: Transformer, task: SkipTrigramsTask) -> Readout:
    """Return the QK and OV tables of a network that :func:`is_readable`."""
    model = widened_network(model)
    block = model.blocks[0]
    assert isinstance(block, Block)
    attention, embedded = block.attn, model.embed.W_E
    at_end = embedded[QUERY] + model.pos_embed.W_pos[task.n_ctx - 1]

    def projected(rows: Tensor, letter: str) -> Tensor:
        weight, bias = getattr(attention, f"W_{letter}"), getattr(attention, f"b_{letter}")
        found = torch.einsum("td,hde->hte", rows, weight)
        return found if bias is None else found + bias.unsqueeze(1)

    query = projected(at_end.unsqueeze(0), "Q").squeeze(1)
    scores = torch.einsum("he,hte->ht", query, projected(embedded, "K")) / attention.W_Q.shape[2] ** 0.5
    outputs = torch.einsum("hte,hed,dv->htv", projected(embedded, "V"), attention.W_O, model.W_U)
    constant = block.residual_scale * at_end @ model.W_U
    for bias in (None if attention.b_O is None else attention.b_O @ model.W_U, model.unembed.b_U):
        constant = constant if bias is None else constant + bias
    return Readout(scores, outputs, constant)


def looks_for(scores: Float[Tensor, "h d_vocab"], triggers: range, background: range) -> float:
    """Return the share of (trigger, background token) pairs of which the trigger has the higher score, best head's.

    1 where every trigger stands above all noise; 0.5 by chance.
    """
    above = scores[:, list(triggers)].unsqueeze(2) > scores[:, list(background)].unsqueeze(1)
    return float(above.float().mean(dim=(1, 2)).max())


def answers_with(outputs: Float[Tensor, "h d_vocab d_vocab_out"], triggers: range) -> float:
    """Return the share of triggers of which the heads together raise the right answer's logit most; 1/n by chance."""
    said = outputs.sum(0)[list(triggers)].argmax(1)
    return float((said == torch.arange(len(triggers))).float().mean())
