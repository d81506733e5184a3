"""The figures of a network that a page shows, each with what a reader should see in it."""

from grokscope import figures
from grokscope.analysis.modular.frequency_ablations import frequency_ablations
from grokscope.analysis.sequences.skip_trigrams import is_readable
from grokscope.explanation import Explanation, ModularExplanation
from grokscope.models import Transformer
from grokscope.reports.run.fourier_pictures import fourier_pictures
from grokscope.reports.run.gallery import GALLERY
from grokscope.reports.run.pictures import Picture
from grokscope.reports.run.source import Source
from grokscope.tasks import ModularTask, SkipTrigramsTask

_ORDER = ("weights", "circles", "shares", "neurons", "attention", "attention-spectra", "logits", "ablations")
"""From what goes in to what comes out, and last what is needed for it."""


def pictures_of_network(source: Source, explanation: Explanation | None) -> tuple[Picture, ...]:
    """Return the figures that this network has data for, in the order of the page.

    Args:
        source: the run, and the step that is shown.
        explanation: of that network; one that could not be explained has the pictures of its weights alone.
    """
    if isinstance(source.task, ModularTask):
        drawn = fourier_pictures(source.circuit)
        drawn += () if explanation is None else _of_circuit(source, explanation)
        return tuple(sorted(drawn, key=lambda picture: _ORDER.index(picture.name)))
    if explanation is None:
        return ()
    assert isinstance(source.model, Transformer)  # nothing else is explained on sequences
    drawn = (_patterns(source),)
    if isinstance(source.task, SkipTrigramsTask) and is_readable(source.model):
        drawn += (_trigrams(source),)
    return drawn


def _of_circuit(source: Source, explanation: Explanation) -> tuple[Picture, ...]:
    drawn: tuple[Picture, ...] = ()
    if any(2 * k != source.circuit.n for k in source.last.circuit.key_frequencies):
        drawn += (_circles(source),)
    if source.circuit.pattern is not None:
        drawn += (_spectra(source),)
    if isinstance(explanation, ModularExplanation) and explanation.frequencies.keys and source.layer.post is not None:
        drawn += (_ablations(source, explanation),)
    return drawn


def _circles(source: Source) -> Picture:
    which = "" if source.last is source else ", chosen on the last network,"
    caption = (
        f"Where the embedding puts each token in the planes of the key frequencies{which} coloured by the angle that "
        f"the token has there. A network that represents a frequency has its tokens on a circle in the order of the "
        f"colours, evenly and narrowly; in planes chosen on other weights an embedding is a cloud."
    )
    return Picture("circles", "The tokens on their circles", caption, GALLERY["circles"].draw(source))


def _spectra(source: Source) -> Picture:
    caption = (
        "Size of each Fourier component of the score that a head gives to every residue as first operand; what is the "
        "same for all changes no attention, and is left out. A head that attends by one frequency has one pair of "
        "bars; random weights give a flat profile."
    )
    return Picture(
        "attention-spectra", "Attention in the Fourier basis", caption, GALLERY["attention-spectra"].draw(source)
    )


def _ablations(source: Source, explanation: ModularExplanation) -> Picture:
    caption = (
        "Loss over all pairs with one frequency at a time removed from the neurons: bars stand on the loss of the "
        "network as it is. Removing a frequency that it computes with must hurt; removing any other, the control, "
        "must not. Dashed: with all removed but the key frequencies and the mean; it is lower where the others are "
        "remains of what was memorised."
    )
    found = frequency_ablations(source.layer, explanation.frequencies.keys)
    return Picture("ablations", "Without one frequency at a time", caption, figures.frequency_ablations(found))


def _patterns(source: Source) -> Picture:
    caption = (
        "Every head's attention on one fresh example, from the tokens at the left to those below. Blue lines at the "
        "right: where an answer is read."
    )
    if isinstance(source.task, SkipTrigramsTask):
        caption = (
            "Every head's attention of the last token, the query, which alone is used, on one fresh example for each "
            "trigger. Blue rings: where the trigger stands; a network that has learned looks nowhere else."
        )
    return Picture("patterns", "Attention in examples", caption, GALLERY["patterns"].draw(source))


def _trigrams(source: Source) -> Picture:
    caption = (
        "The whole network as two tables of its weights. Left: how much the query looks for each token; right: what "
        "full attention to that token adds to the logit of each answer. A network that has learned looks for triggers "
        "(t) and not for noise (n), and says each trigger's own answer: the diagonal."
    )
    return Picture("trigrams", "What it looks for, and what it says then", caption, GALLERY["trigrams"].draw(source))
