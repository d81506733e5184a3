"""What induction heads should do: the rule that they implement, and the attention that follows from it."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.analysis.sequences.heads import (
    copying_scores,
    patterns,
    prefix_matching_scores,
    previous_token_scores,
    successors,
)
from grokscope.display import brief_repr
from grokscope.models import Transformer
from grokscope.tasks import Examples
from grokscope.tasks.examples import NO_TARGET


@dataclass(frozen=True, eq=False)
class Repeats:
    """Examples of repeated subsequences, with what an induction head would attend to."""

    examples: Examples
    matches: Bool[Tensor, "b n_ctx n_ctx"]
    """Which keys come right after an earlier occurrence of the query's token."""
    queries: Bool[Tensor, "b n_ctx"]
    """Where a repeated token is predicted."""

    __repr__ = brief_repr

    @classmethod
    def of(cls, examples: Examples, positions: tuple[int, ...]) -> "Repeats":
        """Return the matches in ``examples``, whose targets stand at ``positions``."""
        queries = torch.zeros(examples.tokens.shape, dtype=torch.bool)
        queries[:, list(positions)] = examples.targets != NO_TARGET
        return cls(examples, successors(examples.tokens), queries)

    @property
    def matching_pattern(self) -> Float[Tensor, "b n_ctx n_ctx"]:
        """The attention of an ideal induction head: evenly on every match, on the first token where there is none."""
        pattern = self.matches.float()
        pattern[:, :, 0] += (pattern.sum(2) == 0).float()
        return pattern / pattern.sum(2, keepdim=True)

    def rule(self) -> tuple[float, float]:
        """Return loss (nats) and accuracy of the induction rule.

        It predicts what followed earlier occurrences of the token, each with the same probability. Accuracy counts a
        tie among n tokens as 1/n. A network can do better: it may use more than one token of the past.
        """
        n_tokens = int(self.examples.tokens.max()) + 1
        followed = torch.zeros(int(self.queries.sum()), n_tokens, dtype=torch.float64)
        tokens = self.examples.tokens.unsqueeze(1).expand_as(self.matches)[self.queries]
        followed.scatter_add_(1, tokens, self.matches[self.queries].double())
        share = followed / followed.sum(1, keepdim=True)
        right = share.gather(1, self._targets().unsqueeze(1)).squeeze(1)
        best = share.amax(1)
        tied = (share == best.unsqueeze(1)).sum(1)
        return float(-right.log().mean()), float(((right == best).double() / tied).mean())

    def _targets(self) -> Int[Tensor, " scored"]:
        targets = self.examples.targets
        return targets[targets != NO_TARGET]


def at_distance(n_ctx: int, distance: int) -> Bool[Tensor, "n_ctx n_ctx"]:
    """Return for each query which key is ``distance`` places back."""
    places = torch.arange(n_ctx)
    return places.unsqueeze(1) - places == distance


@dataclass(frozen=True, eq=False)
class HeadScores:
    """Every head's scores, by layer and head."""

    previous_token: Float[Tensor, "layer h"]
    prefix_matching: Float[Tensor, "layer h"]
    copying: Float[Tensor, "layer h"]

    __repr__ = brief_repr


def head_scores(model: Transformer, repeats: Repeats) -> HeadScores:
    """Return the scores of every head on repeated subsequences."""
    found = patterns(model, repeats.examples.tokens)
    layers = range(len(found))
    return HeadScores(
        torch.stack([previous_token_scores(pattern) for pattern in found]),
        torch.stack([prefix_matching_scores(each, repeats.matches, repeats.queries) for each in found]),
        torch.stack([copying_scores(model, layer) for layer in layers]).float(),
    )


def uniform_previous_token_score(n_ctx: int) -> float:
    """Return the previous-token score of a head that attends evenly to all that it sees."""
    return sum(1 / (position + 1) for position in range(1, n_ctx)) / (n_ctx - 1)
