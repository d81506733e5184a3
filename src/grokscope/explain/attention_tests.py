"""Causal tests on the last layer's attention and on the paths around it and around the neurons."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.attention import linear_softmax
from grokscope.analysis.last_layer import LastLayer
from grokscope.analysis.progress import accuracy, answer_losses
from grokscope.explain.claims import Claim, Control
from grokscope.explain.logit_tests import ACCURATE
from grokscope.randomness import stream


@dataclass(frozen=True)
class Ablation:
    """What is left of the network with one part replaced."""

    what: str
    loss: float
    accuracy: float


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
        Claim(
            "attention: linear",
            "The softmax can be replaced by a linear map of the scores",
            "share answered right with each head's attention replaced by its linear fit",
            accuracy(linear),
            ACCURATE,
            (Control("attention of other pairs", accuracy(layer.with_pattern(shuffled))),),
            f"loss {_loss(linear):.3g}",
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


def path_ablations(layer: LastLayer) -> list[Ablation]:
    """Return what remains without the last layer's parts, one at a time.

    The skips are the residual stream around the neurons, straight to the logits, and around the heads.

    Source: Nanda et al. (2023), section 4.4 and appendix.
    """
    found: list[tuple[str, Float[Tensor, "n n n"]]] = []
    if layer.resid_mid is not None and layer.post is not None:
        zero = torch.zeros_like(layer.resid_mid)
        mean = layer.resid_mid.mean(0, keepdim=True).expand_as(layer.resid_mid)
        found += [
            ("MLP skip set to zero", layer.read_out(zero, layer.post)),
            ("MLP skip set to its mean", layer.read_out(mean, layer.post)),
            ("neurons set to their mean", layer.with_post(layer.post.mean(0, keepdim=True).expand_as(layer.post))),
        ]
    if layer.pattern is not None and layer.resid_pre is not None and layer.scores is not None:
        out = layer.attn_out(layer.pattern)
        zero = torch.zeros_like(layer.resid_pre)
        found += [
            ("heads set to zero", layer.with_mid(layer.mid(layer.resid_pre, torch.zeros_like(out)))),
            ("attention skip set to zero", layer.with_mid(layer.mid(zero, out))),
            ("attention frozen at its mean", frozen_attention(layer)),
            ("linear map instead of softmax", layer.with_pattern(linear_softmax(layer.scores, layer.pattern))),
        ]
    return [Ablation(what, _loss(logits), accuracy(logits)) for what, logits in found]


def _loss(logits: Float[Tensor, "n n n"]) -> float:
    return float(answer_losses(logits).mean())
