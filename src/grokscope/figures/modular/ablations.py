"""What a network loses without single frequencies."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from grokscope.analysis.modular.frequency_ablations import FrequencyAblations
from grokscope.errors import ConfigError
from grokscope.figures.axes import plain_numbers_in_one_decade
from grokscope.figures.line_styles import DASHED
from grokscope.figures.modular.spectra import neighbours
from grokscope.figures.theme import BLACK, GREEN, GREY, ROUND, VERMILION, blank_figure, styled

_LEAST = 1e-30
"""Nats; what is less is drawn there."""


@styled
def frequency_ablations(ablations: FrequencyAblations) -> Figure:
    """Return the loss (nats, log scale) without each frequency alone, the key frequencies numbered.

    Bars stand on the loss of the network as it is, and hang from it where the network is better off without a
    frequency. A dashed line has the loss with the key frequencies alone. After Nanda et al. (2023), section 4.4.

    Raises:
        ConfigError: a loss is not a finite number.
    """
    losses = np.array([ablations.intact, *ablations.without], dtype=float)
    if not np.isfinite(losses).all():
        raise ConfigError("the losses to draw are not all finite numbers: the network computes nothing")
    # a logarithmic axis has no zero
    intact, *without = np.maximum(losses, _LEAST)
    keys, places = ablations.keys, np.arange(1, len(without) + 1)
    figure = blank_figure(3.6)
    axes = figure.subplots()
    axes.set_yscale("log")
    colours = [VERMILION if k in keys else GREY for k in places]
    axes.bar(places, np.array(without) - intact, 0.8, bottom=intact, color=colours)
    shown = [*without, intact]
    lines = [axes.axhline(intact, color=BLACK, linewidth=1.1, label=f"nothing removed: {intact:.2g}")]
    if ablations.keys_alone is not None:
        alone = max(ablations.keys_alone, _LEAST)
        shown.append(alone)
        lines.append(
            axes.axhline(
                alone, color=GREEN, linestyle=DASHED, linewidth=1.4,
                label=f"all but the mean and the key frequencies removed: {alone:.2g}",
            )
        )  # fmt: skip
    for group in neighbours(keys, 0.025 * len(without)):
        top, middle = max(intact, *(without[k - 1] for k in group)), sum(group) / len(group)
        axes.annotate(
            ", ".join(map(str, group)), (middle, top), (0, 2), textcoords="offset points", ha="center", fontsize=9,
            fontweight="bold",
        )  # fmt: skip
    axes.set_ylim(min(shown) / 2, max(shown) * 2)
    axes.set_xlim(0.2, len(without) + 0.8)
    plain_numbers_in_one_decade(axes)
    axes.grid(False, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(15, integer=True, steps=ROUND))
    axes.set(xlabel="frequency k that is removed from the neurons", ylabel="loss on all pairs (nats, log scale)")
    removed = [("a key frequency removed", VERMILION)] if keys else []
    removed.append(("another frequency removed" if keys else "a frequency removed", GREY))
    bars = [Patch(color=colour, label=name) for name, colour in removed]
    figure.legend(handles=[*bars, *lines], loc="outside upper left", ncols=2)
    return figure
