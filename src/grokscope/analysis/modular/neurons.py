"""Which frequency each neuron computes with, and the clusters that neurons form."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.analysis.fourier import n_frequencies, row_frequencies, transform
from grokscope.analysis.precision import widened
from grokscope.display import brief_repr

CLUSTER_SHARE = 0.85
"""A neuron belongs to its frequency's cluster if that frequency explains more than this share of its variance
(Nanda et al. 2023, section 4.3)."""


@dataclass(frozen=True, eq=False)
class NeuronFrequencies:
    """The frequency of each neuron and how much of it that frequency explains."""

    frequency: Int[Tensor, " n_neurons"]
    """1 … p//2; 0 for a neuron that is constant."""
    share: Float[Tensor, " n_neurons"]
    """Of the variance over all inputs, 0 to 1; noise gives about 8 / p²·(number of frequencies tried)."""

    __repr__ = brief_repr

    def clusters(self, threshold: float = CLUSTER_SHARE) -> dict[int, int]:
        """Return how many neurons each frequency has above ``threshold``, by frequency."""
        chosen = self.frequency[self.share > threshold]
        values, counts = chosen.unique(return_counts=True)
        return {int(k): int(n) for k, n in zip(values, counts, strict=True) if k > 0}


def neuron_frequencies(activations: Float[Tensor, "p p n_neurons"]) -> NeuronFrequencies:
    """Return the frequency that explains most of each neuron.

    The activation, centred over the p² inputs, is transformed in a and b. Frequency k explains the share of
    the squared mass that lies in the eight non-constant entries of {const, cos k, sin k} × {const, cos k, sin k}
    (three for k = p/2 of an even p). A neuron's frequency is the one that explains most.

    Source: Nanda et al. (2023), section 4.3. Null value: an untrained network's neurons lie mostly below 0.3.
    """
    return frequency_masses(activations).frequencies()


@dataclass(frozen=True, eq=False)
class FrequencyMasses:
    """How much of each neuron's variance every frequency explains."""

    by_frequency: Float[Tensor, "n_frequencies_and_0 n_neurons"]
    """Squared mass in each frequency's block; row k belongs to frequency k, row 0 is zero."""
    total: Float[Tensor, " n_neurons"]
    """Squared mass of the centred neuron."""

    __repr__ = brief_repr

    def frequencies(self) -> NeuronFrequencies:
        """Return the frequency that explains most of each neuron."""
        alive = self.total > 1e-12 * self.total.max().clamp_min(1e-300)
        shares = torch.where(alive, self.by_frequency / self.total.clamp_min(1e-300), 0.0)
        share, frequency = shares.max(dim=0)
        return NeuronFrequencies(frequency, share)


def frequency_masses(activations: Float[Tensor, "p p n_neurons"]) -> FrequencyMasses:
    """Return the squared mass that each frequency's block has of each neuron; see :func:`neuron_frequencies`.

    A block needs no 2-D transform: its corner, {cos k, sin k} × {cos k, sin k}, is what frequency k has of the means
    over each sum a + b and each difference a − b, its edges what k has of the means over b and over a.
    """
    p, n_neurons = activations.shape[0], activations.shape[2]
    mean = torch.stack([widened(row).mean(0) for row in activations]).mean(0)
    by_a, by_b = mean.new_zeros(2, p, n_neurons)
    by_sum, by_difference = mean.new_zeros(2, 2 * p, n_neurons)
    total = torch.zeros(n_neurons, dtype=torch.float64)
    for a, row in enumerate(activations):  # which is in the cache for all of them
        centred = row - mean
        by_a[a] = centred.sum(0)
        by_b += centred
        by_sum[a : a + p] += centred
        by_difference[p - a : 2 * p - a] += centred
        total += centred.square_().sum(0)
    corners = [by_sum[:p] + by_sum[p:], by_difference[:p] + by_difference[p:]]
    lines = [transform(each.double() / p).square() for each in (by_a, by_b, *corners)]
    if p % 2 == 0:  # the lone component (−1)^a (−1)^b is a function of the sum and of the difference alike
        lines[-1][-1] = 0
    masses = torch.zeros(n_frequencies(p) + 1, n_neurons, dtype=torch.float64)
    for line in lines:
        masses.index_add_(0, row_frequencies(p), p * line)
    masses[0] = 0
    return FrequencyMasses(masses, total)


MIN_CLUSTER = 0.02
"""A cluster smaller than this share of the neurons is not taken for a key frequency."""

MIN_NEURONS = 3
"""Nor is one of fewer neurons than this: in a tiny untrained network a neuron or two may look periodic by chance."""


def cluster_frequencies(neurons: NeuronFrequencies) -> list[int]:
    """Return the frequencies that have a cluster of at least 2 % of the neurons, and three of them, ascending.

    Null value: none, for an untrained network and for one that memorises.
    """
    least = max(MIN_NEURONS, MIN_CLUSTER * len(neurons.share))
    return [k for k, n in neurons.clusters().items() if n >= least]
