"""Functions of the sum i + j: the directions cos(w_k(i + j)) and sin(w_k(i + j)) that addition lives in."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor


def sum_index(n: int) -> Int[Tensor, "n n"]:
    """Return i + j mod n for every pair."""
    x = torch.arange(n)
    return (x[:, None] + x) % n


def over_sums(values: Float[Tensor, "n n *rest"]) -> Float[Tensor, "n *rest"]:
    """Return the mean of ``values[i, j]`` over the n pairs with each sum i + j mod n, in float64."""
    n, rest = values.shape[0], values.shape[2:]
    sums = torch.zeros(2 * n, *rest, dtype=torch.float64)
    for i, row in enumerate(values):  # row by row: without a copy of all in float64
        sums[i : i + n] += row
    return (sums[:n] + sums[n:]) / n


def keep_frequencies(values: Float[Tensor, "n *rest"], frequencies: Sequence[int]) -> Float[Tensor, "n *rest"]:
    """Return the part of ``values`` that has these frequencies along the first axis (0 is the mean)."""
    waves = torch.fft.rfft(values, dim=0)
    kept = torch.zeros_like(waves)
    for k in frequencies:
        kept[k] = waves[k]
    return torch.fft.irfft(kept, n=values.shape[0], dim=0)


def project_on_sums(values: Float[Tensor, "n n *rest"], frequencies: Sequence[int]) -> Float[Tensor, "n *rest"]:
    """Return the projection of ``values`` on cos(w_k(i + j)) and sin(w_k(i + j)), as a function of i + j.

    Directions, of unit norm over the n² inputs: cos = (F_c⊗F_c − F_s⊗F_s)/√2, sin = (F_s⊗F_c + F_c⊗F_s)/√2, with
    F_c, F_s the rows of the Fourier basis for k. Index the result with :func:`sum_index` to have it for every pair.

    Source: Nanda et al. (2023), section 4.2.
    """
    return keep_frequencies(over_sums(values), frequencies)


def random_frequencies(
    n: int, count: int, *, besides: Sequence[int], generator: torch.Generator
) -> tuple[int, ...] | None:
    """Return ``count`` frequencies other than ``besides``, at random; None where there are not so many."""
    others = [k for k in range(1, n // 2 + 1) if k not in set(besides)]
    if len(others) < count:
        return None
    return tuple(sorted(others[i] for i in torch.randperm(len(others), generator=generator)[:count].tolist()))


def wave(n: int, k: int, x: Int[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return cos(2πkx/n), with the argument reduced first so that it keeps its precision."""
    return torch.cos(2 * math.pi / n * ((k * x) % n).double())
