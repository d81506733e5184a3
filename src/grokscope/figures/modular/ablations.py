"""What a network loses without single frequencies."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from grokscope.analysis.modular.frequency_ablations import FrequencyAblations
from grokscope.analysis.modular.frequency_ablations import frequency_ablations as ablations_of
from grokscope.errors import ConfigError
from grokscope.figures.axes import few_ticks, plain_numbers
from grokscope.figures.canvas import Target, canvas, ylabel
from grokscope.figures.catalogue import figure
from grokscope.figures.line_styles import DASHED
from grokscope.figures.modular.parts import claimed_frequencies, layer
from grokscope.figures.modular.spectra import number_keys
from grokscope.figures.source import Source
from grokscope.figures.theme import BLACK, GREEN, GREY, VERMILION, em
from grokscope.tasks import ModularTask

_LEAST = 1e-30
"""Nats; what is less is drawn there."""


def frequency_ablations(ablations: FrequencyAblations, *, ax: Target = None) -> Figure:
    """Return the loss (nats, log scale) without each frequency alone, the key frequencies numbered.

    Bars stand on the loss of the network as it is, and hang from it where the network is better off without a
    frequency. A dashed line has the loss with the key frequencies alone. After Nanda et al. (2023), section 4.4.

    Args:
        ablations: of :func:`grokscope.analysis.modular.frequency_ablations.frequency_ablations`.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: a loss is not a finite number.
    """
    losses = np.array([ablations.intact, *ablations.without], dtype=float)
    if not np.isfinite(losses).all():
        raise ConfigError("the losses to draw are not all finite numbers: the network computes nothing")
    # a logarithmic axis has no zero
    intact, *without = np.maximum(losses, _LEAST)
    keys, places = ablations.keys, np.arange(1, len(without) + 1)
    colours = [VERMILION if k in keys else GREY for k in places]
    removed = [("a key frequency removed", VERMILION)] if keys else []
    removed.append(("another frequency removed" if keys else "a frequency removed", GREY))
    with canvas(ax) as sheet:
        axes = sheet.panel(23 * sheet.scale)
        axes.set_yscale("log")
        axes.bar(places, np.array(without) - intact, 0.8, bottom=intact, color=colours)
        shown = [*without, intact]
        lines = [axes.axhline(intact, color=BLACK, linewidth=em(0.11), label=f"nothing removed: {intact:.2g}")]
        if ablations.keys_alone is not None:
            alone = max(ablations.keys_alone, _LEAST)
            shown.append(alone)
            label = f"all but the mean and the key frequencies removed: {alone:.2g}"
            lines.append(axes.axhline(alone, color=GREEN, linestyle=DASHED, linewidth=em(0.14), label=label))
        number_keys(axes, keys, lambda k: max(intact, without[k - 1]), len(without))
        axes.set_ylim(min(shown) / 2, max(shown) * 4)
        axes.set_xlim(0.2, len(without) + 0.8)
        plain_numbers(axes)
        axes.grid(False, axis="x")
        few_ticks(axes.xaxis, axes, 15, f"{len(without)}")
        sheet.label(x="frequency k that is removed from the neurons")
        ylabel(axes, "loss on all pairs (nats, log scale)")
        sheet.legend([Patch(color=colour, label=name) for name, colour in removed], lines)
    return sheet.figure


@figure(
    "ablations",
    summary="the loss without each frequency of the neurons",
    title="Without one frequency at a time",
    caption=(
        "Loss over all pairs with one frequency at a time removed from the neurons: bars stand on the loss of the "
        "network as it is. Removing a frequency that it computes with must hurt; removing any other, the control, "
        "must not. Dashed: with all removed but the key frequencies and the mean; it is lower where the others are "
        "remains of what was memorised."
    ),
    tasks=(ModularTask,),
    after="Nanda et al. (2023), section 4.4",
    on_page=lambda source: source.explanation is not None and _computes_by_neurons(source),
)
def draw_ablations(source: Source[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`frequency_ablations` of a network."""
    return frequency_ablations(ablations_of(source.once(layer), source.once(claimed_frequencies)), ax=ax)


def _computes_by_neurons(source: Source[ModularTask]) -> bool:
    return bool(source.once(claimed_frequencies)) and source.once(layer).post is not None
