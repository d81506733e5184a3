"""The explanation of a network on sequences."""

from dataclasses import dataclass
from typing import Any

from grokscope import formatting
from grokscope.explanation.base import Explanation, Facts, Findings
from grokscope.explanation.claims import finite
from grokscope.explanation.rows import quoted


@dataclass(frozen=True, kw_only=True, repr=False)
class CircuitExplanation(Explanation):
    """The explanation of a network on sequences: which heads or columns do what."""

    task: str
    circuit: str
    """The circuit that was tested, in a few words."""
    circuit_facts: Facts = ()
    """What was found of it."""
    findings: tuple[Findings, ...] = ()

    @property
    def headline(self) -> str:
        """What was found, in a few words."""
        return self.task if self.verdict == "not explained" else f"{self.task}, {self.circuit}"

    @property
    def summary(self) -> str:
        """The verdict in a sentence: the task, the circuit that was tested, and which claims fail."""
        if self.verdict == "explained":
            return f"Explained: {self.task}, by this circuit: {self.circuit}. All {len(self.claims)} claims hold."
        if self.verdict == "partly explained":
            needed = quoted(claim.name for claim in self.claims if claim.id in self.required)
            return (
                f"Partly explained: {self.task}. Of the circuit that was tested, {self.circuit}, the claims that it "
                f"stands on hold, {needed}; but {self.which_fail()}."
            )
        if self.misses_task:
            right = formatting.percent(self.accuracy)
            return f"Not explained: the network does not do the task, {self.task}; on fresh examples {right} is right."
        return f"Not explained: the network does the task, {self.task}, but {self.which_fail()}."

    def facts(self) -> Facts:
        """Return what was found besides the claims, as names and words."""
        right, loss = formatting.percent(self.accuracy), formatting.loss(self.loss)
        return (
            ("task", self.task),
            ("circuit tested", self.circuit),
            ("accuracy", f"{right} of what is to be predicted in fresh examples, loss {loss}"),
            *self.circuit_facts,
        )

    def tables(self) -> tuple[Findings, ...]:
        """Return what was found of each head, digit or token."""
        return self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON takes it; numbers that are not finite become null."""
        return {
            "verdict": self.verdict,
            "task": self.task,
            "circuit": self.circuit,
            "accuracy": self.accuracy,
            "loss": finite(self.loss),
            "facts": dict(self.circuit_facts),
            "claims": [claim.to_dict() for claim in self.claims],
            "findings": {
                each.title: [
                    {name: finite(value) if isinstance(value, float) else value for name, value in row.items()}
                    for row in each.table.to_dict("records")
                ]
                for each in self.findings
            },
            "subject": self.subject,
            "step": self.step,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 2),
        }
