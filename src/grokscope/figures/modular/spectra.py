"""Weights and logits in the Fourier basis."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from grokscope.analysis import FourierSummary
from grokscope.figures.theme import COSINE, GREY, MAX_SIDE, ROUND, SINE, SPARSE, blank_figure, frame_image, styled


@styled
def weight_spectra(circuit: FourierSummary) -> Figure:
    """Return the norms of the Fourier components of W_E and, where there are neurons, of W_L.

    Cos and sin of a frequency stand beside each other; key frequencies carry their number.
    After Nanda et al. (2023), sections 4.1 and 4.2.
    """
    panels = [("$W_E$, the embedding: how tokens are represented", circuit.embedding_components)]
    if circuit.logit_map_components is not None:
        panels.append(
            ("$W_L$, from the last neurons to the logits: how answers are written", circuit.logit_map_components)
        )
    figure = blank_figure(0.7 + 2.3 * len(panels))
    column = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (title, components) in zip(column, panels, strict=True):
        component_bars(axes, components.numpy(), circuit.key_frequencies)
        axes.set(title=title, ylabel="norm")
    column[-1].set_xlabel("frequency k")
    figure.align_ylabels()
    name_components(figure)
    return figure


def name_components(figure: Figure) -> None:
    """Name the colours of :func:`component_bars` above the picture."""
    names = {"constant": GREY, "cos 2πkx/p": COSINE, "sin 2πkx/p": SINE}
    figure.legend(handles=[Patch(color=c, label=name) for name, c in names.items()], loc="outside upper left", ncols=3)


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
    axes.xaxis.set_major_locator(MaxNLocator(15, integer=True, steps=ROUND))
    axes.grid(False, axis="x")
    axes.margins(y=0.18)
    for group in neighbours(keys, 0.025 * len(cosines)):
        top = max(norms[row] for k in group for row in rows_of(k, len(norms)))
        text, middle = ", ".join(map(str, group)), sum(group) / len(group)
        axes.annotate(
            text, (middle, top), (0, 2), textcoords="offset points", ha="center", fontsize=9, fontweight="bold"
        )


def neighbours(keys: Sequence[int], distance: float) -> list[list[int]]:
    """Return ascending ``keys`` in groups, each nearer than ``distance`` to the next: one label serves a group."""
    groups: list[list[int]] = []
    for k in keys:
        if groups and k - groups[-1][-1] < distance:
            groups[-1].append(k)
        else:
            groups.append([k])
    return groups


@styled
def logit_spectrum(circuit: FourierSummary) -> Figure:
    """Return the norms (over the answers) of the 2-D Fourier components of the logits, as a map.

    Beside it, where there are key frequencies, the same map for these alone. After Nanda et al. (2023), section 4.1.
    """
    p, norms = circuit.p, circuit.logit_components.numpy()
    rows = [0, *(row for k in circuit.key_frequencies for row in rows_of(k, p))]
    zoomed = 1 < len(rows) < min(p, 48)
    figure = blank_figure(4.1, square=True)
    axes = figure.subplots(1, 2 if zoomed else 1, squeeze=False)[0]
    finite = norms[np.isfinite(norms)]
    scale = {"cmap": SPARSE, "vmin": 0.0, "vmax": float(finite.max(initial=0.0)) or 1.0}
    coarse, block = block_maxima(norms, MAX_SIDE)
    side = block * len(coarse) - 0.5
    image = axes[0].imshow(coarse, interpolation="none", extent=(-0.5, side, side, -0.5), **scale)
    _component_ticks(axes[0], p)
    axes[0].set(title="all components", ylabel="component in a", xlabel="component in b")
    if zoomed:
        axes[1].imshow(norms[np.ix_(rows, rows)], interpolation="none", **scale)
        _name_rows(axes[1], rows, p)
        axes[1].set(title="the constant and the key frequencies alone", xlabel="component in b")
    for each in axes:
        frame_image(each)
    figure.colorbar(image, ax=axes, shrink=0.8, aspect=28, label="norm over the answers")
    return figure


def block_maxima(values: Float[np.ndarray, "n n"], most: int) -> tuple[Float[np.ndarray, "m m"], int]:
    """Return ``values`` with at most ``most`` rows, and the width of the blocks of which each entry is the largest.

    A single high component of a large p then shows as well as one of a small p.
    """
    block = math.ceil(len(values) / most)
    padding = -len(values) % block
    padded = np.pad(values, (0, padding), constant_values=-np.inf)
    m = len(padded) // block
    return padded.reshape(m, block, m, block).max(axis=(1, 3)), block


def rows_of(k: int, p: int) -> list[int]:
    """Return the rows of the Fourier basis with frequency ``k``: cos and sin, or the lone last row of an even p."""
    return [row for row in (2 * k - 1, 2 * k) if row < p]


def component_name(row: int) -> str:
    """Return the name of a row of the Fourier basis: ``const``, ``cos 1``, ``sin 1`` and so on."""
    return "const" if row == 0 else f"{'cos' if row % 2 else 'sin'} {(row + 1) // 2}"


def _name_rows(axes: Axes, rows: Sequence[int], p: int) -> None:
    names = [component_name(row) for row in rows]
    size = 9.0 if len(rows) <= 13 else 6.5
    axes.set_xticks(range(len(rows)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(rows)), names, fontsize=size)


def _component_ticks(axes: Axes, p: int) -> None:
    if p <= 13:
        _name_rows(axes, range(p), p)
        return
    chosen = [int(k) for k in MaxNLocator(8, integer=True, steps=ROUND).tick_values(1, p // 2) if 1 <= k <= p // 2]
    # a frequency's number stands between its cos and its sin
    places = [0.0, *(2 * k - 0.5 for k in chosen)]
    names = ["const", *(f"k = {k}" for k in chosen)]
    axes.set_xticks(places, names, rotation=90)
    axes.set_yticks(places, names)
