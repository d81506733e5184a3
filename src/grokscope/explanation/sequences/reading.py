"""From what was read of a circuit to the explanation of the network that has it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grokscope.errors import ConfigError
from grokscope.explanation.base import Facts, Findings
from grokscope.explanation.claims import Claim
from grokscope.explanation.sequences.explanation import CircuitExplanation
from grokscope.explanation.sequences.head_interventions import HeadInterventions
from grokscope.explanation.sequences.requirements import transformer_of
from grokscope.explanation.subject import Subject
from grokscope.models import Transformer
from grokscope.progress import Progress


@dataclass(frozen=True, kw_only=True)
class CircuitReading:
    """What was found of a circuit; the fields are those of :class:`CircuitExplanation`."""

    task: str
    interventions: HeadInterventions
    """On the examples of which accuracy and loss are reported."""
    claims: Sequence[Claim]
    required: frozenset[str]
    circuit: str
    circuit_facts: Facts
    findings: tuple[Findings, ...]
    notes: Sequence[str] = ()
    """Besides those of the subject."""


def explain_circuit(
    subject: Subject,
    frequencies: Sequence[int] | None,
    progress: Progress,
    read: Callable[[Transformer], CircuitReading],
) -> CircuitExplanation:
    """Return the explanation of a network on sequences.

    Args:
        subject: the network, and what it was trained on.
        frequencies: none may be stated.
        progress: says what is done.
        read: tests the claims on a network.

    Raises:
        ConfigError: key frequencies were stated.
        NotApplicableError: the network is no transformer.
    """
    if frequencies is not None:
        raise ConfigError(f"{subject.name} was trained on {subject.task.name}, which has no key frequencies")
    began = time.perf_counter()
    model = transformer_of(subject)
    progress.message("testing the claims")
    reading = read(model)
    return CircuitExplanation(
        subject=subject.name,
        step=subject.step,
        task=reading.task,
        accuracy=reading.interventions.baseline.accuracy,
        loss=reading.interventions.baseline.loss,
        claims=tuple(reading.claims),
        required=reading.required,
        circuit=reading.circuit,
        circuit_facts=reading.circuit_facts,
        findings=reading.findings,
        notes=(*subject.notes, *reading.notes),
        seconds=time.perf_counter() - began,
    )
