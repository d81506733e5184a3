"""Measures of weights: how sparse their spectra are, how large they are."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from grokscope.analysis.fourier import n_frequencies, row_frequencies, transform


def gini(values: Float[Tensor, " n"]) -> float:
    """Return the Gini coefficient of non-negative numbers: 0 where all are equal, near 1 where one has all.

    G = Σ_i (2i − n − 1) x_i / (n Σ x), x ascending. Of the norms of W_E's or W_L's Fourier components it rises as
    the network becomes sparse in the Fourier basis.

    Source: Nanda et al. (2023), section 5.1. Null value: 1/√(2πd) for d random columns, .035
    for 128.
    """
    ordered = values.double().sort().values
    n, total = len(ordered), float(ordered.sum())
    if total == 0:
        return 0.0
    rank = torch.arange(1, n + 1, dtype=torch.float64)
    return float(((2 * rank - n - 1) * ordered).sum() / (n * total))


def inverse_participation_ratio(values: Float[Tensor, "n m"]) -> Float[Tensor, " m"]:
    """Return how concentrated each column's power is on one frequency: Σ_k (power_k / Σ power)².

    1: one frequency only; 1/(number of frequencies): all alike.

    Source: Gromov (2023), arXiv 2301.02679, and Doshi et al. (2023). Null value for random weights: about
    2 / (number of frequencies).
    """
    n = values.shape[0]
    power = transform(values.double()).square()
    by_frequency = torch.zeros(n_frequencies(n) + 1, values.shape[1], dtype=torch.float64)
    by_frequency.index_add_(0, row_frequencies(n), power)
    shares = by_frequency[1:] / by_frequency[1:].sum(0).clamp_min(1e-300)
    return shares.square().sum(0)


def sums_of_squares(model: nn.Module) -> dict[str, float]:
    """Return the sum of squared weights of each parameter, by name; their sum is what weight decay pulls on.

    Source: Nanda et al. (2023), section 5.1.
    """
    return {name: float(weight.detach().double().square().sum()) for name, weight in model.named_parameters()}
