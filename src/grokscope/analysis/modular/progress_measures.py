"""Progress measures: losses of the logits with the circuit's directions alone, and without them.

Logits are ``[n, n, n]`` in coordinates where the right answer to (i, j) is i + j mod n; losses are in nats.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.analysis.modular.logit_fits import LogitFit, align, clock_fit
from grokscope.analysis.modular.sum_directions import keep_frequencies, over_sums, project_on_sums, sum_index, wave

_ROWS = 2048
"""Pairs at once: their float64 copies stay in the cache, and those of all would not fit at p = 997."""


def answer_losses(logits: Float[Tensor, "n n n"], answers: Int[Tensor, "n n"] | None = None) -> Float[Tensor, "n n"]:
    """Return the cross-entropy of every pair's right answer, in float64; see :func:`row_losses`.

    Args:
        logits: of all pairs.
        answers: the right one of each pair [i + j mod n].
    """
    table = sum_index(logits.shape[0]) if answers is None else answers
    return row_losses(logits.flatten(0, 1), table.flatten()).view(table.shape)


def row_losses(logits: Float[Tensor, "rows n"], answers: Int[Tensor, " rows"]) -> Float[Tensor, " rows"]:
    """Return the cross-entropy of each row's right answer, in float64.

    As log(1 + Σ exp(wrong − right)), which keeps its relative precision however small it is.
    """
    losses = []
    for rows, right in zip(logits.split(_ROWS), answers.unsqueeze(1).split(_ROWS), strict=True):
        exact = rows.double()
        ahead = (exact - exact.gather(1, right)).scatter_(1, right, -torch.inf)
        losses.append(torch.nn.functional.softplus(ahead.logsumexp(1), threshold=40))
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
    n = logits.shape[0]
    by_sum = row_losses(project_on_sums(logits, [0, *frequencies]), torch.arange(n))  # of pairs of one sum, the same
    return float(_mean(by_sum[sum_index(n)], mask))


def excluded_loss(
    logits: Float[Tensor, "n n n"],
    frequencies: Sequence[int],
    mask: Bool[Tensor, "n n"] | None = None,
    *,
    sums: Float[Tensor, "n n"] | None = None,
) -> float:
    """Return the loss of the logits without the frequencies' cos and sin(w_k(i + j)) directions.

    Directions are projected out over all n² inputs; on the training set (``mask``) it stays low in a network that has
    memorised and rises with the circuit. Null value: the network's own loss, where the directions are of no use.

    Args:
        logits: of all pairs.
        frequencies: those to remove.
        mask: the pairs to average over; all if None.
        sums: ``over_sums(logits)``, where it is known: of several sets of frequencies, it is the same.

    Source: Nanda et al. (2023), section 5.1.
    """
    removed = keep_frequencies(over_sums(logits) if sums is None else sums, list(frequencies))
    return _loss_without(logits, removed, mask)


def excluded_loss_of_cube(
    logits: Float[Tensor, "n n n"],
    frequencies: Sequence[int],
    mask: Bool[Tensor, "n n"] | None = None,
    *,
    fit: LogitFit | None = None,
) -> float:
    """Return the excluded loss with only the component along cos(w_k(i + j − c)) removed.

    That direction has unit norm over the n³ entries; it leaves what the network does with a wrong phase.

    Args:
        logits: of all pairs.
        frequencies: those to remove.
        mask: the pairs to average over; all if None.
        fit: the :func:`clock_fit` of the logits with these frequencies, where it is known.

    Source: Nanda & Lieberum (2022), published code.
    """
    fit, n = fit or clock_fit(align(logits, frequencies)), logits.shape[0]
    x = torch.arange(n)
    along = torch.zeros(n, dtype=torch.float64)
    for k, alpha in zip(fit.frequencies, fit.amplitudes, strict=True):
        along += alpha * wave(n, k, x)
    return _loss_without(logits, along[(x[:, None] - x) % n], mask)


def _loss_without(
    logits: Float[Tensor, "n n n"], removed: Float[Tensor, "n n"], mask: Bool[Tensor, "n n"] | None
) -> float:
    """Return the mean loss of the logits less what is ``removed`` of each sum and answer; of the pairs of ``mask``."""
    rows, sums = logits.flatten(0, 1), sum_index(logits.shape[0]).flatten()
    if mask is not None:
        chosen = mask.flatten().nonzero().squeeze(1)
        rows, sums = rows.index_select(0, chosen), sums.index_select(0, chosen)
    losses = [
        row_losses(part.double() - removed.index_select(0, places), places)
        for part, places in zip(rows.split(_ROWS), sums.split(_ROWS), strict=True)
    ]
    return float(torch.cat(losses).mean())


def logit_margins(logits: Float[Tensor, "n n n"]) -> Float[Tensor, "n n"]:
    """Return by how much the right answer's logit exceeds the best wrong one, in nats; negative where it is wrong."""
    best = logits.topk(2, dim=2)
    right = sum_index(logits.shape[0])
    correct = logits.gather(2, right.unsqueeze(2)).squeeze(2)
    rival = torch.where(best.indices[..., 0] == right, best.values[..., 1], best.values[..., 0])
    return correct - rival


def _mean(losses: Float[Tensor, "n n"], mask: Bool[Tensor, "n n"] | None) -> Float[Tensor, ""]:
    return losses.mean() if mask is None else losses[mask].mean()
