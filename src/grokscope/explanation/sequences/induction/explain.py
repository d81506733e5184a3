"""The explanation of a network that continues repeated subsequences."""

from collections.abc import Sequence

from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.sequences.induction import Repeats
from grokscope.explanation.explain import explain_network
from grokscope.explanation.sequences.controls import control_networks
from grokscope.explanation.sequences.explanation import CircuitExplanation
from grokscope.explanation.sequences.induction.circuit import find_circuit, findings, named
from grokscope.explanation.sequences.induction.claims import REQUIRED, induction_claims
from grokscope.explanation.sequences.reading import CircuitReading, explain_circuit
from grokscope.explanation.subject import Subject
from grokscope.models import Transformer
from grokscope.progress import SILENT, Progress
from grokscope.tasks import RepeatedSubsequencesTask

N_EXAMPLES = 256
"""Fresh sequences on which everything is measured."""


@explain_network.register
def explain_induction(
    task: RepeatedSubsequencesTask,
    subject: Subject,
    *,
    frequencies: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> CircuitExplanation:
    """Return what a network that continues repeated subsequences computes.

    Raises:
        ConfigError: key frequencies were stated.
        NotApplicableError: the network is no transformer.
    """

    def read(model: Transformer) -> CircuitReading:
        repeats = Repeats.of(fresh_examples(task, N_EXAMPLES, seed=seed), task.target_positions)
        circuit = find_circuit(model, task, repeats)
        rule_loss, rule_accuracy = repeats.rule()
        missing = circuit.what_is_missing()
        return CircuitReading(
            task="repeated subsequences",
            interventions=circuit.interventions,
            claims=induction_claims(circuit, control_networks(subject, seed=seed), task, seed=seed),
            required=REQUIRED,
            circuit=f"induction by {named(circuit.induction)} reading {named(circuit.previous)}",
            circuit_facts=(
                ("the induction rule", f"{rule_accuracy:.2%} right, {rule_loss:.3g} nats on the same sequences"),
                ("previous-token heads", named(circuit.previous)),
                ("induction heads", named(circuit.induction)),
            ),
            findings=findings(circuit),
            notes=[missing] if missing else [],
        )

    return explain_circuit(subject, frequencies, progress, read)
