"""Which operation a network computes, found by trying candidates on the whole table."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from grokscope.display import brief_repr
from grokscope.tasks.modular.operations import NAMED, operation_table


@dataclass(frozen=True, eq=False)
class FoundOperation:
    """The candidate that a network's answers agree with most."""

    operation: str
    """A name or an expression in a, b and p, as ``task.operation`` takes it."""
    table: Int[Tensor, "p p"]
    agreement: float
    """Share of the p² pairs; about 1/p for a network at chance."""
    runner_up: float
    """The agreement of the next best candidate."""

    __repr__ = brief_repr


def find_operation(answers: Int[Tensor, "p p"]) -> FoundOperation:
    """Return the operation that gives most of ``answers``.

    Candidates are the named operations (sum, difference, product, x² + xy + y²) and every α·a + β·b + γ, whose
    coefficients are read off the answers by majority.
    """
    p = answers.shape[0]
    candidates = {name: operation_table(name, p, 0) for name in NAMED}
    alpha = int(((answers.roll(-1, 0) - answers) % p).mode(dim=0).values.mode().values)
    beta = int(((answers.roll(-1, 1) - answers) % p).mode(dim=1).values.mode().values)
    x = torch.arange(p)
    gamma = int(((answers - alpha * x[:, None] - beta * x) % p).flatten().mode().values)
    linear = (alpha * x[:, None] + beta * x + gamma) % p
    if (alpha or beta) and not any(torch.equal(linear, table) for table in candidates.values()):
        candidates[f"{alpha}*a + {beta}*b + {gamma}"] = linear
    scores = {name: float((answers == table).double().mean()) for name, table in candidates.items()}
    ranked = sorted(scores, key=lambda name: -scores[name])
    best = ranked[0]
    return FoundOperation(best, candidates[best], scores[best], scores[ranked[1]])
