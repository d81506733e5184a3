"""What neurons compute: their polynomial in one frequency, and what the read-out takes from them.

Shapes: n residues in coordinates, m neurons, f frequencies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.analysis.fourier import fourier_basis, frequency_rows, transform, transform_2d
from grokscope.analysis.modular.sum_directions import sum_index, wave


def keep_block(activations: Float[Tensor, "n n m"], frequency: Int[Tensor, " m"]) -> Float[Tensor, "n n m"]:
    """Return every neuron's least-squares fit by the degree-2 polynomials of one frequency.

    The fit spans {const, cos w_k i, sin w_k i} × {const, cos w_k j, sin w_k j}: nine terms, the neuron's own frequency
    k each. A neuron with frequency 0 becomes its mean.

    Source: Nanda et al. (2023), section 4.3. Null value: a random frequency leaves little but the mean.
    """
    n = activations.shape[0]
    basis = fourier_basis(n, dtype=activations.dtype)
    fitted = torch.empty_like(activations)
    for k in frequency.unique().tolist():
        chosen = (frequency == k).nonzero().squeeze(1)
        block = basis[[0, *(frequency_rows(n, k) if k else [])]]  # [3, n]
        values = activations.index_select(2, chosen)
        coefficients = torch.einsum("ui,vj,ijm->uvm", block, block, values)
        fitted[:, :, chosen] = torch.einsum("ui,vj,uvm->ijm", block, block, coefficients)
    return fitted


def keep_blocks(values: Float[Tensor, "n n rest"], frequencies: Sequence[int]) -> Float[Tensor, "n n rest"]:
    """Return the part of ``values`` in the constant and the 3×3 blocks {1, cos, sin}(w_k i) × {1, cos, sin}(w_k j).

    Source: Nanda et al. (2023), section 4.4.
    """
    n = values.shape[0]
    mask = torch.zeros(n, n, dtype=torch.bool)
    mask[0, 0] = True
    for k in frequencies:
        rows = torch.tensor([0, *frequency_rows(n, k)])
        mask[rows[:, None], rows] = True
    spectrum = transform_2d(values)
    basis = fourier_basis(n, dtype=values.dtype)
    rows, columns = mask.any(1).nonzero().squeeze(1), mask.any(0).nonzero().squeeze(1)
    kept = torch.where(mask[rows][:, columns].unsqueeze(2), spectrum[rows][:, columns], 0)
    return torch.einsum("ui,vj,uvr->ijr", basis[rows], basis[columns], kept)


@dataclass(frozen=True)
class ReadOutFit:
    """How well what W_L reads from the neurons in one direction is c·cos (or c·sin) of w_k(i + j)."""

    frequency: int
    wave: str
    """``cos`` or ``sin``."""
    coefficient: float
    fve: float


def read_out_directions(
    logit_map: Float[Tensor, "m n"], frequencies: Sequence[int]
) -> dict[tuple[int, str], Float[Tensor, " m"]]:
    """Return u_k and v_k: W_L's Fourier components over the answers, as directions among the neurons.

    They are W_L's coefficients in the orthonormal Fourier basis over the answers: logits ≈ Σ_k F_cos,k u_kᵀMLP +
    F_sin,k v_kᵀMLP, which is the scale of the published coefficients.

    Source: Nanda et al. (2023), section 4.2.
    """
    n = logit_map.shape[1]
    components = transform(logit_map.T.contiguous())  # [n, m]
    directions = {}
    for k in frequencies:
        for row, name in zip(frequency_rows(n, k), ("cos", "sin"), strict=False):
            directions[k, name] = components[row]
    return directions


def read_out_fits(
    post: Float[Tensor, "n n m"], logit_map: Float[Tensor, "m n"], frequencies: Sequence[int]
) -> list[ReadOutFit]:
    """Return the fits u_kᵀMLP(i, j) ≈ c·cos(w_k(i + j)) and v_kᵀMLP ≈ c·sin(w_k(i + j)), with their FVE.

    Source: Nanda et al. (2023), section 4.2, table 1. Null value: FVE about 1/n² for random directions.
    """
    n = post.shape[0]
    s = sum_index(n)
    fits, directions = [], read_out_directions(logit_map, frequencies)
    along = post.flatten(0, 1) @ torch.stack(list(directions.values()), dim=1)
    for (k, name), column in zip(directions, along.T, strict=True):
        values = column.double().unflatten(0, (n, n))
        centred = values - values.mean()
        target = wave(n, k, s) if name == "cos" else _sine(n, k)[s]
        coefficient = float((centred * target).sum() / target.square().sum())
        rest = float((centred - coefficient * target).square().sum())
        fits.append(ReadOutFit(k, name, coefficient, 1 - rest / max(float(centred.square().sum()), 1e-300)))
    return fits


def _sine(n: int, k: int) -> Float[Tensor, " n"]:
    return fourier_basis(n)[2 * k] * (n / 2) ** 0.5


def effective_rank(matrix: Float[Tensor, "rows columns"], rank: int) -> tuple[Float[Tensor, " r"], float]:
    """Return the singular values, and the share of the Frobenius norm that the first ``rank`` leave over.

    A network with f key frequencies has a W_L of rank about 2·f (Nanda et al. 2023, section 4.2).
    """
    values = torch.linalg.svdvals(matrix.double())
    rest = values[rank:].square().sum().sqrt() / values.square().sum().sqrt().clamp_min(1e-300)
    return values, float(rest)
