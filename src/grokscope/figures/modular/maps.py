"""Attention and neurons on every input: one p×p map over (a, b) each."""

import numpy as np
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from grokscope.analysis import FourierSummary
from grokscope.errors import ConfigError, NotApplicableError
from grokscope.figures.axes import frame_image
from grokscope.figures.canvas import Target, canvas, title
from grokscope.figures.catalogue import figure
from grokscope.figures.modular.parts import circuit as circuit_of
from grokscope.figures.modular.parts import drawn_in_words, pairs_in_words
from grokscope.figures.source import Source
from grokscope.figures.theme import DIVERGING, MAX_HEADS, MAX_SIDE, SEQUENTIAL, SPARSE
from grokscope.tasks import ModularTask

_COLUMNS, _NARROWEST = 4, 11.0
"""Maps side by side, and the width that each needs, in sizes of the text."""
_LARGEST = 24.0
"""Side of a map, in sizes of the text."""

# Of a large p both functions show the corner a, b < MAX_SIDE: what is periodic can be seen there, and not in all of it.


def attention_maps(circuit: FourierSummary, *, ax: Target = None) -> Figure:
    """Return, for each head (the first 16), the attention from the answer's position to token a, over all (a, b).

    After Nanda et al. (2023), section 4.1. All heads share one scale, 0 to 1.

    Args:
        circuit: of :func:`grokscope.analysis.fourier_summary`.
        ax: where to draw [a new figure].

    Raises:
        NotApplicableError: the network has no attention.
    """
    if circuit.pattern is None:
        raise NotApplicableError("the network has no attention to draw")
    to_a = circuit.pattern[:MAX_SIDE, :MAX_SIDE, :MAX_HEADS, 0].permute(2, 0, 1).numpy()
    names = [f"head {head}" for head in range(len(to_a))]
    return _maps(to_a, names, "attention to a", SEQUENTIAL, (0.0, 1.0), circuit, ax)


def neuron_maps(circuit: FourierSummary, n: int = 8, *, ax: Target = None) -> Figure:
    """Return the activations of at most ``n`` neurons over all (a, b): the clearest neuron of each key frequency.

    Without key frequencies, those that vary most. All share one scale: from zero, or around zero where an activation
    is negative. After Nanda et al. (2023), section 4.1.

    Args:
        circuit: of :func:`grokscope.analysis.fourier_summary`.
        n: maps at most.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: the network has no neurons.
    """
    if circuit.post is None:
        raise ConfigError("the network has no MLP, so there are no neurons to draw")
    chosen = neurons_to_show(circuit, n)
    maps = circuit.post[:MAX_SIDE, :MAX_SIDE, list(chosen)].permute(2, 0, 1).numpy()
    lowest, highest = float(maps.min()), float(maps.max())
    extent = max(-lowest, highest) or 1.0
    if lowest < 0:
        return _maps(maps, list(chosen.values()), "activation", DIVERGING, (-extent, extent), circuit, ax)
    return _maps(maps, list(chosen.values()), "activation", SPARSE, (0.0, extent), circuit, ax)


def neurons_to_show(circuit: FourierSummary, n: int) -> dict[int, str]:
    """Return at most ``n`` neurons with a name for each, by index: see :func:`neuron_maps`."""
    assert circuit.neurons is not None
    assert circuit.post is not None
    frequency, share = circuit.neurons.frequency, circuit.neurons.share
    sizes = circuit.key_clusters
    if not sizes:
        spread = circuit.post.flatten(0, 1).double().std(0, correction=0)
        most = spread.argsort(descending=True, stable=True)[:n].tolist()
        return {neuron: f"neuron {neuron}" for neuron in most}
    largest = sorted(sorted(sizes, key=lambda k: -sizes[k])[:n])
    best = {k: int(torch.where(frequency == k, share, -1.0).argmax()) for k in largest}
    return {neuron: f"neuron {neuron}\nk = {k}, {share[neuron]:.1%}" for k, neuron in best.items()}


def _maps(
    maps: np.ndarray,
    names: list[str],
    label: str,
    colours: str,
    limits: tuple[float, float],
    circuit: FourierSummary,
    ax: Target,
) -> Figure:
    scale = Normalize(*limits)
    with canvas(ax) as sheet:
        columns = sheet.columns(len(maps), _NARROWEST, _COLUMNS)
        side = min(sheet.side(columns), _LARGEST)
        panels = sheet.panels(len(maps), columns, side, sharex=True, sharey=True)
        sheet.pack()
        for axes, values, name in zip(panels, maps, names, strict=True):
            axes.imshow(values, cmap=colours, norm=scale, interpolation="none")
            title(axes, name, width=side)
            frame_image(axes)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
        a, b = circuit.coordinates.inputs
        sheet.label(x=b, y=a)
        sheet.colorbar(ScalarMappable(scale, colours), panels, label)
    return sheet.figure


def _neurons_caption(source: Source[ModularTask]) -> str:
    circuit = source.once(circuit_of)
    which = "for each key frequency, the neuron that it explains best, with the share of the variance that it explains"
    if not circuit.key_clusters:
        which = "the neurons that vary most, as there are no key frequencies"
    caption = f"Activations {pairs_in_words(circuit.n)}: {which}. Neurons of one frequency show as a regular lattice."
    return drawn_in_words(caption, circuit)


@figure(
    "neurons",
    summary="neurons on every input",
    title="Neurons on every input",
    caption=_neurons_caption,
    tasks=(ModularTask,),
    after="Nanda et al. (2023), section 4.1",
    on_page=lambda source: source.once(circuit_of).post is not None,
)
def draw_neurons(source: Source[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`neuron_maps` of a network."""
    return neuron_maps(source.once(circuit_of), ax=ax)


def _attention_caption(source: Source[ModularTask]) -> str:
    circuit = source.once(circuit_of)
    n_heads = 0 if circuit.pattern is None else circuit.pattern.shape[2]
    which = f" The first {MAX_HEADS} of {n_heads} heads are shown." if n_heads > MAX_HEADS else ""
    caption = (
        f"Attention of the last layer from where the answer is read to the token a, {pairs_in_words(circuit.n)}. After "
        f"grokking it is periodic in a and in b, mostly with one frequency a head; without structure it looks like "
        f"noise.{which}"
    )
    return drawn_in_words(caption, circuit)


@figure(
    "attention",
    summary="each head's attention to a on every input",
    title="Attention on every input",
    caption=_attention_caption,
    tasks=(ModularTask,),
    after="Nanda et al. (2023), section 4.1",
    on_page=lambda source: source.once(circuit_of).pattern is not None,
)
def draw_attention(source: Source[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`attention_maps` of a network."""
    return attention_maps(source.once(circuit_of), ax=ax)
