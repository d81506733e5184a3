"""The key frequencies of a network: what they are in, which are candidates, and when a candidate may be named.

Everywhere, key frequencies are those of the coordinates in which the task is addition
(:mod:`grokscope.analysis.modular.coordinates`): of residues for sums, of discrete logarithms for products.

A network that memorises has neurons that look periodic too, above all modulo a small p. So candidates, which are
read off the neurons (or, where none has a cluster, off the logits), are named only if the network generalises with
them, which is measured, and compared with a control:

- with these frequencies alone over the answers (and the mean) it answers at least half of the held-out pairs; guessing
  answers 1/n of them, and so does a network that memorises;
- the logits hold at least twice as much of each, on average, as of every other frequency: of a lookup table, which
  answers everything and computes nothing, they hold as much of one as of another.

The control needs other frequencies. Where all are candidates, as may be modulo 7, those of neuron clusters are named
without it, those of the logits are not.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grokscope.analysis.binary.all_pairs import all_pairs_table, train_mask
from grokscope.analysis.binary.unembedding import neuron_logit_map
from grokscope.analysis.fourier import fourier_basis, n_frequencies, row_frequencies
from grokscope.analysis.modular.coordinates import Coordinates, find_coordinates
from grokscope.analysis.modular.neurons import NeuronFrequencies, cluster_frequencies, neuron_frequencies
from grokscope.analysis.modular.sum_directions import over_sums, sum_index
from grokscope.display import brief_repr
from grokscope.models import MLP, Transformer
from grokscope.tasks import ModularTask

KEY_SHARE = 0.02
"""Without neuron clusters, a candidate must account for this share of the logits' variance."""
ANSWERED = 0.5
"""With the key frequencies alone the network answers at least this share of the held-out pairs."""
ABOVE_OTHERS = 2.0
"""The logits hold at least so many times as much of a key frequency as of another, on average."""

CLUSTERS = "neuron clusters"
NOT_ADDITION = "the task is not addition in any coordinates"
_CHUNK = 16


@dataclass(frozen=True, eq=False)
class KeyFrequencies:
    """The key frequencies that may be named, or why there are none."""

    candidates: tuple[int, ...]
    """What an explanation tests, and what measures are taken with while a network has not generalised yet."""
    named: tuple[int, ...]
    reason: str
    """Why none is named; empty where some are."""
    neurons: NeuronFrequencies | None
    """Of the last layer, in the same coordinates; None without an MLP."""

    __repr__ = brief_repr


def network_key_frequencies(model: Transformer | MLP, task: ModularTask) -> KeyFrequencies:
    """Return the key frequencies of a network, in the coordinates in which its task is addition.

    Where there are none, the neurons' frequencies are those of the residues, and no key frequency is named.
    """
    name = f"blocks.{len(model.blocks) - 1}.mlp.hook_post"
    has_neurons = neuron_logit_map(model, task.p) is not None
    table = all_pairs_table(model, task, {name} if has_neurons else ())
    coordinates = find_coordinates(task.table)
    post = table.activations.get(name)
    if coordinates is not None:
        post = None if post is None else coordinates.of_inputs(post)
    neurons = None if post is None else neuron_frequencies(post)
    return key_frequencies_of(table.logits, neurons, task, coordinates)


def key_frequencies_of(
    logits: Float[Tensor, "p p p"],
    neurons: NeuronFrequencies | None,
    task: ModularTask,
    coordinates: Coordinates | None,
) -> KeyFrequencies:
    """Return the key frequencies of a network by its logits and the frequencies of its neurons.

    Args:
        logits: on all pairs, of residues.
        neurons: in ``coordinates``.
        task: says which pairs were held out.
        coordinates: in which the task is addition; None where there are none.
    """
    if coordinates is None:
        return KeyFrequencies((), (), NOT_ADDITION, neurons)
    train = train_mask(task)
    held_out = None if train is None or bool(train.all()) else coordinates.of_inputs(~train)
    return name_frequencies(coordinates.of_logits(logits), neurons, held_out)


def name_frequencies(
    logits: Float[Tensor, "n n n"], neurons: NeuronFrequencies | None, held_out: Bool[Tensor, "n n"] | None = None
) -> KeyFrequencies:
    """Return the key frequencies that may be named, by the rule above; or none, and the reason.

    Args:
        logits: of all pairs, in coordinates.
        neurons: in the same coordinates; None without an MLP.
        held_out: the pairs that were not trained on; all pairs are asked for if None.
    """
    power = frequency_power(logits)
    candidates, source = candidate_frequencies(power, neurons)
    if candidates:
        reason = _objection(logits, power, candidates, source, held_out)
    else:
        where = "cluster of neurons" if neurons is not None else f"share of {KEY_SHARE:.0%} of the logits"
        reason = f"no frequency has a {where}"
    return KeyFrequencies(candidates, () if reason else candidates, reason, neurons)


def _objection(
    logits: Float[Tensor, "n n n"],
    power: "FrequencyPower",
    candidates: tuple[int, ...],
    source: str,
    held_out: Bool[Tensor, "n n"] | None,
) -> str:
    """Return why the candidates cannot be named; empty if they can."""
    right = answered_with(logits, candidates, held_out)
    listed = ", ".join(map(str, candidates))
    if right < ANSWERED:
        which = "pairs" if held_out is None else "held-out pairs"
        has = f"{'frequency' if len(candidates) == 1 else 'frequencies'} {listed} (by the {source})"
        return f"with {has} alone the network answers only {right:.0%} of the {which}"
    chosen = torch.zeros(len(power.shares), dtype=torch.bool)
    chosen[torch.tensor(candidates, dtype=torch.long) - 1] = True
    if chosen.all():  # nothing is left to compare with
        return "" if source == CLUSTERS else "the logits hold every frequency, as those of a lookup table do"
    ours, others = float(power.shares[chosen].mean()), float(power.shares[~chosen].mean())
    if ours < ABOVE_OTHERS * others:
        return f"the logits hold as much of other frequencies as of {listed}, as those of a lookup table do"
    return ""


@dataclass(frozen=True, eq=False)
class FrequencyPower:
    """How much of each frequency 1 … n // 2 the logits hold, as cos(w_k(i + j − c))."""

    amplitudes: Float[Tensor, " n_frequencies"]
    """α_k of the clock's formula, in nats."""
    shares: Float[Tensor, " n_frequencies"]
    """Of the logits' variance, 0 to 1."""

    __repr__ = brief_repr


def frequency_power(logits: Float[Tensor, "n n n"]) -> FrequencyPower:
    """Return the clock's amplitude of every frequency, and its share of the logits' variance.

    As :func:`grokscope.analysis.modular.logit_fits.clock_fit` fits them, but of all frequencies at once: by a transform
    of the mean logit at each distance from the right answer.
    """
    n = logits.shape[0]
    x = torch.arange(n)
    mean = logits.mean(dtype=torch.float64)
    by_sum = over_sums(logits) - mean
    by_distance = by_sum.gather(1, (x[:, None] + x) % n).mean(0)
    total = sum(float((row.double() - mean).square().sum()) for row in logits)
    real = torch.fft.rfft(by_distance).real[1 : n_frequencies(n) + 1]
    norms = torch.full_like(real, n / 2)
    if n % 2 == 0:
        norms[-1] = n
    amplitudes = real / norms
    return FrequencyPower(amplitudes, amplitudes.square() * norms * n**2 / max(total, 1e-300))


def candidate_frequencies(power: FrequencyPower, neurons: NeuronFrequencies | None) -> tuple[tuple[int, ...], str]:
    """Return the frequencies that may be key frequencies, and where they were read: ``neuron clusters`` or ``logits``.

    Reading them off is correlational and only says what to test.
    """
    clusters = () if neurons is None else tuple(cluster_frequencies(neurons))
    if clusters:
        return clusters, CLUSTERS
    return tuple((power.shares >= KEY_SHARE).nonzero().flatten().add(1).tolist()), "logits"


def answered_with(
    logits: Float[Tensor, "n n n"], frequencies: tuple[int, ...], pairs: Bool[Tensor, "n n"] | None = None
) -> float:
    """Return the share of pairs answered right with these frequencies over the answers, and the mean, alone.

    Null value: 1/n for a network that knows nothing about ``pairs``.
    """
    n = logits.shape[0]
    basis = fourier_basis(n)[torch.isin(row_frequencies(n), torch.tensor([0, *frequencies]))]
    right = torch.cat([((rows.double() @ basis.T) @ basis).argmax(2) for rows in logits.split(_CHUNK)]) == sum_index(n)
    return float((right if pairs is None else right[pairs]).double().mean())
