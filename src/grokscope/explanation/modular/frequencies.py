"""Which frequencies a network is claimed to compute with."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.modular.key_frequencies import candidate_frequencies, frequency_power
from grokscope.analysis.modular.neurons import NeuronFrequencies

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
    power = frequency_power(logits)
    keys, source = candidate_frequencies(power, neurons)
    amplitudes = power.amplitudes.abs().tolist()
    sizes = sorted(amplitudes)
    least = max(WEAKER_AMPLITUDE * sizes[-1], ABOVE_NOISE * sizes[len(sizes) // 2])
    strong = [k for k, size in enumerate(amplitudes, 1) if size >= least]
    weaker = tuple(k for k in strong if k not in keys) if keys else ()
    return ClaimedFrequencies(keys, weaker, source if keys else "none found")
