"""Transformers whose weights were written by hand, so that their circuits are known."""

import torch

from grokscope.models import Transformer, TransformerConfig
from grokscope.models.transformer import Block
from grokscope.randomness import init_generator
from grokscope.tasks import RepeatedSubsequencesTask, SkipTrigramsTask
from grokscope.tasks.sequences.skip_trigrams import QUERY

SHARP = 60.0
"""Attention scores so far apart leave nothing to chance."""


def _blank(task, *, d_model: int, d_head: int, n_layers: int) -> Transformer:
    config = TransformerConfig(
        n_layers=n_layers, d_model=d_model, n_heads=1, d_head=d_head, attention_only=True, biases="none"
    )
    sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
    model = Transformer(config, **sizes, generator=init_generator(0)).requires_grad_(False)
    for weight in model.parameters():
        weight.zero_()
    return model


def _attention(model: Transformer, layer: int):
    block = model.blocks[layer]
    assert isinstance(block, Block)
    return block.attn


def planted_trigrams(task: SkipTrigramsTask, *, exchanged: bool = False) -> Transformer:
    """Return a network that attends to the trigger and says its answer; ``exchanged``: the next one's answer."""
    n, v = task.d_vocab_out, task.d_vocab
    model = _blank(task, d_model=v + n, d_head=max(n, 2), n_layers=1)
    attention = _attention(model, 0)
    model.embed.W_E[:, :v] = torch.eye(v)
    attention.W_Q[0, QUERY, 0] = SHARP
    for answer, token in enumerate(task.triggers):
        attention.W_K[0, token, 0] = 1
        attention.W_V[0, token, answer] = 1
        attention.W_O[0, answer, v + (answer + exchanged) % n] = 1
    model.unembed.W_U[v:] = 10 * torch.eye(n)
    return model


def planted_induction(task: RepeatedSubsequencesTask, *, keys_read: str = "previous") -> Transformer:
    """Return a network with a previous-token head and an induction head that reads it.

    ``keys_read``: ``previous`` is induction; ``present`` makes the second head attend to the same token instead.
    """
    v, n_ctx = task.d_vocab, task.n_ctx
    present, previous, place, out = (
        slice(0, v),
        slice(v, 2 * v),
        slice(2 * v, 2 * v + n_ctx),
        slice(2 * v + n_ctx, None),
    )
    d_head = max(v, n_ctx)
    model = _blank(task, d_model=3 * v + n_ctx, d_head=d_head, n_layers=2)
    model.embed.W_E[:, present] = torch.eye(v)
    model.pos_embed.W_pos[:, place] = torch.eye(n_ctx)
    first, second = _attention(model, 0), _attention(model, 1)
    first.W_Q[0, place, :n_ctx] = SHARP * torch.eye(n_ctx)
    first.W_K[0, place, :n_ctx] = torch.eye(n_ctx).roll(1, 1)  # the key of place t − 1 is what the query of t asks for
    first.W_V[0, present, :v] = torch.eye(v)
    first.W_O[0, :v, previous] = torch.eye(v)
    second.W_Q[0, present, :v] = SHARP * torch.eye(v)
    second.W_K[0, previous if keys_read == "previous" else present, :v] = torch.eye(v)
    second.W_V[0, present, :v] = torch.eye(v)
    second.W_O[0, :v, out] = torch.eye(v)
    model.unembed.W_U[out] = 10 * torch.eye(v)
    return model
