"""What a network computes and how sure that is, in words: the verdict, the claims and their controls."""

from dataclasses import dataclass

from grokscope.explanation import CircuitExplanation, Explanation, ModularExplanation
from grokscope.reports.claims import TestedClaim, tested_claim
from grokscope.reports.provenance import Facts
from grokscope.reports.run.circuit_evidence import FoundTable, circuit_facts, circuit_verdict, found_tables
from grokscope.reports.run.modular_evidence import modular_facts, modular_verdict


@dataclass(frozen=True)
class Evidence:
    """What a section on the network's algorithm says, in its order; texts are plain, not HTML."""

    verdict: str
    """Or why there is none."""
    facts: Facts = ()
    claims: tuple[TestedClaim, ...] = ()
    history: tuple[str, ...] = ()
    """What is known of earlier steps, or how to add it."""
    notes: tuple[str, ...] = ()
    tables: tuple[FoundTable, ...] = ()
    """What the claims rest on; shown with what the network looks like."""


def evidence(explanation: Explanation) -> Evidence:
    """Return the words for ``explanation``.

    Raises:
        TypeError: there are no words for an explanation of this kind.
    """
    match explanation:
        case ModularExplanation():
            verdict, facts, tables = modular_verdict(explanation), modular_facts(explanation), ()
        case CircuitExplanation():
            verdict, facts = circuit_verdict(explanation), circuit_facts(explanation)
            tables = found_tables(explanation.findings)
        case _:
            raise TypeError(f"a report has no words for a {type(explanation).__name__}")
    return Evidence(
        verdict=verdict,
        facts=facts,
        claims=tuple(tested_claim(claim) for claim in explanation.claims),
        notes=explanation.notes,
        tables=tables,
    )
