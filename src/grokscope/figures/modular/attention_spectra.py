"""Which frequencies the heads attend by."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from grokscope.analysis.modular.attention_fits import AttentionFit
from grokscope.analysis.modular.attention_spectra import AttentionSpectra
from grokscope.figures.modular.maps import MAX_HEADS
from grokscope.figures.modular.spectra import component_bars, name_components
from grokscope.figures.theme import blank_figure, styled

_ONE_COLUMN = 4
"""Heads up to which they stand one below the other; more stand in two columns."""


@styled
def attention_spectra(
    spectra: AttentionSpectra, fits: Sequence[AttentionFit] = (), *, keys: Sequence[int] = ()
) -> Figure:
    """Return for each head (the first 16) the size of its attention scores' components in the Fourier basis.

    The scores are those that the query where the answer is read gives to each residue as first operand. What is the
    same for all residues changes no attention, and is left out. All heads share one scale. After Nanda et al. (2023),
    section 4.3.

    Args:
        spectra: of :func:`grokscope.analysis.modular.attention_spectra.attention_spectra`.
        fits: of :func:`grokscope.analysis.modular.attention_fits.attention_fits`, by head; named where there are some.
        keys: the key frequencies; they carry their number.
    """
    sizes = spectra.components[:MAX_HEADS].abs().numpy()
    sizes[:, 0] = 0
    columns = 1 if len(sizes) <= _ONE_COLUMN else 2
    rows = -(-len(sizes) // columns)
    figure = blank_figure(0.8 + 1.55 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for head, (axes, heights) in enumerate(zip(grid.flat, sizes, strict=False)):
        component_bars(axes, heights, keys)
        axes.set_title(_title(head, spectra, fits), fontsize=9.5)
        if head + columns >= len(sizes):  # the lowest of its column
            axes.set_xlabel("frequency k")
            axes.tick_params(labelbottom=True)
    for axes in grid.flat[len(sizes) :]:
        axes.remove()
    for axes in grid[:, 0]:
        axes.set_ylabel("size")
    top = float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))
    grid[0, 0].set_ylim(0, 1.2 * top or 1.0)
    name_components(figure)
    return figure


def _title(head: int, spectra: AttentionSpectra, fits: Sequence[AttentionFit]) -> str:
    k, share = spectra.strongest[head], spectra.shares[head]
    if not k:
        return f"head {head}: its scores do not depend on the residue"
    title = f"head {head}: k = {k}, {share:.1%} of the scores' variance"
    for fit in fits:
        if fit.head == head and fit.frequency:
            other = "" if fit.frequency == k else f"k = {fit.frequency}, "
            title += f"; {other}{fit.fve:.1%} of the attention's"
    return title
