"""The discrete Fourier basis over residues modulo p, and transforms into it."""

import math
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.analysis.precision import widened

LARGEST_PRODUCT = 256
"""Up to so many residues, the product with the Fourier basis is faster than the fast transform, which has to go a long
way round where p is a prime."""


def n_frequencies(p: int) -> int:
    """Return how many nonzero frequencies functions of a residue mod p have: 1 … p // 2 (p/2 itself for even p)."""
    return p // 2


def fourier_basis(p: int, *, dtype: torch.dtype = torch.float64) -> Float[Tensor, "p p"]:
    """Return the real orthonormal Fourier basis F of functions on the residues mod p.

    Row 0 is constant, 1/√p. Rows 2k−1 and 2k are √(2/p)·cos(2πkx/p) and √(2/p)·sin(2πkx/p) for
    k = 1 … (p−1)//2. For even p there is one row more, (−1)^x/√p, whose frequency is p/2.

    Source: Nanda et al. (2023), appendix C; reference definitions for even p.
    """
    x = torch.arange(p, dtype=torch.float64)
    rows = [torch.full((p,), 1 / math.sqrt(p), dtype=torch.float64)]
    for k in range(1, (p - 1) // 2 + 1):
        angle = 2 * math.pi / p * ((k * x) % p)  # reduced first: the argument keeps its precision
        rows += [torch.cos(angle) * math.sqrt(2 / p), torch.sin(angle) * math.sqrt(2 / p)]
    if p % 2 == 0:
        rows.append((1 - 2 * (x % 2)) / math.sqrt(p))
    return torch.stack(rows).to(dtype)


@lru_cache(maxsize=8)
def _known_basis(p: int) -> Float[Tensor, "p p"]:
    return fourier_basis(p)


def row_frequencies(p: int) -> Int[Tensor, " p"]:
    """Return the frequency of each row of :func:`fourier_basis`, which is 0, 1, 1, 2, 2 and so on."""
    return (torch.arange(p) + 1) // 2


def frequency_rows(p: int, k: int) -> list[int]:
    """Return the rows of :func:`fourier_basis` that have frequency ``k`` ≥ 1: its cos and sin, or one for p/2."""
    return [2 * k - 1] if 2 * k == p else [2 * k - 1, 2 * k]


def transform(values: Float[Tensor, "p *rest"]) -> Float[Tensor, "p *rest"]:
    """Return the coefficients of ``values`` in the rows of :func:`fourier_basis`, over their first axis.

    Parseval holds: the sum of squares stays the same. Above :data:`LARGEST_PRODUCT` done by a fast transform, in
    O(p log p).
    """
    values, p = widened(values), values.shape[0]
    if p <= LARGEST_PRODUCT:
        basis = _known_basis(p).to(values.device, values.dtype)
        return (basis @ values.reshape(p, -1)).view_as(values) if values.ndim > 2 else basis @ values
    waves = torch.fft.rfft(values, dim=0) / math.sqrt(p)
    result = torch.empty_like(values)
    result[0] = waves[0].real
    n_pairs = (p - 1) // 2
    result[1 : 2 * n_pairs : 2] = math.sqrt(2) * waves[1 : n_pairs + 1].real
    result[2 : 2 * n_pairs + 1 : 2] = -math.sqrt(2) * waves[1 : n_pairs + 1].imag
    if p % 2 == 0:
        result[-1] = waves[-1].real
    return result


def transform_2d(values: Float[Tensor, "p p *rest"]) -> Float[Tensor, "p p *rest"]:
    """Return G[f, g] = Σ_ab values[a, b] F[f, a] F[g, b], over the first two axes."""
    return transform(transform(values).transpose(0, 1)).transpose(0, 1)


def frequency_norms(values: Float[Tensor, "p *rest"]) -> Float[Tensor, " n_frequencies"]:
    """Return how strong each frequency 1 … p//2 is in ``values``: the norm of its cos and sin coefficients together.

    Shape ``[p // 2]``; entry k−1 belongs to frequency k. Random weights give a flat profile.
    """
    power = transform(values).reshape(values.shape[0], -1).square().sum(1)
    result = power.new_zeros(n_frequencies(values.shape[0]) + 1)
    result.index_add_(0, row_frequencies(values.shape[0]).to(values.device), power)
    return result[1:].sqrt()
