"""The explanation of a network: what it computes, and the evidence."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from grokscope.analysis.modular.attention_fits import AttentionFit
from grokscope.analysis.modular.neuron_fits import ReadOutFit
from grokscope.display import brief_repr, facts_table, few, list_table
from grokscope.explanation.claims import Claim, Verdict, finite, score, verdict
from grokscope.explanation.modular.ablations import Ablation
from grokscope.explanation.modular.algorithm import AlgorithmEvidence, AlgorithmName
from grokscope.explanation.modular.frequencies import ClaimedFrequencies
from grokscope.explanation.modular.program import Program


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
    notes: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    @abstractmethod
    def required(self) -> frozenset[str]:
        """The claims, by name, without which a network is not even partly explained."""

    @property
    @abstractmethod
    def headline(self) -> str:
        """What was found, in a few words."""

    @property
    def verdict(self) -> Verdict:
        """``explained``, ``partly explained`` or ``not explained``."""
        return verdict(self.claims, self.required)

    @abstractmethod
    def found(self) -> list[tuple[str, str]]:
        """Return what was found besides the claims, as names and words."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON takes it; numbers that are not finite become null."""

    def __repr__(self) -> str:
        holding = sum(claim.holds for claim in self.claims)
        told = f"{self.verdict}: {self.headline}; {holding} of {len(self.claims)} claims hold"
        return f"{type(self).__name__}({self.subject!r}, {told})"

    def _repr_html_(self) -> str:
        facts = [
            ("network", self.subject),
            ("accuracy, loss", f"{self.accuracy:.2%}, {self.loss:.3g} nats"),
            *self.found(),
            *(("note", note) for note in self.notes),
        ]
        headings = ("", "claim", "what was measured", "value", "needs", "controls, which must stay below")
        claims = list_table(headings, map(_claim_row, self.claims))
        return facts_table(f"{self.verdict.upper()} · {self.headline}", facts) + claims


def _claim_row(claim: Claim) -> tuple[str, ...]:
    controls = (
        f"{control.what} {score(control.value, claim.threshold)}"
        f"{' (reaches it)' if control in claim.failing_controls else ''}"
        for control in claim.controls
    )
    return (
        "holds" if claim.holds else "FAILS",
        claim.statement,
        claim.measure,
        score(claim.value, claim.threshold),
        f"≥\N{NO-BREAK SPACE}{claim.threshold:g}",
        "; ".join(controls) or "none could be made",
    )


@dataclass(frozen=True)
class Findings:
    """A table of what was found, with a title."""

    title: str
    table: pd.DataFrame

    __repr__ = brief_repr


@dataclass(frozen=True, kw_only=True, repr=False)
class CircuitExplanation(Explanation):
    """The explanation of a network on sequences: which heads or columns do what."""

    task: str
    needs: frozenset[str]
    """The claims of :attr:`required`."""
    circuit: str
    """The circuit that was tested, in a few words."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and what was found, in words."""
    findings: tuple[Findings, ...] = ()

    @property
    def required(self) -> frozenset[str]:
        """The claims, by name, without which a network is not even partly explained."""
        return self.needs

    @property
    def headline(self) -> str:
        """What was found, in a few words."""
        return self.task if self.verdict == "not explained" else f"{self.task}, {self.circuit}"

    def found(self) -> list[tuple[str, str]]:
        """Return what was found besides the claims, as names and words."""
        return list(self.facts)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON takes it; numbers that are not finite become null."""
        return {
            "verdict": self.verdict,
            "task": self.task,
            "circuit": self.circuit,
            "accuracy": self.accuracy,
            "loss": finite(self.loss),
            "facts": dict(self.facts),
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


PARTIAL = frozenset({"task", "sparse", "necessary"})
"""What a network must satisfy to be explained in part: it does the task, its logits hold few frequencies, and without
those it fails. A lookup table and a network that only looks periodic fail here."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ModularExplanation(Explanation):
    """Which algorithm a network of modular arithmetic computes."""

    operation: str | None
    modulus: int
    frequencies: ClaimedFrequencies
    clusters: dict[int, int] = field(default_factory=dict)
    """How many neurons each frequency has above 85 %."""
    evidence: AlgorithmEvidence | None = None
    program: Program | None = None
    phases: tuple[float, ...] = ()
    """Of the circuit's frequencies in the logits, in radians, fitted freely; 0 is the phase of the right answer."""
    logit_map_rest: float | None = None
    """Share of W_L's Frobenius norm that is left beyond two dimensions a key frequency."""
    restricted_loss: float | None = None
    """Of the key frequencies, on all pairs."""
    excluded_loss: float | None = None
    """Of the key frequencies, on the training set where that is known, else on all pairs."""
    read_out: tuple[ReadOutFit, ...] = ()
    attention: tuple[AttentionFit, ...] = ()
    ablations: tuple[Ablation, ...] = ()

    @property
    def required(self) -> frozenset[str]:
        """The claims, by name, without which a network is not even partly explained."""
        return PARTIAL

    @property
    def headline(self) -> str:
        """What was found, in a few words: ``add mod 113, clock-like``."""
        what = f"{self.operation or 'no operation recognised'} mod {self.modulus}"
        if self.verdict == "not explained":
            return what
        neither = self.algorithm == "neither"
        return f"{what}, {'neither clock-like nor pizza-like by all signs' if neither else self.algorithm}"

    @property
    def algorithm(self) -> AlgorithmName:
        """``clock-like``, ``pizza-like`` or ``neither``; always ``neither`` of what is not explained."""
        return "neither" if self.evidence is None or self.verdict == "not explained" else self.evidence.name

    @property
    def logit_fve(self) -> float | None:
        """Share of the logits' variance that the better formula accounts for."""
        return None if self.evidence is None else max(self.evidence.clock_fve, self.evidence.pizza_fve)

    def found(self) -> list[tuple[str, str]]:
        """Return what was found besides the claims, as names and words."""
        keys = f"{few(self.frequencies.keys)} (from {self.frequencies.source})"
        found = [("key frequencies", keys if self.frequencies.keys else "none found")]
        if self.evidence is not None:
            clock, pizza = self.evidence.clock_fve, self.evidence.pizza_fve
            found.append(("logits explained", f"{clock:.1%} as a clock, {pizza:.1%} as a pizza"))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON takes it; numbers that are not finite become null."""
        return {
            "verdict": self.verdict,
            "algorithm": self.algorithm,
            "operation": self.operation,
            "modulus": self.modulus,
            "accuracy": self.accuracy,
            "loss": finite(self.loss),
            "key_frequencies": list(self.frequencies.keys),
            "weaker_frequencies": list(self.frequencies.weaker),
            "frequencies_read_from": self.frequencies.source,
            "neuron_clusters": self.clusters,
            "logit_fve": self.logit_fve,
            "evidence": None if self.evidence is None else asdict(self.evidence),
            "phases": list(self.phases),
            "logit_map_rest": self.logit_map_rest,
            "restricted_loss": self.restricted_loss,
            "excluded_loss": self.excluded_loss,
            "program": None if self.program is None else self.program.to_dict(),
            "claims": [claim.to_dict() for claim in self.claims],
            "read_out_fits": [asdict(fit) for fit in self.read_out],
            "attention_fits": [asdict(fit) for fit in self.attention],
            "ablations": [{**asdict(each), "loss": finite(each.loss)} for each in self.ablations],
            "subject": self.subject,
            "step": self.step,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 2),
        }
