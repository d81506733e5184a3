"""One look for every picture."""

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grokscope.figures.canvas import Drawing

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
"""The palette of Okabe & Ito (2008), which readers with any colour vision can tell apart."""

GREY = "#8A8A8A"
TRAIN, TEST = BLUE, VERMILION
COSINE, SINE = BLUE, ORANGE

SEQUENTIAL, SPARSE, DIVERGING, CYCLIC = "viridis", "magma_r", "RdBu_r", "twilight_shifted"
"""Colour maps, in order: of values that fill their range, of few that stand out from nothing, of values around zero, of
angles."""

WIDTH = 9.0
"""Inches; every picture is this wide, so that text has one size on a page."""

TEXT = 10.0
"""Points of titles and labels."""

PAD = 0.09
"""Inches around whatever is drawn."""

styled = matplotlib.style.context(
    [
        "default",  # not the reader's matplotlibrc: the same run gives the same picture everywhere
        {
            "figure.facecolor": "white",
            "figure.constrained_layout.w_pad": PAD,
            "figure.constrained_layout.h_pad": PAD,
            "font.size": TEXT,
            "axes.titlesize": 10.5,
            "axes.titlelocation": "left",
            "axes.labelsize": TEXT,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": "#555555",
            "grid.color": "#E3E3E3",
            "grid.linewidth": 0.7,
            "xtick.labelsize": 9.0,
            "ytick.labelsize": 9.0,
            "legend.fontsize": 9.0,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "image.composite_image": False,
            "pdf.fonttype": 42,  # TrueType fonts whole glyphs, which journals ask for
            "svg.fonttype": "path",
            "svg.hashsalt": "grokscope",
        },
    ]
)
"""Decorates whatever builds or saves a figure; matplotlib's own settings are as before when it returns."""


def blank_figure(height: float, *, square: bool = False) -> Figure:
    """Return an empty figure of the common width and ``height`` inches, outside pyplot's registry.

    ``square``: for axes of equal aspect, which are then moved close together.
    """
    return Drawing(figsize=(WIDTH, height), layout="compressed" if square else "constrained")


ROUND = (1, 2, 5, 10)
"""Distances of ticks, up to powers of ten."""

MAX_SIDE = 150
"""Entries along one side of a map: more would be finer than a screen shows."""


def frame_image(axes: Axes) -> None:
    """Give ``axes`` the frame of an image: closed, without a grid."""
    axes.grid(False)
    axes.spines[:].set_visible(True)
