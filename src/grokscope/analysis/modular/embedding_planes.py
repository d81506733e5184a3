"""The planes of the embedding in which tokens lie on a circle, one for each frequency.

Shapes: p tokens, d the embedding's width, k frequencies.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.fourier import frequency_rows, transform
from grokscope.errors import ConfigError


def embedding_planes(embedding: Float[Tensor, "p d"], frequencies: Sequence[int]) -> Float[Tensor, "k 2 d"]:
    """Return for each frequency two orthonormal directions: where its cos stands in the embedding, and its sin.

    They are the rows cos k and sin k of the embedding's Fourier transform over tokens, made orthonormal, cos first
    (Nanda et al. 2023, section 4.1, for the transform).

    A network's embedding looks ordered in its own planes even if it is random, for they were chosen on it. So to watch
    it over training, take the planes of its last step: in them, other embeddings are clouds.

    Raises:
        ConfigError: a frequency does not exist, or it is p/2, which has a cos alone.
    """
    p = embedding.shape[0]
    for k in frequencies:
        if not 1 <= k < p / 2:
            raise ConfigError(f"there is no plane of frequency {k} modulo {p}; use 1 to {(p - 1) // 2}")
    waves = transform(embedding.double())
    if not frequencies:
        return waves.new_zeros(0, 2, embedding.shape[1])
    rows = torch.stack([waves[frequency_rows(p, k)] for k in frequencies])
    factors = torch.linalg.qr(rows.transpose(1, 2))
    # a factorisation leaves signs open: let the directions point the way of cos and sin
    signs = torch.where(factors.R.diagonal(dim1=1, dim2=2) < 0, -1.0, 1.0)
    return (factors.Q * signs.unsqueeze(1)).transpose(1, 2)


def project_tokens(embedding: Float[Tensor, "p d"], planes: Float[Tensor, "k 2 d"]) -> Float[Tensor, "k p 2"]:
    """Return where each token stands in each plane."""
    return torch.einsum("pd,kcd->kpc", embedding.double(), planes)
