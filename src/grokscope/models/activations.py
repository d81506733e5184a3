"""The nonlinearities of MLP layers."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from grokscope.models.config import Activation


def activate(kind: Activation, pre: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return ReLU(x), exact GELU(x) or x² of every entry."""
    if kind == "relu":
        return F.relu(pre)
    return F.gelu(pre) if kind == "gelu" else pre.square()


def activate_in_place(kind: Activation, pre: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return the same as :func:`activate`, in the memory of ``pre`` where autograd allows it."""
    return F.relu_(pre) if kind == "relu" else activate(kind, pre)
