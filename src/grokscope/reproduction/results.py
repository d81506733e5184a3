"""What a reproduction found: each published number, ours over the seeds, and whether they agree."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from grokscope.reproduction.agreement import extents, numbers
from grokscope.reproduction.catalogue import Item
from grokscope.reproduction.plan import Plan

Verdict = Literal["agrees", "differs", "too early", "not measured", "not run"]


@dataclass(frozen=True)
class Value:
    """What was measured of one run."""

    value: Any
    """None where it could not be measured."""
    step: int
    """The run's last."""


@dataclass(frozen=True, eq=False)
class Result:
    """One published number beside ours."""

    item: Item
    values: Mapping[int, Value] = field(default_factory=dict)
    """By seed, of the runs that have ended."""

    @property
    def verdict(self) -> Verdict:
        """Whether the two agree; or why that cannot be said."""
        if not self.values:
            return "not run"
        if self.item.at is not None and min(each.step for each in self.values.values()) < self.item.at:
            return "too early"
        if any(value is None for value in self.found):
            return "differs" if self.item.measurement.is_event else "not measured"
        return "agrees" if self.item.rule.agrees(self.item.published, self.found) else "differs"

    @property
    def found(self) -> list[Any]:
        """The values by seed."""
        return [each.value for _, each in sorted(self.values.items())]

    @property
    def measured(self) -> str:
        """The values in words: of several seeds the median, and the lowest and highest."""
        measurement, known = self.item.measurement, [value for value in self.found if value is not None]
        if not known:
            return measurement.absent if self.values else ""
        texts = [measurement.text(value) for value in known]
        if len(set(texts)) == 1:
            return texts[0]
        if isinstance(known[0], str) or len({len(numbers(value)) for value in known}) > 1:
            return "; ".join(f"{text} ({n} of {len(texts)})" for text, n in Counter(texts).most_common())
        middle = [statistics.median(each) for each in zip(*map(numbers, known), strict=True)]
        low, high = zip(*extents(known), strict=True)
        middle, low, high = (measurement.text(_like(known[0], each)) for each in (middle, low, high))
        return f"{middle} ({low} … {high})"

    @property
    def why(self) -> str:
        """What a reader must know of the verdict."""
        steps = sorted({each.step for each in self.values.values()})
        match self.verdict:
            case "too early":
                return f"published of step {self.item.at:,}, ours of step {steps[0]:,}"
            case "differs":
                return self.item.note or "open"
            case "agrees":
                return self.item.rule.reason
            case _:
                return ""


@dataclass(frozen=True, eq=False)
class Reproduction:
    """The results of all items of a plan."""

    plan: Plan
    results: tuple[Result, ...]
    is_complete: bool = True
    """Whether every run has ended."""

    @property
    def counts(self) -> Counter[str]:
        """How many items have which verdict."""
        return Counter(result.verdict for result in self.results)

    @property
    def table(self) -> pd.DataFrame:
        """A row an item. Numbers of several parts, and words, have no ``median``, ``low`` and ``high``."""
        return pd.DataFrame([_row(result) for result in self.results])


def _row(result: Result) -> dict[str, Any]:
    item, known = result.item, [value for value in result.found if isinstance(value, int | float)]
    return {
        "item": item.id,
        "what": item.measurement.what,
        "source": item.source,
        "published": item.measurement.told(item.published),
        "measured": result.measured,
        "median": statistics.median(known) if known else float("nan"),
        "low": min(known, default=float("nan")),
        "high": max(known, default=float("nan")),
        "seeds": len(result.values),
        "verdict": result.verdict,
        "rule": str(item.rule),
        "reason": item.rule.reason,
        "why": result.why,
    }


def _like(value: Any, components: Sequence[float]) -> Any:
    """Return numbers in the form of ``value``: one or several, whole or not."""
    if not isinstance(value, Sequence):
        return round(components[0]) if isinstance(value, int) else components[0]
    return tuple(
        None if number != number else round(number) if isinstance(part, int) else number  # NaN
        for part, number in zip(value, components, strict=True)
    )
