"""How far single frequencies explain the neurons."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from grokscope.analysis import FourierSummary
from grokscope.analysis.modular.neurons import CLUSTER_SHARE, NeuronFrequencies
from grokscope.errors import ConfigError
from grokscope.figures.theme import BLUE, GREY, VERMILION, blank_figure, styled

_BINS = [place / 40 for place in range(41)]  # 0.85 is an edge, so no bar stands on both sides of the threshold


@styled
def neuron_shares(circuit: FourierSummary) -> Figure:
    """Return a histogram of the share of each neuron that its best frequency explains, and the sizes of the clusters.

    After Nanda et al. (2023), section 4.3: a neuron above 85 % belongs to its frequency's cluster.

    Raises:
        ConfigError: the network has no neurons.
    """
    neurons = circuit.neurons
    if neurons is None:
        raise ConfigError("the network has no MLP, so there are no neurons to draw")
    figure = blank_figure(3.2)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _histogram(left, neurons)
    _clusters(right, neurons, circuit.key_frequencies)
    return figure


def _histogram(axes: Axes, neurons: NeuronFrequencies) -> None:
    axes.hist(neurons.share.numpy().clip(0, 1), _BINS, color=BLUE)
    axes.axvline(CLUSTER_SHARE, color=VERMILION, linestyle=(0, (4, 3)), linewidth=1.4)
    axes.annotate(
        f"{CLUSTER_SHARE:.0%}",
        (CLUSTER_SHARE, 1),
        (-4, -2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right",
        va="top",
        color=VERMILION,
        fontsize=9,
    )
    axes.set(xlim=(0, 1), xlabel="share of a neuron's variance that one frequency explains", ylabel="neurons")
    axes.set_title("how single-frequency the neurons are")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _clusters(axes: Axes, neurons: NeuronFrequencies, keys: list[int]) -> None:
    sizes = neurons.clusters()
    axes.set_title("sizes of the clusters")
    axes.grid(False)
    if not sizes:
        axes.set_axis_off()
        axes.text(
            0.5,
            0.5,
            f"no neuron is\nabove {CLUSTER_SHARE:.0%}",
            transform=axes.transAxes,
            ha="center",
            va="center",
            color=GREY,
        )
        return
    colours = [BLUE if k in keys else GREY for k in sizes]
    bars = axes.bar([str(k) for k in sizes], list(sizes.values()), color=colours)
    axes.margins(y=0.12)
    axes.set(xlabel="frequency k", ylabel="neurons")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if len(sizes) <= 16:
        axes.bar_label(bars, fontsize=9, padding=1)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
