"""Each frequency's circle in the embedding, alone: what the network makes of it.

Whole logits do not tell a pizza from a clock: several pizzas of one frequency, their envelopes shifted against each
other, add up to a clock. One circle at a time does.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.fourier import frequency_rows, transform
from grokscope.analysis.modular.coordinates import Coordinates
from grokscope.analysis.modular.logit_fits import align, clock_fit, pizza_fit
from grokscope.analysis.precision import widened_network
from grokscope.models import MLP, Transformer
from grokscope.tasks import ModularTask


@dataclass(frozen=True)
class CircleFit:
    """How well both formulas describe the network that sees one circle only."""

    frequency: int
    clock_fve: float
    pizza_fve: float
    share: float
    """Of the squared amplitudes of all circles in the whole network's logits."""


@torch.no_grad()
def circle_fits(
    model: Transformer | MLP,
    task: ModularTask,
    coordinates: Coordinates,
    logits: Float[Tensor, "n n n"],
    frequencies: Sequence[int],
) -> list[CircleFit]:
    """Return the fits of the clock and the pizza to each frequency's circle.

    The embeddings of all residues are projected on the plane that one frequency spans among them (their mean is
    kept). Of the logits that the network then gives, less their mean over all inputs, the FVE of
    cos(w_k(i + j − c)) and of |cos(w_k(i − j)/2)| cos(w_k(i + j − c)).

    Args:
        model: the network; it is left as it is.
        task: gives the inputs.
        coordinates: of the operation.
        logits: of the whole network, in coordinates.
        frequencies: one circle each.

    Source: Zhong et al. (2023), section 4, who take principal components for the planes.
    """
    amplitudes = clock_fit(align(logits, frequencies)).amplitudes
    total = sum(alpha**2 for alpha in amplitudes)
    fits = []
    for k, alpha in zip(frequencies, amplitudes, strict=True):
        alone = coordinates.of_logits(all_pairs_table(with_circle(model, coordinates, k), task).logits)
        alignment = align(alone - alone.mean((0, 1)), [k])
        share = alpha**2 / total if total > 0 else 0.0
        fits.append(CircleFit(k, clock_fit(alignment).fve, pizza_fit(alignment).fve, share))
    return fits


def with_circle(model: Transformer | MLP, coordinates: Coordinates, k: int) -> Transformer | MLP:
    """Return a copy of the network that sees only what one frequency's circle says of each residue."""
    return with_plane(model, coordinates, lambda embedding: _plane(embedding, coordinates, k))


def with_plane(
    model: Transformer | MLP,
    coordinates: Coordinates,
    plane_of: Callable[[Float[Tensor, "d_vocab d_model"]], Float[Tensor, "d_model r"]],
) -> Transformer | MLP:
    """Return a copy of the network whose residues' embeddings vary in a plane only, around their mean.

    Args:
        model: the network; it is left as it is.
        coordinates: which residues.
        plane_of: from an embedding matrix (an MLP may have one for each operand) to orthonormal columns.
    """
    copied = copy.deepcopy(widened_network(model))
    embeddings = copied.embed.W_E if copied.embed.W_E.ndim == 3 else copied.embed.W_E.unsqueeze(0)
    for embedding in embeddings:
        residues, plane = embedding[coordinates.a], plane_of(embedding).to(embedding.dtype)
        mean = residues.mean(0)
        embedding[coordinates.a] = mean + (residues - mean) @ plane @ plane.T
    return copied


def _plane(embedding: Float[Tensor, "d_vocab d_model"], coordinates: Coordinates, k: int) -> Float[Tensor, "d_model r"]:
    # where the operands' coordinates differ, so may the planes of one frequency
    same = torch.equal(coordinates.a, coordinates.b)
    axes = [coordinates.a] if same else [coordinates.a, coordinates.b]
    planes = [transform(embedding[axis].double())[frequency_rows(coordinates.n, k)] for axis in axes]
    return torch.linalg.qr(torch.cat(planes).T)[0]
