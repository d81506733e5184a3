"""The explanation of a network on skip trigrams: it looks for a trigger (QK), and says what follows it (OV)."""

from collections.abc import Sequence

from grokscope.analysis.sequences.skip_trigrams import is_readable, readout
from grokscope.explanation.explain import explain_network
from grokscope.explanation.sequences.controls import control_networks
from grokscope.explanation.sequences.explanation import CircuitExplanation
from grokscope.explanation.sequences.reading import CircuitReading, explain_circuit
from grokscope.explanation.sequences.skip_trigrams.circuit import findings, observe
from grokscope.explanation.sequences.skip_trigrams.claims import REQUIRED, readout_claims, trigram_claims
from grokscope.explanation.subject import Subject
from grokscope.models import Transformer
from grokscope.progress import SILENT, Progress
from grokscope.tasks import SkipTrigramsTask


@explain_network.register
def explain_skip_trigrams(
    task: SkipTrigramsTask,
    subject: Subject,
    *,
    frequencies: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> CircuitExplanation:
    """Return how a network finds and answers triggers.

    Raises:
        ConfigError: key frequencies were stated.
        NotApplicableError: the network is no transformer.
    """

    def read(model: Transformer) -> CircuitReading:
        whole = observe(model, task, seed=seed)
        controls = control_networks(subject, seed=seed)
        others = {name: observe(network, task, seed=seed) for name, network in controls.items()}
        claims = trigram_claims(whole, others, seed=seed)
        notes, tables = [], ()
        if is_readable(model):
            tables_of = readout(model, task)
            claims += readout_claims(whole, tables_of, others, seed=seed)
            tables = (findings(tables_of, task),)
        else:
            notes.append("QK and OV tables are the whole network only of one attention-only layer without LayerNorm")
        return CircuitReading(
            task="skip trigrams",
            interventions=whole.interventions,
            claims=claims,
            required=REQUIRED,
            circuit="attention to the trigger (QK), which says the answer (OV)",
            circuit_facts=(("attention to the trigger", f"{whole.attention(whole.places):.1%}"),),
            findings=tables,
            notes=notes,
        )

    return explain_circuit(subject, frequencies, progress, read)
