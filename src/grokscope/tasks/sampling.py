"""Examples drawn at random: an infinite stream or a finite set, and a test set that neither ever touches."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Int
from pydantic import Field, StrictInt
from torch import Tensor

from grokscope.errors import ConfigError
from grokscope.randomness import stream
from grokscope.tasks.batches import Batches, FullBatch, MiniBatches, Stream
from grokscope.tasks.config import DataConfig
from grokscope.tasks.examples import Examples

Draw = Callable[[int, torch.Generator], Examples]
"""Returns so many independent examples."""

FULLEST = 0.9
"""Of all examples that there are, at most this share is drawn: a rest must be left, or drawing anew takes forever."""


class FiniteSamples(DataConfig):
    """Distinct examples to train on again and again, and others to test on."""

    kind: Literal["finite"] = "finite"
    train_size: StrictInt = Field(default=512, ge=1, description="examples that are trained on")
    test_size: StrictInt = Field(default=1024, ge=1, description="examples that are tested on, none of them trained on")
    batch_size: StrictInt | None = Field(
        default=None, ge=1, description="examples in a step; null trains on all of them at once"
    )

    @property
    def summary(self) -> str:
        """The amount of data, for people."""
        return f"{self.train_size:,} examples"


class InfiniteSamples(DataConfig):
    """Examples drawn afresh for every step, none of them in the test set."""

    kind: Literal["infinite"] = "infinite"
    batch_size: StrictInt = Field(default=128, ge=1, description="examples in a step")
    test_size: StrictInt = Field(default=1024, ge=1, description="examples that are tested on, none of them trained on")

    @property
    def summary(self) -> str:
        """The amount of data, for people."""
        return "infinite data"


@dataclass(frozen=True, eq=False)
class Sampled:
    """What a run draws from: as :class:`grokscope.tasks.Task` has it."""

    train: Examples | None
    test: Examples
    batches: Batches


def sampled(
    data: FiniteSamples | InfiniteSamples, draw: Draw, *, n_possible: int, split_seed: int, data_seed: int
) -> Sampled:
    """Return training and test data of which no example is in both.

    Args:
        data: how many, and whether training data end.
        draw: draws examples at random.
        n_possible: how many different examples there are.
        split_seed: draws the test set, and the finite training set.
        data_seed: draws batches.

    Raises:
        ConfigError: more examples are wanted than :data:`FULLEST` of those that there are.
    """
    wanted = data.test_size + (data.train_size if isinstance(data, FiniteSamples) else 0)
    if wanted / FULLEST > n_possible:  # divided: there may be more examples than a float can count
        raise ConfigError(
            f"{wanted:,} different examples are wanted and there are {n_possible:,}; lower task.data.test_size"
            f"{' or task.data.train_size' if isinstance(data, FiniteSamples) else ''}, or make the task larger"
        )
    drawn = draw_distinct(draw, wanted, stream("split", split_seed))
    if isinstance(data, FiniteSamples):
        train = drawn.select(torch.arange(data.train_size))
        test = drawn.select(torch.arange(data.train_size, wanted))
        whole = data.batch_size is None or data.batch_size >= data.train_size
        batches = FullBatch(train) if whole else MiniBatches(train, data.batch_size or 1, data_seed)
        return Sampled(train, test, batches)
    tested = identities(drawn).sort().values

    def draw_untested(size: int, generator: torch.Generator) -> Examples:
        return _without(draw, draw(size, generator), generator, lambda batch: is_among(batch, tested))

    return Sampled(None, drawn, Stream(draw_untested, data.batch_size, data_seed))


def draw_distinct(draw: Draw, size: int, generator: torch.Generator) -> Examples:
    """Return ``size`` examples of which no two are equal."""
    return _without(draw, draw(size, generator), generator, _repeats)


def identities(examples: Examples) -> Int[Tensor, " example"]:
    """Return a number for each example, the same for the same tokens.

    Different ones share a number with a chance of about 2⁻⁶⁴ a pair; an example is then drawn again for no reason.
    """
    n_ctx = examples.tokens.shape[1]
    weights = torch.randint(-(2**63), 2**63 - 1, (n_ctx,), generator=stream("identities", n_ctx))
    return (examples.tokens * weights.to(examples.tokens.device)).sum(1)


def is_among(examples: Examples, known: Int[Tensor, " known"]) -> Bool[Tensor, " example"]:
    """Return which examples have one of the ``known`` identities, given in ascending order."""
    found = identities(examples)
    place = torch.searchsorted(known, found).clamp_(max=len(known) - 1)
    return known[place] == found


def _repeats(examples: Examples) -> Bool[Tensor, " example"]:
    """Return which examples have occurred before in the same set."""
    ascending, order = identities(examples).sort(stable=True)
    repeated = torch.zeros(len(examples), dtype=torch.bool)
    repeated[order[1:]] = ascending[1:] == ascending[:-1]
    return repeated


def _without(
    draw: Draw, batch: Examples, generator: torch.Generator, unwanted: Callable[[Examples], Bool[Tensor, " example"]]
) -> Examples:
    """Return ``batch`` with every unwanted example drawn anew until none is left."""
    while bool((bad := unwanted(batch)).any()):
        batch = batch.replaced(bad.nonzero().squeeze(1), draw(int(bad.sum()), generator))
    return batch
