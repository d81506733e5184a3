"""Networks on sequences that have not the circuit, to be put through the same tests."""

from grokscope.explanation.sequences.requirements import transformer_of
from grokscope.explanation.subject import Subject
from grokscope.explanation.untrained import untrained_twin
from grokscope.models import Transformer


def control_networks(subject: Subject, *, seed: int) -> dict[str, Transformer]:
    """Return the networks that must fail where ``subject`` passes, by what they are.

    Raises:
        NotApplicableError: the subject is no transformer.
    """
    twin = untrained_twin(transformer_of(subject), seed=seed)
    networks = {"untrained network": twin, "the run's own memorising network": subject.memorised}
    return {name: network for name, network in networks.items() if isinstance(network, Transformer)}
