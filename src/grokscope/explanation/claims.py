"""Claims: what is asserted of a network, the number that decides it, and the controls that could have refuted it."""

import math
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["explained", "partly explained", "not explained"]


@dataclass(frozen=True)
class Control:
    """The same measurement where the claim must fail."""

    what: str
    value: float


@dataclass(frozen=True)
class Claim:
    """An assertion that holds if its value reaches the threshold and no control's does.

    A control that reaches the threshold too shows that the measurement does not tell a circuit from its absence;
    the claim then fails whatever its own value.
    """

    name: str
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


def score(value: float, threshold: float) -> str:
    """Return what a claim measured, with as many digits as show on which side of ``threshold`` it is.

    Only 1 is ever shown as 1.
    """
    if not math.isfinite(value):
        return str(value)
    if 0.9995 <= value < 1 and threshold < 0.9995:
        return f"{min(value, 0.9999):.4f}"
    for digits in range(0 if abs(value) >= 100 else 3, 12):
        text = f"{value:.{digits}f}"
        if (float(text) >= threshold) == (value >= threshold):
            return f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return repr(value)


def finite(value: float) -> float | None:
    """Return ``value``, or None for what JSON has no number for."""
    return value if math.isfinite(value) else None


def verdict(claims: Iterable[Claim], required: Collection[str]) -> Verdict:
    """Return ``explained`` if every claim holds, ``partly explained`` if the ``required`` ones do (by name)."""
    holding = {claim.name: claim.holds for claim in claims}
    if not all(holding.get(name, False) for name in required):
        return "not explained"
    return "explained" if all(holding.values()) else "partly explained"
