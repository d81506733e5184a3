"""Causal tests on the last layer's neurons: what the read-out takes from them, and what each computes."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.analysis.modular.last_layer import LastLayer
from grokscope.analysis.modular.neuron_fits import keep_block, read_out_directions
from grokscope.analysis.modular.neurons import FrequencyMasses
from grokscope.analysis.modular.progress_measures import accuracy, mean_loss
from grokscope.explanation.claims import Claim, Control
from grokscope.explanation.modular.controls import frequency_draws, subspace_draws
from grokscope.explanation.modular.frequencies import ClaimedFrequencies
from grokscope.explanation.modular.specs import (
    NEURONS_ENOUGH,
    NEURONS_NEEDED,
    NEURONS_PERIODIC,
    NEURONS_POLYNOMIALS,
)


def neuron_claims(layer: LastLayer, masses: FrequencyMasses, claimed: ClaimedFrequencies, *, seed: int) -> list[Claim]:
    """Return the claims about the neurons of the last layer, each with its controls; none without neurons.

    Args:
        layer: recorded activations.
        masses: of its neurons.
        claimed: the frequencies. What is read out is tested on the key ones, which are those that have neurons.
        seed: draws random frequencies and subspaces.
    """
    logit_map = layer.logit_map
    if layer.post is None or logit_map is None:
        return []
    n = layer.coordinates.n
    post = layer.post.unflatten(0, (n, n))
    frequencies = claimed.circuit
    others = frequency_draws(n, frequencies, seed=seed)
    return [
        *_read_out_claims(layer, logit_map, claimed.keys, seed=seed),
        _periodic_claim(masses, logit_map, frequencies, others),
        _polynomial_claim(layer, post, masses, frequencies, others),
    ]


def _read_out_claims(
    layer: LastLayer, logit_map: Float[Tensor, "m n"], frequencies: Sequence[int], *, seed: int
) -> list[Claim]:
    directions = torch.stack(list(read_out_directions(logit_map, frequencies).values()), dim=1)
    subspace = torch.linalg.qr(directions)[0]
    randoms = subspace_draws(*subspace.shape, seed=seed)
    right = accuracy(layer.logits)
    kept, without = layer.split_by(subspace)
    random_kept, random_without = zip(*map(layer.split_by, randoms), strict=True)
    rank = subspace.shape[1]
    what = f"random subspace of rank {rank}"
    return [
        NEURONS_ENOUGH.filled(rank=rank).tested(
            accuracy(kept),
            (Control(what, max(accuracy(logits) for logits in random_kept)),),
            f"loss {mean_loss(kept):.3g}",
        ),
        NEURONS_NEEDED.tested(
            right - accuracy(without),
            (Control(what, max(right - accuracy(logits) for logits in random_without)),),
            f"loss {mean_loss(without):.3g}",
        ),
    ]


def _best_of(masses: FrequencyMasses, frequencies: Sequence[int]) -> tuple[Int[Tensor, " m"], Float[Tensor, " m"]]:
    """Return which of ``frequencies`` explains most of each neuron, and its squared mass."""
    chosen = torch.tensor(list(frequencies))
    best = masses.by_frequency[chosen].max(dim=0)
    return chosen[best.indices], best.values


def _periodic_claim(
    masses: FrequencyMasses,
    logit_map: Float[Tensor, "m n"],
    frequencies: Sequence[int],
    others: Sequence[Sequence[int]],
) -> Claim:
    weight = logit_map.double().square().sum(1)

    def share(chosen: Sequence[int]) -> float:
        return float((_best_of(masses, chosen)[1] * weight).sum() / (masses.total * weight).sum().clamp_min(1e-300))

    controls = (Control("random other frequencies", max(map(share, others))),) if others else ()
    return NEURONS_PERIODIC.tested(share(frequencies), controls)


def _polynomial_claim(
    layer: LastLayer,
    post: Float[Tensor, "n n m"],
    masses: FrequencyMasses,
    frequencies: Sequence[int],
    others: Sequence[Sequence[int]],
) -> Claim:
    def replaced(chosen: Sequence[int]) -> Float[Tensor, "n n n"]:
        return layer.with_post(keep_block(post, _best_of(masses, chosen)[0]).flatten(0, 1))

    ours = replaced(frequencies)
    # one draw: the fit is the dearest of all tests, and other frequencies explain nothing of a neuron
    controls = tuple(
        Control("polynomials of random other frequencies", accuracy(replaced(draw))) for draw in others[:1]
    )
    return NEURONS_POLYNOMIALS.tested(accuracy(ours), controls, f"loss {mean_loss(ours):.3g}")
