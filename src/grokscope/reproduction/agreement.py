"""Rules by which measured values agree with a published one, each with the reason for its tolerance."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """When the values of all seeds agree with the published value."""

    reason: str
    """Why it is this rule, and this tolerance."""

    def agrees(self, published: Any, found: Sequence[Any]) -> bool:
        """Return whether the values found, one a seed, agree with the published one."""
        return self._holds(published, found)

    def _holds(self, published: Any, found: Sequence[Any]) -> bool:
        raise NotImplementedError

    def __str__(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True)
class Same(Rule):
    """Every seed has the published value; the order of several does not matter."""

    def _holds(self, published: Any, found: Sequence[Any]) -> bool:
        return all(_unordered(each) == _unordered(published) for each in found)

    def __str__(self) -> str:
        return "if it is the same"


@dataclass(frozen=True)
class Within(Rule):
    """The published number lies among those of the seeds, or at most ``difference`` beyond."""

    difference: float

    def _holds(self, published: Any, found: Sequence[Any]) -> bool:
        return all(low - self.difference <= number <= high + self.difference
                   for number, (low, high) in zip(numbers(published), extents(found), strict=True))  # fmt: skip

    def __str__(self) -> str:
        return f"within {self.difference:g}"


@dataclass(frozen=True)
class Factor(Rule):
    """The published number lies among those of the seeds, or at most ``factor`` times beyond."""

    factor: float

    def _holds(self, published: Any, found: Sequence[Any]) -> bool:
        return all(low / self.factor <= number <= high * self.factor
                   for number, (low, high) in zip(numbers(published), extents(found), strict=True))  # fmt: skip

    def __str__(self) -> str:
        return f"within a factor of {self.factor:g}"


@dataclass(frozen=True)
class Between(Rule):
    """The median of the seeds lies in the published range."""

    def _holds(self, published: Any, found: Sequence[Any]) -> bool:
        low, high = published
        return low <= statistics.median(found) <= high

    def __str__(self) -> str:
        return "if the median is in the published range"


@dataclass(frozen=True)
class AtMost(Rule):
    """No seed has more than the published bound."""

    def _holds(self, published: Any, found: Sequence[Any]) -> bool:
        return max(found) <= published

    def __str__(self) -> str:
        return "if it is at most the published bound"


def numbers(value: Any) -> list[float]:
    """Return the numbers that a value consists of, in order; NaN for one that could not be measured."""
    if isinstance(value, Mapping):
        return [number for each in value.values() for number in _known(each)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [float("nan") if each is None else float(each) for each in value]
    return [float(value)]


def _known(value: Any) -> list[float]:
    """Return the numbers of one published entry, of which parts may not have been published."""
    return numbers([each for each in value if each is not None] if isinstance(value, tuple) else value)


def extents(found: Sequence[Any]) -> list[tuple[float, float]]:
    """Return the lowest and the highest of each number over the seeds; NaN where a seed could not be measured."""
    return [
        (math.nan, math.nan) if any(map(math.isnan, each)) else (min(each), max(each))
        for each in zip(*map(numbers, found), strict=True)
    ]


def _unordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
