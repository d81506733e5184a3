"""Which frequencies the heads attend by."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from grokscope.analysis.modular.attention_fits import AttentionFit, attention_fits
from grokscope.analysis.modular.attention_spectra import AttentionSpectra
from grokscope.analysis.modular.attention_spectra import attention_spectra as spectra_of
from grokscope.figures.canvas import Target, canvas, title
from grokscope.figures.catalogue import figure
from grokscope.figures.modular.parts import circuit as circuit_of
from grokscope.figures.modular.spectra import component_bars, name_components
from grokscope.figures.source import Source
from grokscope.figures.theme import MAX_HEADS
from grokscope.tasks import ModularTask

_ONE_COLUMN = 4
"""Heads up to which they stand one below the other; more stand in two columns."""


def attention_spectra(
    spectra: AttentionSpectra, fits: Sequence[AttentionFit] = (), *, keys: Sequence[int] = (), ax: Target = None
) -> Figure:
    """Return for each head (the first 16) the size of its attention scores' components in the Fourier basis.

    The scores are those that the query where the answer is read gives to each residue as first operand. What is the
    same for all residues changes no attention, and is left out. All heads share one scale. After Nanda et al. (2023),
    section 4.3.

    Args:
        spectra: of :func:`grokscope.analysis.modular.attention_spectra.attention_spectra`.
        fits: of :func:`grokscope.analysis.modular.attention_fits.attention_fits`, by head; named where there are some.
        keys: the key frequencies; they carry their number.
        ax: where to draw [a new figure].
    """
    sizes = spectra.components[:MAX_HEADS].abs().numpy()
    sizes[:, 0] = 0
    top = float(np.max(sizes, initial=0.0, where=np.isfinite(sizes)))
    with canvas(ax) as sheet:
        columns = 1 if len(sizes) <= _ONE_COLUMN else sheet.columns(len(sizes), 28.0, 2)
        panels = sheet.panels(len(sizes), columns, 9.5, sharex=True, sharey=True)
        for head, (axes, heights) in enumerate(zip(panels, sizes, strict=True)):
            component_bars(axes, heights, keys)
            title(axes, _title(head, spectra, fits))
        sheet.label(x="frequency k", y="size")
        panels[0].set_ylim(0, 1.24 * top or 1.0)
        name_components(sheet)
    return sheet.figure


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


@figure(
    "attention-spectra",
    summary="each head's attention scores in the Fourier basis",
    title="Attention in the Fourier basis",
    caption=(
        "Size of each Fourier component of the score that a head gives to every residue as first operand; what is the "
        "same for all changes no attention, and is left out. A head that attends by one frequency has one pair of "
        "bars; random weights give a flat profile."
    ),
    tasks=(ModularTask,),
    after="Nanda et al. (2023), section 4.3 and appendix",
    on_page=lambda source: source.explanation is not None and source.once(circuit_of).pattern is not None,
)
def draw_attention_spectra(source: Source[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`attention_spectra` of a network."""
    circuit = source.once(circuit_of)
    fits = () if circuit.pattern is None else attention_fits(circuit.pattern)
    return attention_spectra(spectra_of(source.model, source.task), fits, keys=circuit.key_frequencies, ax=ax)
