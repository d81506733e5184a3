"""Tiny experiments on sequences, and weights for them that do their task."""

import torch

from grokscope.models import Transformer
from grokscope.models.transformer import Block
from grokscope.run import Experiment
from grokscope.tasks import SkipTrigramsTask

_SMALL = {"model.d_model": 16, "model.n_heads": 2, "model.d_head": 8, "model.d_mlp": 16, "stop.steps": 20}
_KEPT = {"evaluate_every": 5, "checkpoint_every": 10}
_SUMS = {"task.kind": "digit-addition", "task.n_digits": 1, "task.base": 5, "task.data.test_size": 8}
_TRIGRAMS = {
    "task.kind": "skip-trigrams",
    "task.length": 6,
    "task.data.kind": "infinite",
    "task.n_background": 3,
    "task.n_triggers": 4,
    "task.data.test_size": 64,
    "task.data.batch_size": 16,
    "model.attention_only": True,
    "model.biases": "none",
    "model.n_heads": 1,
}

SEQUENCES: dict[str, dict[str, object]] = {
    "sums": {**_SMALL, **_KEPT, **_SUMS, "task.data.kind": "finite", "task.data.train_size": 10},
    "trigrams": {**_SMALL, **_KEPT, **_TRIGRAMS},
}


def experiment(kind: str) -> Experiment:
    """Return the experiment of that name in :data:`SEQUENCES`."""
    return Experiment(name=f"tiny-{kind}").override(SEQUENCES[kind])


def write_trigrams(model: Transformer, task: SkipTrigramsTask) -> None:
    """Give ``model`` weights that attend to the trigger and say its answer; its width must hold both vocabularies."""
    v, n = task.d_vocab, task.d_vocab_out
    for weight in model.parameters():
        weight.zero_()
    block = model.blocks[0]
    assert isinstance(block, Block)
    model.embed.W_E[:, :v] = torch.eye(v)
    block.attn.W_Q[0, 1, 0] = 60.0
    for answer, token in enumerate(task.triggers):
        block.attn.W_K[0, token, 0] = 1
        block.attn.W_V[0, token, answer] = 1
        block.attn.W_O[0, answer, v + answer] = 1
    model.unembed.W_U[v:] = 10 * torch.eye(model.config.d_model - v, n)
