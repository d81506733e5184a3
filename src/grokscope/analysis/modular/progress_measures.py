"""Progress measures: losses of the logits with the circuit's directions alone, and without them.

Logits are ``[n, n, n]`` in coordinates where the right answer to (i, j) is i + j mod n; losses are in nats.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.analysis.modular.logit_fits import align, clock_fit
from grokscope.analysis.modular.sum_directions import project_on_sums, sum_index, wave


def answer_losses(logits: Float[Tensor, "n n n"], answers: Int[Tensor, "n n"] | None = None) -> Float[Tensor, "n n"]:
    """Return the cross-entropy of every pair's right answer, in float64.

    As log(1 + Σ exp(wrong − right)), which keeps its relative precision however small it is.

    Args:
        logits: of all pairs.
        answers: the right one of each pair [i + j mod n].
    """
    table = sum_index(logits.shape[0]) if answers is None else answers
    right = table.unsqueeze(2)
    losses = []
    for rows, places in zip(logits.split(16), right.split(16), strict=True):
        exact = rows.double()
        ahead = (exact - exact.gather(2, places)).scatter(2, places, -torch.inf)
        losses.append(torch.nn.functional.softplus(ahead.logsumexp(2), threshold=40))
    return torch.cat(losses)


def mean_loss(logits: Float[Tensor, "n n n"]) -> float:
    """Return the mean of :func:`answer_losses` over all pairs."""
    return float(answer_losses(logits).mean())


def accuracy(logits: Float[Tensor, "n n n"]) -> float:
    """Return the share of the n² pairs that are answered right."""
    return float((logits.argmax(2) == sum_index(logits.shape[0])).double().mean())


def restricted_loss(
    logits: Float[Tensor, "n n n"], frequencies: Sequence[int], mask: Bool[Tensor, "n n"] | None = None
) -> float:
    """Return the loss of the logits with only the cos and sin(w_k(i + j)) directions and the mean kept ("trig loss").

    Falls while the circuit forms. Null value: ln n, or more, for a network without the circuit.

    Args:
        logits: of all pairs.
        frequencies: the key frequencies.
        mask: the pairs to average over; all if None.

    Source: Nanda et al. (2023), section 5.1.
    """
    return float(_mean(answer_losses(restricted_logits(logits, frequencies)), mask))


def restricted_logits(logits: Float[Tensor, "n n n"], frequencies: Sequence[int]) -> Float[Tensor, "n n n"]:
    """Return the projection of the logits on the frequencies' cos and sin(w_k(i + j)) directions, plus their mean."""
    return project_on_sums(logits, [0, *frequencies])[sum_index(logits.shape[0])]


def excluded_loss(
    logits: Float[Tensor, "n n n"], frequencies: Sequence[int], mask: Bool[Tensor, "n n"] | None = None
) -> float:
    """Return the loss of the logits without the frequencies' cos and sin(w_k(i + j)) directions.

    Directions are projected out over all n² inputs; on the training set (``mask``) it stays low in a network that has
    memorised and rises with the circuit. Null value: the network's own loss, where the directions are of no use.

    Source: Nanda et al. (2023), section 5.1.
    """
    return float(_mean(answer_losses(excluded_logits(logits, frequencies)), mask))


def excluded_logits(logits: Float[Tensor, "n n n"], frequencies: Sequence[int]) -> Float[Tensor, "n n n"]:
    """Return the logits less their projection on the frequencies' cos and sin(w_k(i + j)) directions."""
    return logits.double() - project_on_sums(logits, list(frequencies))[sum_index(logits.shape[0])]


def excluded_loss_of_cube(
    logits: Float[Tensor, "n n n"], frequencies: Sequence[int], mask: Bool[Tensor, "n n"] | None = None
) -> float:
    """Return the excluded loss with only the component along cos(w_k(i + j − c)) removed.

    That direction has unit norm over the n³ entries; it leaves what the network does with a wrong phase.

    Source: Nanda & Lieberum (2022), published code.
    """
    fit = clock_fit(align(logits, frequencies))
    n = logits.shape[0]
    x = torch.arange(n)
    rest = logits.double()
    for k, alpha in zip(fit.frequencies, fit.amplitudes, strict=True):
        rest = rest - alpha * wave(n, k, sum_index(n)[:, :, None] - x)
    return float(_mean(answer_losses(rest), mask))


def logit_margins(logits: Float[Tensor, "n n n"]) -> Float[Tensor, "n n"]:
    """Return by how much the right answer's logit exceeds the best wrong one, in nats; negative where it is wrong."""
    best = logits.topk(2, dim=2)
    right = sum_index(logits.shape[0])
    correct = logits.gather(2, right.unsqueeze(2)).squeeze(2)
    rival = torch.where(best.indices[..., 0] == right, best.values[..., 1], best.values[..., 0])
    return correct - rival


def _mean(losses: Float[Tensor, "n n"], mask: Bool[Tensor, "n n"] | None) -> Float[Tensor, ""]:
    return losses.mean() if mask is None else losses[mask].mean()
