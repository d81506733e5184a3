"""How the network's weights write to the logits."""

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.precision import widened
from grokscope.models import MLP, Transformer


def neuron_logit_map(model: Transformer | MLP, p: int) -> Float[Tensor, "n_neurons p"] | None:
    """Return W_L = W_out · W_U, from the last layer's neurons straight to the p answers; None without an MLP.

    Orientation: the paper's W_L is the transpose (Nanda et al. 2023, section 4.2). With a final LayerNorm the map
    leaves out its gain and is then only a direction, not a scale.
    """
    unembed = widened(model.W_U[:, :p].detach())
    if isinstance(model, MLP):
        return unembed
    last = model.blocks[-1]
    weight = getattr(getattr(last, "mlp", None), "W_out", None)
    return None if not isinstance(weight, torch.Tensor) else widened(weight.detach()) @ unembed


def token_embedding(model: Transformer | MLP, p: int) -> Float[Tensor, "p d_model"]:
    """Return the embeddings of the p residues (an MLP's separate embeddings side by side)."""
    weight = widened(model.embed.W_E.detach())
    return weight[:p] if weight.ndim == 2 else weight[:, :p].transpose(0, 1).flatten(1)
