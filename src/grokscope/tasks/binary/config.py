"""Settings that every binary operation has."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from grokscope.tasks.config import DataConfig


class FiniteData(DataConfig):
    """A random share of all pairs to train on; the rest is the test set."""

    kind: Literal["finite"] = "finite"
    train_fraction: float = Field(
        default=0.3, gt=0, le=1, description="share of all pairs that is trained on; 1 leaves no test set"
    )
    batch_size: StrictInt | None = Field(
        default=None, ge=1, description="pairs in a step; null trains on all of them at once"
    )

    @property
    def summary(self) -> str:
        """The amount of data, for people."""
        return f"{self.train_fraction:.4g} of the pairs"

    def n_train(self, n_pairs: int) -> int:
        """Return how many of ``n_pairs`` are trained on.

        Raises:
            ValueError: none is.
        """
        n_train = int(self.train_fraction * n_pairs)
        if n_train < 1:
            raise ValueError(
                f"train_fraction {self.train_fraction} of the {n_pairs} pairs leaves nothing to train on; "
                f"use at least {1 / n_pairs:.2g}"
            )
        return n_train


class InfiniteData(DataConfig):
    """Pairs drawn afresh for every step, with replacement; all pairs are the test set."""

    kind: Literal["infinite"] = "infinite"
    batch_size: StrictInt = Field(default=1024, ge=1, description="pairs in a step")

    @property
    def summary(self) -> str:
        """The amount of data, for people."""
        return "infinite data"


PairData = Annotated[FiniteData | InfiniteData, Field(discriminator="kind")]
"""The field ``data`` of a binary operation."""

EqualsToken = Annotated[bool, Field(description="append the token '=', at whose position the answer is read")]
"""The field ``equals_token`` of a binary operation."""


def check_test_pairs(data: FiniteData | InfiniteData, n_pairs: int) -> None:
    """Raise unless some of ``n_pairs`` are left to test on.

    Raises:
        ValueError: all of them are trained on.
    """
    if isinstance(data, FiniteData) and data.n_train(n_pairs) == n_pairs:
        raise ValueError(
            f"stop.test_loss and stop.test_accuracy need a test set, and train_fraction {data.train_fraction} "
            f"leaves none; lower it, or stop by steps alone"
        )
