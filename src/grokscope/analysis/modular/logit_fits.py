"""How much of the logits the formulas of the clock and of the pizza account for.

Shapes: n residues (in the coordinates of :mod:`grokscope.analysis.modular.coordinates`), f frequencies.
Logits are ``logits[i, j, answer]``, and the right answer is i + j mod n.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from grokscope.analysis.fourier import n_frequencies
from grokscope.display import brief_repr


@dataclass(frozen=True, eq=False)
class Alignment:
    """What the logits hold of each frequency, with the phase of the right answer taken out.

    ``values[i, j, f]`` = Σ_c logits[i, j, c] · exp(i w_k (i + j − c)). A clock gives the same real number everywhere, a
    pizza one that goes with |cos(w_k (i − j)/2)|; an imaginary part is a wrong phase.
    """

    n: int
    frequencies: tuple[int, ...]
    values: Complex[Tensor, "n n f"]
    total: float
    """Squared deviation of the logits from their mean over all inputs and answers, summed over everything."""

    __repr__ = brief_repr

    def norm_of(self, k: int) -> float:
        """Return Σ_c cos²(w_k c)."""
        return float(self.n) if 2 * k == self.n else self.n / 2


def align(logits: Float[Tensor, "n n n"], frequencies: Sequence[int]) -> Alignment:
    """Return the logits' :class:`Alignment` with cos(w_k(i + j − c)) for each of ``frequencies``."""
    n, frequencies = logits.shape[0], tuple(frequencies)
    x = torch.arange(n)
    k = torch.tensor(frequencies, dtype=torch.long)
    angle = 2 * math.pi / n * ((x[:, None] * k) % n).double()  # [n, f]
    turn = torch.polar(torch.ones_like(angle), angle)
    mean, total, values = logits.mean(dtype=torch.float64), 0.0, []
    for rows in logits.split(16):  # float64 copies of all would not fit at p = 997
        centred = rows.double() - mean
        total += float(centred.square().sum())
        real, imaginary = centred @ turn.real, centred @ turn.imag
        values.append(torch.complex(real, -imaginary))
    turned = torch.cat(values) * turn[:, None] * turn[None, :]
    return Alignment(n, frequencies, turned, total)


@dataclass(frozen=True)
class LogitFit:
    """Σ_k α_k e_k(i − j) cos(w_k(i + j − c) + φ_k), least squares on the logits."""

    frequencies: tuple[int, ...]
    amplitudes: tuple[float, ...]
    """α_k, in nats."""
    phases: tuple[float, ...]
    """φ_k, in radians; 0 where the fit had none."""
    fve: float
    """Share of the logits' variance that the formula accounts for: 1 − SSR/SST."""

    __repr__ = brief_repr


def clock_fit(alignment: Alignment) -> LogitFit:
    """Return the fit of Σ_k α_k cos(w_k(i + j − c)), the formula of the clock.

    FVE = 1 − SSR/SST of the centred logits. The terms are orthogonal, so each α_k is a projection.

    Source: Nanda et al. (2023), section 4.2. Null value: f / n³ for noise.
    """
    return _fit(alignment, torch.ones(alignment.n, len(alignment.frequencies), dtype=torch.float64))


def pizza_fit(alignment: Alignment) -> LogitFit:
    """Return the fit of Σ_k α_k |cos(w_k(i − j)/2)| cos(w_k(i + j − c)), the formula of the pizza.

    Source: Zhong et al. (2023), "The Clock and the Pizza", section 4.
    """
    return _fit(alignment, pizza_envelope(alignment.n, alignment.frequencies))


def any_envelope_fve(alignment: Alignment) -> float:
    """Return the FVE of Σ_k e_k(i − j) cos(w_k(i + j − c)) with the best envelopes e_k there are.

    No formula of that form can do better; the clock and the pizza are two of them.
    """
    explained = 0.0
    for f, k in enumerate(alignment.frequencies):
        envelope = over_differences(alignment.values[..., f].real)
        explained += float(envelope.square().sum()) * alignment.n / alignment.norm_of(k)
    return explained / max(alignment.total, 1e-300)


def free_phase_fit(alignment: Alignment) -> LogitFit:
    """Return the fit of Σ_k α_k cos(w_k(i + j − c) + φ_k), α_k ≥ 0: a network that adds has φ_k = 0."""
    return _fit(alignment, torch.ones(alignment.n, len(alignment.frequencies), dtype=torch.float64), free_phase=True)


def pizza_envelope(n: int, frequencies: Sequence[int]) -> Float[Tensor, "n f"]:
    """Return |cos(w_k d/2)| for each difference d = i − j and frequency."""
    d = torch.arange(n, dtype=torch.float64)
    return torch.cos(math.pi / n * torch.outer(d, torch.tensor(frequencies, dtype=torch.float64))).abs()


def over_differences(values: Float[Tensor, "n n"]) -> Float[Tensor, " n"]:
    """Return the mean of ``values[i, j]`` over the pairs with each difference i − j mod n."""
    n = values.shape[0]
    x = torch.arange(n)
    sums = torch.zeros(n, dtype=values.dtype)
    return sums.index_add_(0, ((x[:, None] - x) % n).flatten(), values.flatten()) / n


def _fit(alignment: Alignment, envelope: Float[Tensor, "n f"], *, free_phase: bool = False) -> LogitFit:
    n = alignment.n
    x = torch.arange(n)
    difference = (x[:, None] - x) % n
    amplitudes, phases, explained = [], [], 0.0
    for f, k in enumerate(alignment.frequencies):
        weight = envelope[:, f]
        scale = float(weight.square().sum()) * n * alignment.norm_of(k)
        projection = complex((alignment.values[..., f] * weight[difference]).sum())
        if free_phase and 2 * k != n:
            amplitude, phase = abs(projection), -math.atan2(projection.imag, projection.real)
        else:
            amplitude, phase = projection.real, 0.0
        amplitudes.append(amplitude / scale)
        phases.append(phase)
        explained += amplitude**2 / scale
    fve = explained / max(alignment.total, 1e-300)
    return LogitFit(alignment.frequencies, tuple(amplitudes), tuple(phases), fve)


def all_frequencies(n: int) -> tuple[int, ...]:
    """Return 1 … n // 2."""
    return tuple(range(1, n_frequencies(n) + 1))
