"""One look for every picture, and the size at which pictures are drawn."""

from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import matplotlib
import matplotlib.style

from grokscope.errors import ConfigError

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"
"""The palette of Okabe & Ito (2008), which readers with any colour vision can tell apart."""

GREY = "#8A8A8A"
TRAIN, TEST = BLUE, VERMILION
COSINE, SINE = BLUE, ORANGE

SEQUENTIAL, SPARSE, DIVERGING, CYCLIC = "viridis", "magma_r", "RdBu_r", "twilight_shifted"
"""Colour maps, in order: of values that fill their range, of few that stand out from nothing, of values around zero, of
angles."""

MM = 25.4
"""Millimetres in an inch."""
PAPER_WIDTH_MM, PAPER_FONT_PT = 180.0, 7.0
"""Of a figure in a paper where nothing else is asked for: two columns of most journals, and their size of text."""

SMALL = 0.9
"""Size of numbers at ticks, of legends and of notes, in sizes of titles and labels."""
PAD = 0.65
"""Room around whatever is drawn, in sizes of the text."""
LEFT, RIGHT = 5.0, 1.2
"""Room beside a lone panel, in sizes of the text; the layout corrects it."""

_LIMITS = {"width_mm": (40, 1000), "height_mm": (20, 1000), "font_pt": (4, 40)}


@dataclass(frozen=True)
class Theme:
    """The size of figures and of their text, while they are drawn.

    Within it, functions of this package draw figures of exactly this width: how many panels stand side by side, where
    titles break, and how many ticks and names of a legend there is room for, follow from it before anything is drawn.
    Everything that is measured in points, lines and markers too, is in proportion to the text.

    Raises:
        ConfigError: a size is impossible.

    Example:
        >>> with Theme(width_mm=85.0, font_pt=7.0):
        ...     figure = training_curves(run.metrics)
        >>> save_figure(figure, "curves.pdf")
    """

    width_mm: float = 9 * MM
    """40 to 1,000."""
    font_pt: float = 10.0
    """Points of titles and labels, 4 to 40; numbers at ticks, and legends, are a tenth smaller."""
    height_mm: float | None = None
    """20 to 1,000; what the panels need if None."""
    _entered: list[ExitStack] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and not lowest <= value <= highest:
                raise ConfigError(f"{name} = {value:g} is not possible; it must be from {lowest} to {highest:,}")

    def __enter__(self) -> "Theme":
        with ExitStack() as stack:
            # "default" first, not the reader's matplotlibrc: the same run gives the same picture everywhere
            stack.enter_context(matplotlib.style.context(["default", self.settings()]))
            token = _current.set(self)
            stack.callback(_current.reset, token)
            self._entered.append(stack.pop_all())
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.pop().close()

    @property
    def width(self) -> float:
        """Inches."""
        return self.width_mm / MM

    def settings(self) -> dict[str, Any]:
        """Return matplotlib's settings for it."""
        size, small = self.font_pt, SMALL * self.font_pt
        ticks = {
            f"{axis}tick.{name}": value
            for axis in "xy"
            for name, value in {
                "labelsize": small,
                "major.size": 0.35 * size,
                "minor.size": 0.2 * size,
                "major.width": 0.08 * size,
                "minor.width": 0.06 * size,
                "major.pad": 0.35 * size,
                "minor.pad": 0.35 * size,
            }.items()
        }
        room = 72 * self.width / size
        return ticks | {
            "figure.facecolor": "white",
            "figure.constrained_layout.w_pad": PAD * size / 72,
            "figure.constrained_layout.h_pad": PAD * size / 72,
            "figure.constrained_layout.hspace": 0.0,
            "figure.constrained_layout.wspace": 0.0,
            "figure.subplot.left": min(LEFT / room, 0.4),
            "figure.subplot.right": max(1 - RIGHT / room, 0.6),
            "figure.subplot.bottom": 0.09,
            "figure.subplot.top": 0.94,
            "font.size": size,
            "axes.titlesize": size,
            "axes.titlelocation": "left",
            "axes.titlepad": 0.6 * size,
            "axes.labelsize": size,
            "axes.labelpad": 0.4 * size,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": "#555555",
            "axes.linewidth": 0.08 * size,
            "grid.color": "#E3E3E3",
            "grid.linewidth": 0.07 * size,
            "patch.linewidth": 0.1 * size,
            "hatch.linewidth": 0.1 * size,
            "legend.fontsize": small,
            "legend.title_fontsize": small,
            "legend.frameon": False,
            "legend.borderpad": 0.2,
            "lines.linewidth": 0.18 * size,
            "lines.markersize": 0.5 * size,
            "image.composite_image": False,
            "pdf.fonttype": 42,  # TrueType fonts whole glyphs, which journals ask for
            "svg.fonttype": "path",
            "svg.hashsalt": "grokscope",
        }


_current: ContextVar[Theme | None] = ContextVar("theme", default=None)


def current_theme() -> Theme | None:
    """Return the theme within which figures are being drawn; None outside of any."""
    return _current.get()


def em(sizes: float = 1.0) -> float:
    """Return so many sizes of the text in points: what lines, markers and distances are measured in."""
    return sizes * float(matplotlib.rcParams["font.size"])


def small() -> Any:
    """Return the size of the text of notes: that of a legend."""
    return matplotlib.rcParams["legend.fontsize"]


ROUND = (1, 2, 5, 10)
"""Distances of ticks, up to powers of ten."""

MAX_SIDE = 150
"""Entries along one side of a map: more would be finer than a screen shows."""
MAX_HEADS = 16
"""Heads of which each is drawn."""
