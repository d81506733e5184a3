"""What a network on sequences computes, in words: its circuit, and the tables behind the claims."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grokscope.explanation import CircuitExplanation
from grokscope.explanation.base import Findings
from grokscope.reports import formatting
from grokscope.reports.claims import misses_task, quoted, which_fail
from grokscope.reports.provenance import Facts


@dataclass(frozen=True)
class FoundTable:
    """A table of what was found, as text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The first cell of each says what the row is of."""


def circuit_verdict(explanation: CircuitExplanation) -> str:
    """Return the verdict: the task, the circuit that was tested, and which claims fail."""
    task, circuit, claims = explanation.task, explanation.circuit, explanation.claims
    if explanation.verdict == "explained":
        return f"Explained: {task}, by this circuit: {circuit}. All {len(claims)} claims hold."
    if explanation.verdict == "partly explained":
        needed = quoted(claim.name for claim in claims if claim.name in explanation.required)
        return (
            f"Partly explained: {task}. Of the circuit that was tested, {circuit}, the claims that it stands on hold, "
            f"{needed}; but {which_fail(explanation)}."
        )
    if misses_task(explanation):
        right = formatting.percent(explanation.accuracy)
        return f"Not explained: the network does not do the task, {task}; on fresh examples {right} is right."
    return f"Not explained: the network does the task, {task}, but {which_fail(explanation)}."


def circuit_facts(explanation: CircuitExplanation) -> Facts:
    """Return what was found besides the claims."""
    right, loss = formatting.percent(explanation.accuracy), formatting.loss(explanation.loss)
    at = () if explanation.step is None else (("Network", f"of {formatting.step(explanation.step)}"),)
    return (
        *at,
        ("Task", explanation.task),
        ("FourierSummary tested", explanation.circuit),
        ("Accuracy", f"{right} of what is to be predicted in fresh examples, loss {loss}"),
        *((name[:1].upper() + name[1:], value) for name, value in explanation.facts),
    )


def found_tables(findings: Sequence[Findings]) -> tuple[FoundTable, ...]:
    """Return the tables with every number to three digits."""
    return tuple(
        FoundTable(
            each.title,
            tuple(str(name) for name in each.table.columns),
            tuple(tuple(_cell(value) for value in row) for row in each.table.itertuples(index=False, name=None)),
        )
        for each in findings
    )


def _cell(value: object) -> str:
    return formatting.number(float(value)) if isinstance(value, float | np.floating) else str(value)
