"""What is left of a network with one of its parts replaced: numbers beside the claims, as the paper gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.modular.attention_fits import linear_softmax
from grokscope.analysis.modular.last_layer import LastLayer
from grokscope.analysis.modular.neuron_fits import keep_block, keep_blocks
from grokscope.analysis.modular.neurons import CLUSTER_SHARE, NeuronFrequencies
from grokscope.analysis.modular.progress_measures import accuracy, mean_loss
from grokscope.analysis.modular.sum_directions import project_on_sums, sum_index
from grokscope.explanation.modular.attention_claims import frozen_attention

Replaced = list[tuple[str, str, Float[Tensor, "n n n"]]]
"""Ids, what was replaced in words, and the logits then."""


class AblationId(StrEnum):
    """The ids of the interventions."""

    KEY_BLOCKS = "key-blocks"
    POLYNOMIALS = "polynomials"
    WITHOUT_FREQUENCY = "without-frequency"
    """One for each key frequency k: ``without-frequency-k``."""
    MLP_SKIP_ZERO = "mlp-skip-zero"
    MLP_SKIP_MEAN = "mlp-skip-mean"
    NEURONS_MEAN = "neurons-mean"
    HEADS_ZERO = "heads-zero"
    ATTENTION_SKIP_ZERO = "attention-skip-zero"
    ATTENTION_FROZEN = "attention-frozen"
    LINEAR_SOFTMAX = "linear-softmax"


@dataclass(frozen=True)
class Ablation:
    """What is left of the network with one part replaced."""

    id: str
    what: str
    """The intervention, in words."""
    loss: float
    accuracy: float


def ablations(layer: LastLayer, neurons: NeuronFrequencies | None, keys: Sequence[int]) -> list[Ablation]:
    """Return what remains of the network without, or with a replacement of, each of its parts in turn."""
    found = [*_of_circuit(layer, neurons, keys), *_of_paths(layer)]
    return [Ablation(id_, what, mean_loss(logits), accuracy(logits)) for id_, what, logits in found]


def _of_circuit(layer: LastLayer, neurons: NeuronFrequencies | None, keys: Sequence[int]) -> Replaced:
    """Return the logits with the circuit's parts kept, replaced or removed.

    Source: Nanda et al. (2023), sections 4.3 and 4.4.
    """
    blocks = keep_blocks(layer.logits.double(), keys)
    found: Replaced = [(AblationId.KEY_BLOCKS, "logits in the key frequencies' 3x3 blocks only", blocks)]
    if layer.post is None or neurons is None:
        return found
    n = layer.coordinates.n
    post = layer.post.unflatten(0, (n, n))
    clustered = neurons.share > CLUSTER_SHARE
    if clustered.any():
        replaced = torch.where(clustered, keep_block(post, neurons.frequency), post)
        logits = layer.with_post(replaced.flatten(0, 1))
        found.append((AblationId.POLYNOMIALS, "clustered neurons replaced by their polynomials", logits))
    for k in keys:
        without = post - project_on_sums(post, [k]).to(post.dtype)[sum_index(n)]
        id_, what = f"{AblationId.WITHOUT_FREQUENCY}-{k}", f"neurons without cos and sin of {k}"
        found.append((id_, what, layer.with_post(without.flatten(0, 1))))
    return found


def _of_paths(layer: LastLayer) -> Replaced:
    """Return the logits without the last layer's paths, one at a time.

    The skips are the residual stream around the neurons, straight to the logits, and around the heads.

    Source: Nanda et al. (2023), section 4.4 and appendix.
    """
    found: Replaced = []
    if layer.resid_mid is not None and layer.post is not None:
        zero = torch.zeros_like(layer.resid_mid)
        mean = layer.resid_mid.mean(0, keepdim=True).expand_as(layer.resid_mid)
        silent = layer.post.mean(0, keepdim=True).expand_as(layer.post)
        found += [
            (AblationId.MLP_SKIP_ZERO, "MLP skip set to zero", layer.read_out(zero, layer.post)),
            (AblationId.MLP_SKIP_MEAN, "MLP skip set to its mean", layer.read_out(mean, layer.post)),
            (AblationId.NEURONS_MEAN, "neurons set to their mean", layer.with_post(silent)),
        ]
    if layer.pattern is not None and layer.resid_pre is not None and layer.scores is not None:
        out = layer.attn_out(layer.pattern)
        zero = torch.zeros_like(layer.resid_pre)
        no_heads = layer.with_mid(layer.mid(layer.resid_pre, torch.zeros_like(out)))
        linear = layer.with_pattern(linear_softmax(layer.scores, layer.pattern))
        found += [
            (AblationId.HEADS_ZERO, "heads set to zero", no_heads),
            (AblationId.ATTENTION_SKIP_ZERO, "attention skip set to zero", layer.with_mid(layer.mid(zero, out))),
            (AblationId.ATTENTION_FROZEN, "attention frozen at its mean", frozen_attention(layer)),
            (AblationId.LINEAR_SOFTMAX, "linear map instead of softmax", linear),
        ]
    return found
