"""Networks, frequencies and subspaces that have not the circuit, to be put through the same tests."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.modular.coordinates import Coordinates
from grokscope.analysis.modular.sum_directions import random_frequencies, sum_index
from grokscope.display import brief_repr
from grokscope.explanation.untrained import untrained_twin
from grokscope.models import MLP, Transformer
from grokscope.randomness import stream
from grokscope.tasks import ModularTask

N_DRAWS = 5
"""Random frequencies and subspaces are drawn so often; the draw that comes nearest to refuting the claim counts."""


@dataclass(frozen=True, eq=False)
class ControlNetwork:
    """A network that does not have the circuit, by its logits on all pairs."""

    name: str
    logits: Float[Tensor, "n n n"]
    knows_answers: bool = False
    """It gives every answer by rote, so that it is no control where answers alone are counted."""

    __repr__ = brief_repr


def untrained(model: Transformer | MLP, task: ModularTask, coordinates: Coordinates, *, seed: int) -> ControlNetwork:
    """Return a network of the same shape with fresh weights."""
    return ControlNetwork(
        "untrained network", coordinates.of_logits(all_pairs_table(untrained_twin(model, seed=seed), task).logits)
    )


def lookup_table(logits: Float[Tensor, "n n n"]) -> ControlNetwork:
    """Return a lookup table: all right, all wrong answers alike, with noise; as large as ``logits``.

    What a perfect memoriser would give. It has every frequency in the same strength.
    """
    n = logits.shape[0]
    generator = stream("lookup-noise", 0)
    table = torch.nn.functional.one_hot(sum_index(n), n).to(logits.dtype)
    table = table + 0.01 * torch.randn(n, n, n, generator=generator)
    return ControlNetwork("lookup table", table * (logits.std() / table.std()), knows_answers=True)


def frequency_draws(n: int, frequencies: Sequence[int], *, seed: int) -> list[tuple[int, ...]]:
    """Return random sets of as many other frequencies; none where there are not so many."""
    generator = stream("control-frequencies", seed)
    draws = [random_frequencies(n, len(frequencies), besides=frequencies, generator=generator) for _ in range(N_DRAWS)]
    return sorted({draw for draw in draws if draw is not None})


def subspace_draws(n_dimensions: int, rank: int, *, seed: int) -> list[Float[Tensor, "m r"]]:
    """Return random subspaces of ``rank`` as orthonormal columns."""
    generator = stream("control-subspaces", seed)
    return [torch.linalg.qr(torch.randn(n_dimensions, rank, generator=generator))[0] for _ in range(N_DRAWS)]
