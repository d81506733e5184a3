"""Every measure of one network, as one row of numbers."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool
from torch import Tensor

from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.binary.unembedding import neuron_logit_map
from grokscope.analysis.fourier import transform
from grokscope.analysis.modular.clock_pizza import distance_irrelevance, gradient_symmetricity
from grokscope.analysis.modular.coordinates import Coordinates, coordinate_embedding, find_coordinates
from grokscope.analysis.modular.logit_fits import align, clock_fit, pizza_fit
from grokscope.analysis.modular.neuron_fits import effective_rank
from grokscope.analysis.modular.neurons import CLUSTER_SHARE, neuron_frequencies
from grokscope.analysis.modular.progress_measures import (
    accuracy,
    answer_losses,
    excluded_loss,
    excluded_loss_of_cube,
    logit_margins,
    restricted_loss,
)
from grokscope.analysis.weights import gini, inverse_participation_ratio, sums_of_squares
from grokscope.errors import ConfigError
from grokscope.models import MLP, Transformer
from grokscope.tasks import ModularTask


@torch.no_grad()
def measure(
    model: Transformer | MLP, task: ModularTask, frequencies: Sequence[int], train: Bool[Tensor, "p p"] | None = None
) -> dict[str, float]:
    """Return every progress measure of a network by name.

    Losses (nats) and accuracies are over the n answers, ``train_…`` on the training pairs, ``test_…`` on the rest.
    ``excluded_loss`` (all frequencies), ``excluded_loss_k`` (one) and ``excluded_loss_cube`` are on the training pairs
    (all pairs where there is no training set), ``restricted_loss`` on all pairs, as in the paper. ``alpha_k`` are
    the coefficients of cos(w_k(a + b − c)); ``rest_W_L`` is the share of W_L's norm beyond two dimensions a frequency.
    See each measure's own function for its definition.

    Args:
        model: the network.
        task: a sum, difference, linear form or product.
        frequencies: the key frequencies, the same for all checkpoints of a run.
        train: the training pairs; None where all pairs are.

    Raises:
        ConfigError: the operation is not addition in any coordinates, or a frequency does not exist.
    """
    coordinates = coordinates_of(task)
    n = coordinates.n
    check_frequencies(frequencies, n)
    last = f"blocks.{len(model.blocks) - 1}.mlp.hook_post"
    has_neurons = neuron_logit_map(model, task.p) is not None
    table = all_pairs_table(model, task, {last} if has_neurons else ())
    logits = coordinates.of_logits(table.logits)
    row = {**_scores(logits, coordinates, train), **_progress(logits, coordinates, frequencies, train)}
    if has_neurons:
        row |= _neurons(coordinates.of_inputs(table.activations[last]))
    return {
        **row,
        **_weights(model, task, coordinates, len(frequencies)),
        "gradient_symmetricity": gradient_symmetricity(model, task),
        "distance_irrelevance": distance_irrelevance(logits),
    }


def check_frequencies(frequencies: Sequence[int], n: int) -> None:
    """Raise unless there are such frequencies among n residues.

    Raises:
        ConfigError: one does not exist.
    """
    for k in frequencies:
        if not 1 <= k <= n // 2:
            raise ConfigError(f"there is no frequency {k} modulo {n}; use 1 to {n // 2}")


def coordinates_of(task: ModularTask) -> Coordinates:
    """Return the coordinates in which the task is addition.

    Raises:
        ConfigError: there are none.
    """
    found = find_coordinates(task.table)
    if found is None:
        raise ConfigError(
            f"{task.name} is not addition in any coordinates: Fourier measures are defined for sums, differences, "
            f"other linear forms, and products modulo a prime"
        )
    return found


def _scores(logits: Tensor, coordinates: Coordinates, train: Bool[Tensor, "p p"] | None) -> dict[str, float]:
    losses, margins = answer_losses(logits), logit_margins(logits).double()
    right = margins > 0
    row = {"loss": float(losses.mean()), "accuracy": accuracy(logits)}
    if train is not None:
        mask = coordinates.of_inputs(train)
        for name, part in (("train", mask), ("test", ~mask)):
            if part.any():
                row[f"{name}_loss"] = float(losses[part].mean())
                row[f"{name}_accuracy"] = float(right[part].double().mean())
    return {**row, "margin_mean": float(margins.mean()), "margin_min": float(margins.min())}


def _progress(
    logits: Tensor, coordinates: Coordinates, frequencies: Sequence[int], train: Bool[Tensor, "p p"] | None
) -> dict[str, float]:
    mask = None if train is None else coordinates.of_inputs(train)
    alignment = align(logits, frequencies)
    fit = clock_fit(alignment)
    row = {
        "restricted_loss": restricted_loss(logits, frequencies),
        "excluded_loss": excluded_loss(logits, frequencies, mask),
        "excluded_loss_cube": excluded_loss_of_cube(logits, frequencies, mask),
        "logit_fve": fit.fve,
        "pizza_fve": pizza_fit(alignment).fve,
    }
    row |= {f"excluded_loss_{k}": excluded_loss(logits, [k], mask) for k in frequencies}
    return row | {f"alpha_{k}": alpha for k, alpha in zip(fit.frequencies, fit.amplitudes, strict=True)}


def _neurons(post: Tensor) -> dict[str, float]:
    share = neuron_frequencies(post).share
    return {
        "neurons_in_clusters": float((share > CLUSTER_SHARE).double().mean()),
        "neuron_share_mean": float(share.mean()),
    }


def _weights(model: Transformer | MLP, task: ModularTask, coordinates: Coordinates, n_keys: int) -> dict[str, float]:
    row = {"gini_W_E": gini(transform(coordinate_embedding(model, coordinates).double()).norm(dim=1))}
    logit_map = neuron_logit_map(model, task.p)
    if logit_map is not None:
        over_answers = logit_map[:, coordinates.c].T.double()
        row["gini_W_L"] = gini(transform(over_answers).norm(dim=1))
        row["rest_W_L"] = effective_rank(over_answers, 2 * n_keys)[1]
        row["ipr_W_L"] = float(inverse_participation_ratio(over_answers).mean())
    squares = sums_of_squares(model)
    row["sum_of_squares"] = sum(squares.values())
    return row | {f"sum_of_squares.{name}": value for name, value in squares.items()}
