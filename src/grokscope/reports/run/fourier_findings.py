"""What the Fourier picture of a network shows, in words, and what it does not."""

from grokscope import formatting
from grokscope.analysis import FourierSummary
from grokscope.analysis.modular.neurons import CLUSTER_SHARE, MIN_CLUSTER, cluster_frequencies
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
    which = "Key frequency" if len(keys) == 1 else "Key frequencies"
    if neurons is None:
        named = f"{which}: {formatting.listed(map(str, keys))}, read from the logits. " if keys else ""
        return f"{named}The network has no neurons, so there are no clusters to read key frequencies from."
    sizes, n = neurons.clusters(), len(neurons.share)
    inside = sum(sizes.values())
    rule = f"one frequency explains more than {formatting.percent(CLUSTER_SHARE)} of the variance"
    held = f"Clusters hold {inside} of the {n} neurons ({formatting.percent(inside / n)}): those of which {rule}."
    if keys:
        each = formatting.listed(f"{k} ({sizes.get(k, 0)} neuron{'s' if sizes.get(k) != 1 else ''})" for k in keys)
        return f"{which}: {each}. {held}"
    if cluster_frequencies(neurons):
        return f"No key frequency is named: {circuit.no_key_frequencies}. {held}"
    few = f"only {inside}, and a cluster needs {formatting.percent(MIN_CLUSTER)} of them" if inside else "none"
    return (
        f"No frequency has a cluster of neurons. Of the {n} neurons, those of which {rule} are: {few}. "
        f"A network that memorises, or is untrained, looks like this."
    )


def _caveats(circuit: FourierSummary, operation: str) -> list[str]:
    caveats = []
    if circuit.n <= 3:
        caveats.append(f"Modulo {circuit.n} there is only one frequency, so that it explains the neurons says nothing.")
    if circuit.coordinates.note:
        caveats.append(f"Frequencies and pictures are {circuit.coordinates.note}.")
    if not circuit.is_addition and operation != RANDOM:
        caveats.append(
            "The Fourier basis is that of addition modulo p. The task is not addition in any coordinates known here, "
            "so it may be the wrong basis."
        )
    return caveats
