"""Which frequencies a network is claimed to compute with."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.modular.logit_fits import align, all_frequencies, clock_fit
from grokscope.analysis.modular.neurons import NeuronFrequencies, key_frequencies

KEY_SHARE = 0.02
"""Without neuron clusters, a key frequency must account for this share of the logits' variance."""
WEAKER_AMPLITUDE = 0.01
"""A frequency without a cluster is a weaker part of the circuit from this share of the largest amplitude α_k …"""
ABOVE_NOISE = 4.0
"""… if that is also so many times the median amplitude, which is noise: most frequencies are no part of a circuit."""


@dataclass(frozen=True)
class ClaimedFrequencies:
    """The frequencies of the circuit that is claimed."""

    keys: tuple[int, ...]
    weaker: tuple[int, ...]
    """Present in the logits though no cluster of neurons has them."""
    source: str
    """Where the key frequencies were read from."""

    @property
    def circuit(self) -> tuple[int, ...]:
        """All of them, ascending."""
        return tuple(sorted((*self.keys, *self.weaker)))


def claim_frequencies(logits: Float[Tensor, "n n n"], neurons: NeuronFrequencies | None) -> ClaimedFrequencies:
    """Return the frequencies to be tested: the neuron clusters', or those of the logits where there are no clusters.

    Reading them off is correlational and only says what to test.
    """
    alignment = align(logits, all_frequencies(logits.shape[0]))
    fit = clock_fit(alignment)
    n = logits.shape[0]
    parts = {
        k: alpha**2 * alignment.norm_of(k) * n**2 for k, alpha in zip(fit.frequencies, fit.amplitudes, strict=True)
    }
    keys = tuple(key_frequencies(neurons)) if neurons is not None else ()
    source = "neuron clusters"
    if not keys:
        keys = tuple(k for k, part in parts.items() if part >= KEY_SHARE * max(alignment.total, 1e-300))
        source = "logits"
    sizes = sorted(map(abs, fit.amplitudes))
    least = max(WEAKER_AMPLITUDE * sizes[-1], ABOVE_NOISE * sizes[len(sizes) // 2])
    strong = [k for k, alpha in zip(fit.frequencies, fit.amplitudes, strict=True) if abs(alpha) >= least]
    weaker = tuple(k for k in strong if k not in keys) if keys else ()
    return ClaimedFrequencies(keys, weaker, source if keys else "none found")
