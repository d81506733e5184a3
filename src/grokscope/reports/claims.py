"""Claims and their controls as a reader sees them, whatever they are claims of."""

from collections.abc import Iterable
from dataclasses import dataclass

from grokscope.explanation import Claim, Explanation
from grokscope.explanation.claims import score
from grokscope.reports import formatting


@dataclass(frozen=True)
class TestedClaim:
    """A row of the table of claims."""

    result: str
    """``pass`` or ``fail``."""
    name: str
    statement: str
    measured: str
    value: str
    needs: str
    controls: tuple[tuple[str, str], ...]
    """What each is, and its value; of one that reaches the threshold that is said."""


def tested_claim(claim: Claim) -> TestedClaim:
    """Return the row of ``claim``."""

    def shown(value: float) -> str:
        return score(value, claim.threshold)

    controls = tuple(
        (f"{control.what}{' (reaches it)' if control in claim.failing_controls else ''}", shown(control.value))
        for control in claim.controls
    )
    detail = f" ({claim.detail})" if claim.detail else ""
    return TestedClaim(
        result="pass" if claim.holds else "fail",
        name=claim.name,
        statement=claim.statement,
        measured=f"{claim.measure}{detail}",
        value=shown(claim.value),
        needs=f"≥ {claim.threshold:g}",
        controls=controls or (("none could be made", ""),),
    )


def quoted(names: Iterable[str]) -> str:
    """Return names of claims as a list: ``“task” and “sparse”``."""
    return formatting.listed(f"“{name}”" for name in names)


def which_fail(explanation: Explanation) -> str:
    """Return how many claims fail, and which; or which could not be tested, of those without which nothing is."""
    failed = [claim.name for claim in explanation.claims if not claim.holds]
    if not failed:
        untested = explanation.required - {claim.name for claim in explanation.claims}
        return f"what could not be tested: {quoted(sorted(untested))}"
    fails = f"claims fail{'s' if len(failed) == 1 else ''}"
    return f"{len(failed)} of the {len(explanation.claims)} {fails}: {quoted(failed)}"


def misses_task(explanation: Explanation) -> bool:
    """Return whether the network does its task too rarely."""
    return any(claim.name == "task" and not claim.reached for claim in explanation.claims)


def does_task(explanation: Explanation | None) -> bool:
    """Return whether it has been shown, with controls, that the network does its task."""
    return explanation is not None and any(claim.name == "task" and claim.holds for claim in explanation.claims)
