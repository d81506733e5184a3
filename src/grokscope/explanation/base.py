"""The explanation of a network: what it computes, and the evidence."""

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from grokscope.display import brief_repr, facts_table, list_table
from grokscope.errors import ConfigError, NotApplicableError
from grokscope.explanation.claims import DOES_TASK, Claim, Verdict, verdict
from grokscope.explanation.rows import NO_CONTROLS, ClaimRow, claim_row, quoted
from grokscope.explanation.subject import Subject

Facts = tuple[tuple[str, str], ...]
"""Names and what was found, in words."""


@dataclass(frozen=True)
class Findings:
    """A table of what was found, with a title."""

    title: str
    table: pd.DataFrame

    __repr__ = brief_repr


@dataclass(frozen=True, kw_only=True, repr=False)
class Explanation(ABC):
    """What a network computes, as far as it has been shown."""

    subject: str
    step: int | None
    accuracy: float
    """Over all pairs of residues, or over the scored places of fresh examples."""
    loss: float
    """Over the same, in nats; modulo p, of the p answers."""
    claims: tuple[Claim, ...]
    required: frozenset[str]
    """The claims, by id, without which a network is not even partly explained."""
    notes: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    network: Subject | None = field(default=None, compare=False)
    """What was explained."""

    @property
    @abstractmethod
    def headline(self) -> str:
        """What was found, in a few words."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """The verdict in a sentence: what was found, and which claims fail."""

    @abstractmethod
    def facts(self) -> Facts:
        """Return what was found besides the claims, as names and words; the terminal and pages show the same."""

    @abstractmethod
    def tables(self) -> tuple[Findings, ...]:
        """Return the numbers behind the claims."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON takes it; numbers that are not finite become null."""

    @property
    def key_frequencies(self) -> tuple[int, ...]:
        """The key frequencies that are claimed; empty where none were found, and of tasks that have none."""
        return ()

    def write_program(self, path: str | os.PathLike[str]) -> None:
        """Write what the network computes as a Python file that needs NumPy only.

        Raises:
            NotApplicableError: networks on this task cannot be written as a program.
        """
        raise NotApplicableError(
            f"only modular arithmetic can be written as a program; {self.subject} does {self.headline}"
        )

    @property
    def verdict(self) -> Verdict:
        """``explained``, ``partly explained`` or ``not explained``."""
        return verdict(self.claims, self.required)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write the page of the network that was explained, and return where it is: one HTML file that works offline.

        Raises:
            ConfigError: the explanation was not made by :func:`grokscope.explanation.explain`, so it has no network.
            RunError: the file cannot be written.

        Example:
            >>> explain(open_subject("model.pth")).report("model.html")
        """
        if self.network is None:
            raise ConfigError(f"the explanation of {self.subject} has lost its network; make it anew by explain()")
        # by name, and only now: pages are made of explanations, never the reverse, and who explains need not draw
        return import_module("grokscope.reports.foreign.page").write_network_page(self.network, self, path)

    def claim(self, id_: str) -> Claim | None:
        """Return the claim with this id; None where it was not tested."""
        return next((claim for claim in self.claims if claim.id == id_), None)

    @property
    def does_task(self) -> bool:
        """Whether it has been shown, with controls, that the network does its task."""
        task = self.claim(DOES_TASK)
        return task is not None and task.holds

    @property
    def misses_task(self) -> bool:
        """Whether the network does its task too rarely."""
        task = self.claim(DOES_TASK)
        return task is not None and not task.reached

    @property
    def has_circuit(self) -> bool:
        """Whether there is a circuit whose formation can be followed over training."""
        return self.does_task

    @property
    def measures_noun(self) -> str:
        """What ``grokscope measure`` gives of such a network, for sentences."""
        return "measures of the circuit"

    @property
    def measure_options(self) -> str:
        """The options that ``grokscope measure`` needs for this network, with a space before; empty if none."""
        return ""

    def claim_rows(self) -> tuple[ClaimRow, ...]:
        """Return the claims in words; the terminal, notebooks and pages show the same."""
        return tuple(claim_row(claim) for claim in self.claims)

    def which_fail(self) -> str:
        """Return how many claims fail, and which; or which required ones could not be tested."""
        failed = [claim.name for claim in self.claims if not claim.holds]
        if not failed:
            untested = self.required - {claim.id for claim in self.claims}
            return f"what could not be tested: {quoted(sorted(untested))}"
        fails = f"claims fail{'s' if len(failed) == 1 else ''}"
        return f"{len(failed)} of the {len(self.claims)} {fails}: {quoted(failed)}"

    def __repr__(self) -> str:
        holding = sum(claim.holds for claim in self.claims)
        result = f"{self.verdict}: {self.headline}; {holding} of {len(self.claims)} claims hold"
        return f"{type(self).__name__}({self.subject!r}, {result})"

    def _repr_html_(self) -> str:
        facts = [("network", self.subject), *self.facts(), *(("note", note) for note in self.notes)]
        headings = ("", "claim", "what was measured", "value", "needs", "controls, which must stay below")
        claims = list_table(headings, map(_cells, self.claim_rows()))
        return facts_table(f"{self.verdict.upper()} · {self.headline}", facts) + claims


def _cells(row: ClaimRow) -> tuple[str, ...]:
    result = "pass" if row.result == "pass" else "FAIL"
    controls = "; ".join(map(str, row.controls)) or NO_CONTROLS
    return result, row.statement, row.measured, row.value, row.needs, controls
