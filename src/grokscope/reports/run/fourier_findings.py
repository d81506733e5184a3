"""What the Fourier picture of a network shows, in words, and what it does not."""

from grokscope import formatting
from grokscope.analysis import FourierSummary
from grokscope.analysis.modular.neurons import CLUSTER_SHARE, MIN_CLUSTER
from grokscope.tasks.modular.operations import RANDOM

CORRELATIONAL = (
    "All of this is correlational: it says where to look, not what the network needs. Only an intervention, "
    "such as taking a frequency out and measuring the loss, can show that."
)
TESTED_BELOW = "This Fourier picture says where to look; the claims below are the test."


def findings(circuit: FourierSummary, operation: str, *, tested: bool) -> tuple[str, ...]:
    """Return what was found, each with its threshold, and the caveats that apply.

    ``tested``: the page has the claims that interventions have tested.
    """
    return (_clusters(circuit), *_caveats(circuit, operation), TESTED_BELOW if tested else CORRELATIONAL)


def _clusters(circuit: FourierSummary) -> str:
    neurons, keys = circuit.neurons, circuit.key_frequencies
    if neurons is None:
        return "The network has no neurons, so there are no clusters to read key frequencies from."
    sizes, n = neurons.clusters(), len(neurons.share)
    inside = sum(sizes.values())
    rule = f"one frequency explains more than {formatting.percent(CLUSTER_SHARE)} of the variance"
    if not keys:
        few = f"only {inside}, and a cluster needs {formatting.percent(MIN_CLUSTER)} of them" if inside else "none"
        return (
            f"No frequency has a cluster of neurons. Of the {n} neurons, those of which {rule} are: {few}. "
            f"A network that memorises, or is untrained, looks like this."
        )
    each = formatting.listed(f"{k} ({sizes[k]} neuron{'s' if sizes[k] != 1 else ''})" for k in keys)
    which = "Key frequency" if len(keys) == 1 else "Key frequencies"
    held = f"{inside} of the {n} neurons ({formatting.percent(inside / n)})"
    return f"{which}: {each}. Clusters hold {held}: those of which {rule}."


def _caveats(circuit: FourierSummary, operation: str) -> list[str]:
    caveats = []
    if circuit.p <= 3:
        caveats.append(f"Modulo {circuit.p} there is only one frequency, so that it explains the neurons says nothing.")
    if operation not in ("add", "subtract", RANDOM):
        caveats.append(
            "The Fourier basis is that of addition modulo p. For another operation it may be the wrong basis: "
            "multiplication, say, is regular in the discrete logarithm instead."
        )
    return caveats
