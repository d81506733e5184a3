"""Causal tests on the last layer's attention."""

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.modular.attention_fits import linear_softmax
from grokscope.analysis.modular.last_layer import LastLayer
from grokscope.analysis.modular.progress_measures import accuracy, mean_loss
from grokscope.explanation.claims import Claim, Control
from grokscope.explanation.modular.specs import ACCURATE, ATTENTION_LINEAR
from grokscope.randomness import stream


def attention_claims(layer: LastLayer, *, seed: int) -> list[Claim]:
    """Return the claim that attention is linear in its scores; none where attention does not vary with the inputs.

    The control gives every pair another pair's attention: the same values, but not where they belong.
    """
    if layer.pattern is None or layer.scores is None or not attention_varies(layer):
        return []
    linear = layer.with_pattern(linear_softmax(layer.scores, layer.pattern))
    generator = stream("control-attention", seed)
    shuffled = layer.pattern[torch.randperm(len(layer.pattern), generator=generator)]
    return [
        ATTENTION_LINEAR.tested(
            accuracy(linear),
            (Control("attention of other pairs", accuracy(layer.with_pattern(shuffled))),),
            f"loss {mean_loss(linear):.3g}",
        )
    ]


def attention_varies(layer: LastLayer) -> bool:
    """Return whether attention depends on the inputs so much that the network needs it.

    With every head's attention replaced by its mean, a network that needs it loses one pair in a hundred or more.
    """
    return accuracy(layer.logits) - accuracy(frozen_attention(layer)) >= 1 - ACCURATE


def frozen_attention(layer: LastLayer) -> Float[Tensor, "n n n"]:
    """Return the logits with every head's attention replaced by its mean over all inputs."""
    assert layer.pattern is not None
    return layer.with_pattern(layer.pattern.mean(0, keepdim=True).expand_as(layer.pattern))
