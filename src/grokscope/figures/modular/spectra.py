"""Weights in the Fourier basis."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torch import Tensor

from grokscope import formatting
from grokscope.analysis import FourierSummary
from grokscope.analysis.fourier import frequency_rows
from grokscope.figures.axes import few_ticks
from grokscope.figures.canvas import Canvas, Target, canvas, room, title, ylabel
from grokscope.figures.catalogue import figure
from grokscope.figures.modular.parts import circuit as circuit_of
from grokscope.figures.modular.parts import drawn_in_words
from grokscope.figures.source import Source
from grokscope.figures.text import width_of
from grokscope.figures.theme import COSINE, GREY, SINE, SMALL, em, small
from grokscope.tasks import ModularTask


def weight_spectra(circuit: FourierSummary, *, ax: Target = None) -> Figure:
    """Return the norms of the Fourier components of W_E and, where there are neurons, of W_L.

    Cos and sin of a frequency stand beside each other; key frequencies carry their number.
    After Nanda et al. (2023), sections 4.1 and 4.2.

    Args:
        circuit: of :func:`grokscope.analysis.fourier_summary`.
        ax: where to draw [a new figure].
    """
    panels = [("$W_E$, the embedding: how tokens are represented", circuit.embedding_components)]
    if circuit.logit_map_components is not None:
        panels.append(
            ("$W_L$, from the last neurons to the logits: how answers are written", circuit.logit_map_components)
        )
    with canvas(ax) as sheet:
        column = sheet.panels(len(panels), 1, 13 * sheet.scale, sharex=True)
        for axes, (text, components) in zip(column, panels, strict=True):
            component_bars(axes, components.numpy(), circuit.key_frequencies)
            title(axes, text)
            ylabel(axes, "norm")
        note = circuit.coordinates.note
        sheet.label(x=f"frequency k, {note}" if note else "frequency k")
        sheet.figure.align_ylabels(column)
        name_components(sheet)
    return sheet.figure


def name_components(sheet: Canvas) -> None:
    """Name the colours of :func:`component_bars` above the picture."""
    names = {"constant": GREY, "cos 2πkx/p": COSINE, "sin 2πkx/p": SINE}
    sheet.legend([Patch(color=colour, label=name) for name, colour in names.items()])


def component_bars(axes: Axes, norms: Float[np.ndarray, " p"], keys: Sequence[int]) -> None:
    """Draw how large each component of the Fourier basis is, by frequency; ``keys`` carry their number."""
    n_pairs = (len(norms) - 1) // 2
    cosines = norms[1::2]  # with the lone component (−1)^x of an even p, which is cos(πx)
    places = np.arange(1.0, len(cosines) + 1)
    places[:n_pairs] -= 0.2
    axes.bar([0], norms[:1], 0.4, color=GREY)
    axes.bar(places, cosines, 0.4, color=COSINE)
    axes.bar(np.arange(1, n_pairs + 1) + 0.2, norms[2::2], 0.4, color=SINE)
    axes.set_xlim(-0.8, len(cosines) + 0.8)
    few_ticks(axes.xaxis, axes, 15, f"{len(cosines)}")
    axes.grid(False, axis="x")
    axes.margins(y=0.24)
    number_keys(axes, keys, lambda k: max(norms[row] for row in frequency_rows(len(norms), k)), len(cosines))


def number_keys(axes: Axes, keys: Sequence[int], top: Callable[[int], float], n: int) -> None:
    """Write the numbers of key frequencies above their bars, whose ends ``top`` has, on an axis of ``n`` frequencies.

    Those that have no room beside each other stand in one text.
    """
    per_frequency = room(axes) / (n + 1.6)
    needed = SMALL * (width_of(f"{n}") + 0.7) / per_frequency
    style = {"ha": "center", "fontsize": small(), "fontweight": "bold"}
    for group in neighbours(keys, needed):
        text, middle = ", ".join(map(str, group)), sum(group) / len(group)
        axes.annotate(text, (middle, max(map(top, group))), (0, em(0.2)), textcoords="offset points", **style)


def neighbours(keys: Sequence[int], distance: float) -> list[list[int]]:
    """Return ascending ``keys`` in groups, each nearer than ``distance`` to the next: one label serves a group."""
    groups: list[list[int]] = []
    for k in keys:
        if groups and k - groups[-1][-1] < distance:
            groups[-1].append(k)
        else:
            groups.append([k])
    return groups


def _caption(source: Source[ModularTask]) -> str:
    circuit = source.once(circuit_of)
    maps = "W_E" if circuit.logit_map_components is None else "W_E and of W_L"
    caption = (
        f"Norm of each Fourier component of {maps}. A network that computes with a few frequencies has few high pairs "
        f"of bars, cos and sin alike, and little else; random weights give a flat profile."
    )
    if circuit.key_frequencies:
        shares = [f"{formatting.percent(_key_share(circuit.embedding_components, circuit))} of the squared norm of W_E"]
        if circuit.logit_map_components is not None:
            shares.append(f"{formatting.percent(_key_share(circuit.logit_map_components, circuit))} of that of W_L")
        caption += f" Here the key frequencies (numbered) have {formatting.listed(shares)}, the constant left out."
    return drawn_in_words(caption, circuit)


def _key_share(components: Tensor, circuit: FourierSummary) -> float:
    power = components.double().square()
    rows = [row for k in circuit.key_frequencies for row in frequency_rows(circuit.n, k)]
    return float(power[rows].sum() / power[1:].sum())


@figure(
    "weights",
    summary="W_E and W_L in the Fourier basis",
    title="Weights in the Fourier basis",
    caption=_caption,
    tasks=(ModularTask,),
    after="Nanda et al. (2023), sections 4.1 and 4.2",
)
def draw_weights(source: Source[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`weight_spectra` of a network."""
    return weight_spectra(source.once(circuit_of), ax=ax)
