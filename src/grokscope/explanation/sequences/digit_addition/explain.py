"""The explanation of a network that adds numbers digit by digit: which columns and which heads decide each digit."""

from collections.abc import Sequence

from grokscope.explanation.explain import explain_network
from grokscope.explanation.sequences.controls import control_networks
from grokscope.explanation.sequences.digit_addition.circuit import findings, observe
from grokscope.explanation.sequences.digit_addition.claims import REQUIRED, addition_claims
from grokscope.explanation.sequences.explanation import CircuitExplanation
from grokscope.explanation.sequences.reading import CircuitReading, explain_circuit
from grokscope.explanation.subject import Subject
from grokscope.models import Transformer
from grokscope.progress import SILENT, Progress
from grokscope.tasks import DigitAdditionTask


@explain_network.register
def explain_digit_addition(
    task: DigitAdditionTask,
    subject: Subject,
    *,
    frequencies: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> CircuitExplanation:
    """Return how a network adds.

    Raises:
        ConfigError: key frequencies were stated.
        NotApplicableError: the network is no transformer.
    """

    def read(model: Transformer) -> CircuitReading:
        sums = observe(model, task, seed=seed)
        controls = control_networks(subject, seed=seed)
        others = {name: observe(network, task, seed=seed) for name, network in controls.items()}
        whole = sums.right.all(1).double().mean()
        frozen = sums.interventions.accuracy(sums.interventions.freeze_patterns(sums.interventions.heads))
        return CircuitReading(
            task=f"{task.n_digits}-digit addition",
            interventions=sums.interventions,
            claims=addition_claims(sums, others),
            required=REQUIRED,
            circuit="each digit from its own column and the carry from below",
            circuit_facts=(
                ("whole sums right", f"{float(whole):.2%}"),
                ("with attention frozen at its mean", f"{frozen:.2%} of the digits right"),
            ),
            findings=findings(sums),
            notes=["which head looks where is read off the first layer alone"] if len(model.blocks) > 1 else [],
        )

    return explain_circuit(subject, frequencies, progress, read)
