"""How the heads' attention depends on the inputs.

Shapes: n residues in coordinates, x examples, h heads, k keys.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.fourier import fourier_basis, frequency_rows


@dataclass(frozen=True)
class AttentionFit:
    """A head's attention to the first operand as a wave: 0.5 + α(cos wi − cos wj) + β(sin wi − sin wj)."""

    head: int
    frequency: int
    alpha: float
    beta: float
    fve: float
    """Share of the variance of the head's attention, as it divides between the two operands, that the fit has."""


def attention_fits(pattern: Float[Tensor, "n n h k"]) -> list[AttentionFit]:
    """Return the best one-frequency fit of each head's attention from where the answer is read to the first operand.

    What is fitted is the first operand's share of the attention that both operands get, a_i / (a_i + a_j): with '=' in
    the sequence the heads may look there too.

    Source: Nanda et al. (2023), section 4.3 (FVE 98–99 % on the mainline). Null value: about 8/n² for noise at
    n = 113, the best of 56 frequencies; attention that does not depend on its inputs has FVE 0.
    """
    n = pattern.shape[0]
    basis = fourier_basis(n)
    fits = []
    for head in range(pattern.shape[2]):
        first, second = pattern[:, :, head, 0].double(), pattern[:, :, head, 1].double()
        share = first / (first + second).clamp_min(1e-30)
        centred = share - 0.5
        total = float((share - share.mean()).square().sum())
        best = AttentionFit(head, 0, 0.0, 0.0, 0.0)
        if total > 1e-12 * n * n:
            along_i, along_j = centred.mean(1), centred.mean(0)
            for k in range(1, n // 2 + 1):
                rows = basis[frequency_rows(n, k)]
                waves = rows / rows[0, 0]  # [2, n]: cos and sin; [1, n] for k = n/2
                difference = waves @ (along_i - along_j) / waves.square().sum(1) / 2
                fitted = difference @ waves
                rest = float((centred - fitted[:, None] + fitted).square().sum())
                if 1 - rest / total > best.fve:
                    alpha, beta = (*difference.tolist(), 0.0)[:2]
                    best = AttentionFit(head, k, alpha, beta, 1 - rest / total)
        fits.append(best)
    return fits


def linear_softmax(scores: Float[Tensor, "x h k"], pattern: Float[Tensor, "x h k"]) -> Float[Tensor, "x h k"]:
    """Return the attention with the softmax replaced by the best linear map of the scores, head by head.

    Least squares of the pattern on the scores, over all inputs.

    Source: Nanda et al. (2023), section 4.3 and appendix, where it leaves the loss unharmed.
    """
    fitted = torch.empty_like(pattern)
    for head in range(scores.shape[1]):
        inputs = scores[:, head].double()
        design = torch.cat([torch.ones_like(inputs[:, :1]), inputs - inputs.mean(0)], dim=1)
        solution = torch.linalg.lstsq(design, pattern[:, head].double(), driver="gelsd").solution
        fitted[:, head] = (design @ solution).to(pattern.dtype)
    return fitted
