"""Claims: what is asserted of a network, the number that decides it, and the controls that could have refuted it."""

import math
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from grokscope.run.tables import Verdict as Verdict

DOES_TASK = "task"
"""The id, in every explanation, of the claim that the network does its task."""


@dataclass(frozen=True)
class Control:
    """The same measurement where the claim must fail."""

    what: str
    value: float


@dataclass(frozen=True)
class Claim:
    """An assertion that holds if its value reaches the threshold and no control's does.

    A control that reaches the threshold too shows that the measurement does not tell a circuit from its absence;
    the claim then fails whatever its own value. A :class:`ClaimSpec` makes it.
    """

    id: str
    """Stays the same when texts are reworded; differs from that of every other claim of an explanation."""
    name: str
    """A few words by which texts refer to it."""
    statement: str
    """What is claimed, in a sentence."""
    measure: str
    """What the value is."""
    value: float
    threshold: float
    controls: tuple[Control, ...]
    detail: str = ""
    """Further numbers, in words."""

    @property
    def reached(self) -> bool:
        """Whether the value reaches the threshold."""
        return self.value >= self.threshold

    @property
    def failing_controls(self) -> tuple[Control, ...]:
        """The controls that reach the threshold, which they must not."""
        return tuple(control for control in self.controls if not control.value < self.threshold)

    @property
    def holds(self) -> bool:
        """Whether the claim has stood its test; one without a control has not been tested."""
        return self.reached and bool(self.controls) and not self.failing_controls

    def to_dict(self) -> dict[str, Any]:
        """Return the claim as JSON takes it."""
        fields = asdict(self)
        fields["value"] = finite(self.value)
        fields["controls"] = [{"what": c.what, "value": finite(c.value)} for c in self.controls]
        return {**fields, "pass": self.holds}


@dataclass(frozen=True)
class ClaimSpec:
    """A claim before it is tested: its texts and its threshold, each written once.

    ``statement`` and ``measure`` may have fields in braces, which :meth:`filled` replaces.

    Example:
        >>> spec = ClaimSpec("sparse", "sparse", "Its logits hold few frequencies", "share of the logits' power", 0.9)
        >>> spec.tested(0.97, [Control("untrained network", 0.12)]).holds
        True
    """

    id: str
    """Of the claim: lower-case words with hyphens."""
    label: str
    """The claim's name: a few words."""
    statement: str
    measure: str
    threshold: float
    required: bool = False
    """Whether a network is not even partly explained without it."""

    def filled(self, **words: object) -> "ClaimSpec":
        """Return the specification with the fields of its texts replaced."""
        return replace(self, statement=self.statement.format(**words), measure=self.measure.format(**words))

    def tested(self, value: float, controls: Iterable[Control], detail: str = "") -> Claim:
        """Return the claim with what was measured.

        Args:
            value: what :attr:`measure` says.
            controls: the same measurement where the claim must fail; without one, the claim does not hold.
            detail: further numbers, in words.
        """
        return Claim(self.id, self.label, self.statement, self.measure, value, self.threshold, tuple(controls), detail)

    def not_measurable(self, reason: str) -> Claim:
        """Return the claim as failed because there is nothing that could be measured; ``reason`` says why."""
        return self.tested(0.0, (), f"not measured: {reason}")


def required_ids(specs: Iterable[ClaimSpec]) -> frozenset[str]:
    """Return the ids of the claims without which a network is not even partly explained."""
    return frozenset(spec.id for spec in specs if spec.required)


def finite(value: float) -> float | None:
    """Return ``value``, or None for what JSON has no number for."""
    return value if math.isfinite(value) else None


def verdict(claims: Iterable[Claim], required: Collection[str]) -> Verdict:
    """Return ``explained`` if every claim holds, ``partly explained`` if the ``required`` ones do (by id)."""
    holding = {claim.id: claim.holds for claim in claims}
    if not all(holding.get(id_, False) for id_ in required):
        return "not explained"
    return "explained" if all(holding.values()) else "partly explained"
