"""How far single frequencies explain the neurons."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from grokscope.analysis import FourierSummary
from grokscope.analysis.modular.neurons import CLUSTER_SHARE, NeuronFrequencies
from grokscope.errors import ConfigError
from grokscope.figures.canvas import Target, canvas, room, title, xlabel, ylabel
from grokscope.figures.catalogue import figure
from grokscope.figures.line_styles import GUESSING
from grokscope.figures.modular.parts import circuit as circuit_of
from grokscope.figures.modular.parts import drawn_in_words
from grokscope.figures.source import Source
from grokscope.figures.text import width_of
from grokscope.figures.theme import BLUE, GREY, SMALL, VERMILION, em, small
from grokscope.tasks import ModularTask

_BINS = [place / 40 for place in range(41)]  # 0.85 is an edge, so no bar stands on both sides of the threshold


def neuron_shares(circuit: FourierSummary, *, ax: Target = None) -> Figure:
    """Return a histogram of the share of each neuron that its best frequency explains, and the sizes of the clusters.

    After Nanda et al. (2023), section 4.3: a neuron above 85 % belongs to its frequency's cluster.

    Args:
        circuit: of :func:`grokscope.analysis.fourier_summary`.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: the network has no neurons.
    """
    neurons = circuit.neurons
    if neurons is None:
        raise ConfigError("the network has no MLP, so there are no neurons to draw")
    with canvas(ax) as sheet:
        columns = sheet.columns(2, 22.0, 2)
        ratios = {"width_ratios": (3, 2)} if columns == 2 else {}
        left, right = sheet.panels(2, columns, 18 * sheet.scale, **ratios)
        _histogram(left, neurons)
        _clusters(right, neurons, circuit.key_frequencies)
    return sheet.figure


def _histogram(axes: Axes, neurons: NeuronFrequencies) -> None:
    axes.hist(neurons.share.numpy().clip(0, 1), _BINS, color=BLUE)
    axes.axvline(CLUSTER_SHARE, color=VERMILION, linestyle=GUESSING, linewidth=em(0.14))
    at = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": "right", "va": "top"}
    beside = (-em(0.4), -em(0.2))
    axes.annotate(f"{CLUSTER_SHARE:.0%}", (CLUSTER_SHARE, 1), beside, color=VERMILION, fontsize=small(), **at)
    axes.set_xlim(0, 1)
    xlabel(axes, "share of a neuron's variance that one frequency explains")
    ylabel(axes, "neurons")
    title(axes, "how single-frequency the neurons are")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _clusters(axes: Axes, neurons: NeuronFrequencies, keys: list[int]) -> None:
    sizes = neurons.clusters()
    title(axes, "sizes of the clusters")
    axes.grid(False)
    if not sizes:
        axes.set_axis_off()
        none = f"no neuron is\nabove {CLUSTER_SHARE:.0%}"
        axes.text(0.5, 0.5, none, transform=axes.transAxes, ha="center", va="center", color=GREY)
        return
    colours = [BLUE if k in keys else GREY for k in sizes]
    bars = axes.bar([str(k) for k in sizes], list(sizes.values()), color=colours)
    axes.margins(y=0.12)
    xlabel(axes, "frequency k")
    ylabel(axes, "neurons")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    widest = SMALL * (max(width_of(f"{size}") for size in sizes.values()) + 0.3)
    if len(sizes) * widest <= room(axes):
        axes.bar_label(bars, fontsize=small(), padding=em(0.1))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))


def _caption(source: Source[ModularTask]) -> str:
    caption = (
        "Left: how much of each neuron's variance over all inputs its best single frequency explains. Right: how many "
        "neurons each frequency has above the threshold (dashed); blue are the key frequencies. After grokking most "
        "neurons stand at the right edge; in an untrained network, or one that memorises, they stand at the left."
    )
    return drawn_in_words(caption, source.once(circuit_of))


@figure(
    "shares",
    summary="how far one frequency explains each neuron",
    title="Neurons and their frequencies",
    caption=_caption,
    tasks=(ModularTask,),
    after="Nanda et al. (2023), section 4.3",
    on_page=lambda source: source.once(circuit_of).neurons is not None,
)
def draw_shares(source: Source[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`neuron_shares` of a network."""
    return neuron_shares(source.once(circuit_of), ax=ax)
