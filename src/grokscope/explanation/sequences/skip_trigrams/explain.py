"""The explanation of a network on skip trigrams: it looks for a trigger (QK), and says what follows it (OV)."""

import time
from collections.abc import Sequence

from grokscope.analysis.sequences.skip_trigrams import is_readable, readout
from grokscope.explanation.explain import explain_network
from grokscope.explanation.sequences.controls import control_networks
from grokscope.explanation.sequences.explanation import CircuitExplanation
from grokscope.explanation.sequences.requirements import no_frequencies, transformer_of
from grokscope.explanation.sequences.skip_trigrams.circuit import findings, observe
from grokscope.explanation.sequences.skip_trigrams.claims import REQUIRED, readout_claims, trigram_claims
from grokscope.explanation.subject import Subject
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
    no_frequencies(subject, frequencies)
    began = time.perf_counter()
    model = transformer_of(subject)
    progress.message("testing the claims")
    whole = observe(model, task, seed=seed)
    controls = control_networks(subject, seed=seed)
    others = {name: observe(network, task, seed=seed) for name, network in controls.items()}
    claims = trigram_claims(whole, others, seed=seed)
    notes, tables = list(subject.notes), ()
    if is_readable(model):
        read = readout(model, task)
        claims += readout_claims(whole, read, others, seed=seed)
        tables = (findings(read, task),)
    else:
        notes.append("QK and OV tables are the whole network only of one attention-only layer without LayerNorm")
    baseline = whole.interventions.baseline
    return CircuitExplanation(
        subject=subject.name,
        step=subject.step,
        task="skip trigrams",
        accuracy=baseline.accuracy,
        loss=baseline.loss,
        claims=tuple(claims),
        required=REQUIRED,
        circuit="attention to the trigger (QK), which says the answer (OV)",
        circuit_facts=(("attention to the trigger", f"{whole.attention(whole.places):.1%}"),),
        findings=tables,
        notes=tuple(notes),
        seconds=time.perf_counter() - began,
    )
