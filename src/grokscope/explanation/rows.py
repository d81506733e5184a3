"""Claims in words: the rows that a terminal, a notebook and a page show of them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from grokscope import formatting
from grokscope.explanation.claims import Claim

NO_CONTROLS = "none could be made"
"""What stands in place of controls where there are none."""


@dataclass(frozen=True)
class ControlRow:
    """A control of a claim."""

    what: str
    value: str
    reaches: bool
    """Whether it reaches the claim's threshold, which it must not."""

    def __str__(self) -> str:
        return f"{self.what}{' (reaches it)' if self.reaches else ''} {self.value}"


@dataclass(frozen=True)
class ClaimRow:
    """A claim, every part of it as text."""

    result: Literal["pass", "fail"]
    name: str
    statement: str
    measured: str
    """What was measured, and further numbers in parentheses."""
    value: str
    needs: str
    controls: tuple[ControlRow, ...]


def claim_row(claim: Claim) -> ClaimRow:
    """Return the row of ``claim``."""
    detail = f" ({claim.detail})" if claim.detail else ""
    return ClaimRow(
        result="pass" if claim.holds else "fail",
        name=claim.name,
        statement=claim.statement,
        measured=f"{claim.measure}{detail}",
        value=score(claim.value, claim.threshold),
        needs=f"≥\N{NO-BREAK SPACE}{claim.threshold:g}",
        controls=tuple(
            ControlRow(control.what, score(control.value, claim.threshold), control in claim.failing_controls)
            for control in claim.controls
        ),
    )


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


def quoted(names: Iterable[str]) -> str:
    """Return names of claims as a list: ``“task” and “sparse”``."""
    return formatting.listed(f"“{name}”" for name in names)
