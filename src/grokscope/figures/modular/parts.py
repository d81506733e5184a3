"""What several figures of a network of modular arithmetic rest on; see :meth:`grokscope.figures.source.Source.once`."""

from grokscope.analysis import FourierSummary, fourier_summary
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.modular.last_layer import LastLayer, record_last_layer
from grokscope.analysis.modular.neurons import neuron_frequencies
from grokscope.errors import NotApplicableError
from grokscope.explanation import ModularExplanation
from grokscope.explanation.modular.frequencies import claim_frequencies
from grokscope.figures.source import Source
from grokscope.figures.theme import MAX_SIDE
from grokscope.tasks import ModularTask


def circuit(source: Source[ModularTask]) -> FourierSummary:
    """Return the Fourier picture of the network."""
    return fourier_summary(source.model, source.task)


def layer(source: Source[ModularTask]) -> LastLayer:
    """Return the last layer on all pairs, in the coordinates in which the task is an addition.

    Raises:
        NotApplicableError: there are none.
    """
    coordinates = find_coordinates(source.task.table)
    if coordinates is None:
        raise NotApplicableError(f"{source.task.name!r} is no addition in other coordinates, so it has no such figure")
    return record_last_layer(source.model, source.task, coordinates)


def claimed_frequencies(source: Source[ModularTask]) -> tuple[int, ...]:
    """Return the key frequencies of :func:`layer` that the explanation claims, or would claim."""
    if isinstance(source.explanation, ModularExplanation):
        return tuple(source.explanation.frequencies.keys)
    last = source.once(layer)
    n, post = last.coordinates.n, last.post
    neurons = None if post is None else neuron_frequencies(post.unflatten(0, (n, n)))
    return claim_frequencies(last.logits, neurons).keys


def drawn_in_words(caption: str, circuit: FourierSummary) -> str:
    """Return ``caption``, and in which coordinates the figure is drawn, if they are not the residues."""
    note = circuit.coordinates.note
    return f"{caption} Drawn {note}." if note else caption


def pairs_in_words(n: int) -> str:
    """Return of which inputs there is a map."""
    return "for every pair (a, b)" if n <= MAX_SIDE else f"for the pairs (a, b) with both below {MAX_SIDE}"
