"""Logits in the Fourier basis."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from grokscope import formatting
from grokscope.analysis import FourierSummary
from grokscope.analysis.fourier import frequency_rows
from grokscope.figures.axes import frame_image
from grokscope.figures.canvas import Target, canvas, room, title
from grokscope.figures.catalogue import figure
from grokscope.figures.modular.parts import circuit as circuit_of
from grokscope.figures.modular.parts import drawn_in_words
from grokscope.figures.source import Source
from grokscope.figures.theme import MAX_SIDE, ROUND, SMALL, SPARSE, em
from grokscope.tasks import ModularTask


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


def _caption(source: Source[ModularTask]) -> str:
    summary = source.once(circuit_of)
    caption = (
        "Norm, over the answers, of each component of the logits in the product basis: rows are the Fourier components "
        "in a, columns those in b. A network that adds through angles writes only into small blocks on the diagonal, "
        "where cos and sin of one frequency in a meet cos and sin of the same frequency in b."
    )
    share = block_share(summary)
    if summary.key_frequencies and share is not None:
        percent = formatting.percent(share)
        caption += f" Here the key frequencies' blocks hold {percent} of the squared norm, the constant left out."
    return drawn_in_words(caption, summary)


def block_share(summary: FourierSummary) -> float | None:
    """Return the share of the logits' squared norm, without the constant, in the blocks of the key frequencies."""
    power = summary.logit_components.double().square()
    varying = float(power.sum() - power[0, 0])
    blocks = 0.0
    for rows in (frequency_rows(summary.n, k) for k in summary.key_frequencies):
        blocks += float(power[rows][:, rows].sum())
    return blocks / varying if varying > 0 else None


@figure(
    "logits",
    summary="the logits in the 2-D Fourier basis",
    title="Logits in the Fourier basis",
    caption=_caption,
    tasks=(ModularTask,),
    after="Nanda et al. (2023), section 4.1",
)
def draw_logits(source: Source[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`logit_spectrum` of a network."""
    return logit_spectrum(source.once(circuit_of), ax=ax)
