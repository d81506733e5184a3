"""What a network computes and how sure that is, as a page shows it: the verdict, the claims and their controls."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grokscope import formatting
from grokscope.explanation import Explanation
from grokscope.explanation.base import Findings
from grokscope.explanation.rows import ClaimRow
from grokscope.reports.provenance import Facts


@dataclass(frozen=True)
class FoundTable:
    """A table of what was found, as text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The first cell of each says what the row is of."""


@dataclass(frozen=True)
class Evidence:
    """What a section on the network's algorithm says, in its order; texts are plain, not HTML."""

    verdict: str
    """Or why there is none."""
    facts: Facts = ()
    claims: tuple[ClaimRow, ...] = ()
    history: tuple[str, ...] = ()
    """What is known of earlier steps, or how to add it."""
    notes: tuple[str, ...] = ()
    tables: tuple[FoundTable, ...] = ()
    """What the claims rest on; shown with what the network looks like."""


def evidence(explanation: Explanation) -> Evidence:
    """Return the words for ``explanation``."""
    network = () if explanation.step is None else (("Network", f"of {formatting.step(explanation.step)}"),)
    return Evidence(
        verdict=explanation.summary,
        facts=(*network, *((name[:1].upper() + name[1:], text) for name, text in explanation.facts())),
        claims=explanation.claim_rows(),
        notes=explanation.notes,
        tables=found_tables(explanation.tables()),
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
