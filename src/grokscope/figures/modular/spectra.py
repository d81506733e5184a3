"""Weights and logits in the Fourier basis."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from grokscope.analysis import FourierSummary
from grokscope.analysis.fourier import frequency_rows
from grokscope.figures.axes import few_ticks, frame_image
from grokscope.figures.canvas import Canvas, Target, canvas, room, title, ylabel
from grokscope.figures.text import width_of
from grokscope.figures.theme import COSINE, GREY, MAX_SIDE, ROUND, SINE, SMALL, SPARSE, em, small


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


def logit_spectrum(circuit: FourierSummary, *, ax: Target = None) -> Figure:
    """Return the norms (over the answers) of the 2-D Fourier components of the logits, as a map.

    Beside it, where there are key frequencies, the same map for these alone. After Nanda et al. (2023), section 4.1.

    Args:
        circuit: of :func:`grokscope.analysis.fourier_summary`.
        ax: where to draw [a new figure].
    """
    n, norms = circuit.n, circuit.logit_components.numpy()
    rows = [0, *(row for k in circuit.key_frequencies for row in frequency_rows(n, k))]
    zoomed = 1 < len(rows) < min(n, 48)
    finite = norms[np.isfinite(norms)]
    scale = {"cmap": SPARSE, "vmin": 0.0, "vmax": float(finite.max(initial=0.0)) or 1.0}
    coarse, block = block_maxima(norms, MAX_SIDE)
    end = block * len(coarse) - 0.5
    with canvas(ax) as sheet:
        n_maps = 2 if zoomed else 1
        columns = sheet.columns(n_maps, 22.0, 2)
        left = 5.0 if columns == 1 else 7.4  # names of components stand beside both maps
        side = min(sheet.side(columns, left=left), 30.0)
        whole, *others = sheet.panels(n_maps, columns, side)
        sheet.pack()
        image = whole.imshow(coarse, interpolation="none", extent=(-0.5, end, end, -0.5), **scale)
        _component_ticks(whole, n)
        title(whole, "all components", width=side)
        for axes in others:
            axes.imshow(norms[np.ix_(rows, rows)], interpolation="none", **scale)
            _name_rows(axes, rows)
            title(axes, "the constant and the key frequencies alone", width=side)
        for axes in (whole, *others):
            frame_image(axes)
        sheet.needs(2.0 * (n_maps // columns))  # their names stand on end
        a, b = circuit.coordinates.inputs
        sheet.label(x=f"component in {b}", y=f"component in {a}")
        sheet.colorbar(image, [whole, *others], "norm over the answers")
    return sheet.figure


def block_maxima(values: Float[np.ndarray, "n n"], most: int) -> tuple[Float[np.ndarray, "m m"], int]:
    """Return ``values`` with at most ``most`` rows, and the width of the blocks of which each entry is the largest.

    A single high component of a large p then shows as well as one of a small p.
    """
    block = math.ceil(len(values) / most)
    padding = -len(values) % block
    padded = np.pad(values, (0, padding), constant_values=-np.inf)
    m = len(padded) // block
    return padded.reshape(m, block, m, block).max(axis=(1, 3)), block


def component_name(row: int) -> str:
    """Return the name of a row of the Fourier basis: ``const``, ``cos 1``, ``sin 1`` and so on."""
    return "const" if row == 0 else f"{'cos' if row % 2 else 'sin'} {(row + 1) // 2}"


def _name_rows(axes: Axes, rows: Sequence[int]) -> None:
    names = [component_name(row) for row in rows]
    size = min(SMALL, 0.85 * room(axes) / len(rows))
    axes.set_xticks(range(len(rows)), names, rotation=90, fontsize=em(size))
    axes.set_yticks(range(len(rows)), names, fontsize=em(size))


def _component_ticks(axes: Axes, p: int) -> None:
    if p <= 13:
        _name_rows(axes, range(p))
        return
    most = max(2, min(8, int(room(axes) / 2.4)))
    chosen = [int(k) for k in MaxNLocator(most, integer=True, steps=ROUND).tick_values(1, p // 2) if 1 <= k <= p // 2]
    # a frequency's number stands between its cos and its sin
    places = [0.0, *(2 * k - 0.5 for k in chosen)]
    names = ["const", *(f"k = {k}" for k in chosen)]
    axes.set_xticks(places, names, rotation=90)
    axes.set_yticks(places, names)
