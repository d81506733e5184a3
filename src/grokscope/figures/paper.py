"""Figures for papers: of a given width in millimetres, laid out anew so that their text can be read at that size."""

import math
import warnings

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from grokscope.errors import ConfigError
from grokscope.figures.canvas import Drawing
from grokscope.figures.crowding import fit_ticks, fit_upright_words, fit_words, words_of
from grokscope.figures.legends import fit_legends
from grokscope.figures.panels import columns_of, fit_panels, panels_of, place
from grokscope.figures.scaling import scale_sizes
from grokscope.figures.theme import PAD, TEXT, styled

MM = 25.4
"""Millimetres in an inch."""
FONT_PT = 7.0
"""Points of the text in a paper's figures, where nothing else is asked for."""
_LIMITS = {"width_mm": (40, 1000), "height_mm": (20, 1000), "font_pt": (4, 40)}
_PASSES = 3
"""Layouts after which a figure has the height that its panels need: each corrects the one before."""


@styled
def fit_to_paper(
    figure: Figure, width_mm: float, height_mm: float | None = None, *, font_pt: float = FONT_PT
) -> Figure:
    """Return ``figure``, made exactly so wide (and high), with text of ``font_pt`` points and lines to match.

    It is laid out anew: panels that would be too narrow stand below each other, legends get as many columns as there
    is room for, long titles and labels are broken into lines, and ticks whose numbers would touch become fewer.

    Args:
        figure: of one of this package's functions, as it was drawn; it is changed.
        width_mm: millimetres, 40 to 1,000.
        height_mm: millimetres, 20 to 1,000; what the panels need if None.
        font_pt: points of titles and labels, 4 to 40; numbers at ticks, and legends, are a tenth smaller.

    Raises:
        ConfigError: a size is impossible or too small for this figure, or the figure has been fitted before.

    Example:
        >>> save_figure(fit_to_paper(figure, 90), Path("figure-2.pdf"))
    """
    _check(width_mm=width_mm, height_mm=height_mm, font_pt=font_pt)
    if not isinstance(figure, Drawing) or figure.is_fitted:
        raise ConfigError(
            "only a figure that grokscope has drawn can be fitted to a paper, and only once; draw it anew"
        )
    figure.is_fitted = True
    engine = figure.begin_layout()
    figure.draw_without_rendering()
    panels = panels_of(figure)
    inches = {axes: axes.get_window_extent().height / figure.dpi for axes in panels}
    scale, width = font_pt / TEXT, width_mm / MM
    shrunk = columns_of(panels) * width / figure.get_figwidth()
    scale_sizes(figure, scale)
    engine.set(w_pad=PAD * scale, h_pad=PAD * scale)
    fit_panels(panels, 72 * width / font_pt)
    shrunk /= columns_of(panels)
    heights = {axes: height * math.sqrt(scale * shrunk) for axes, height in inches.items()}
    _resize(figure, width, height_mm / MM if height_mm is not None else 2 * sum(heights.values()) + 2 * scale)
    fit_legends(figure, scale)
    try:
        for text in words_of(panels):
            text.set_in_layout(False)  # in a single line they could be wider than the figure
        _lay_out(figure)
        fit_words(figure, panels)
        for text in words_of(panels):
            text.set_in_layout(True)
        for _ in range(_PASSES):
            _lay_out(figure)
            fit_upright_words(panels)
            for axes in panels:
                fit_ticks(axes.xaxis)
                fit_ticks(axes.yaxis)
            if height_mm is None:
                _resize(figure, width, _height(figure, panels, heights, PAD * scale))
        _lay_out(figure)
    except UserWarning as warning:
        size = f"{width_mm:g} mm" if height_mm is None else f"{width_mm:g} × {height_mm:g} mm"
        raise ConfigError(
            f"this figure has no room in {size} with text of {font_pt:g} points; make it larger, or the text smaller"
        ) from warning
    return figure


def _check(**sizes: float | None) -> None:
    for name, value in sizes.items():
        lowest, highest = _LIMITS[name]
        if value is not None and not lowest <= value <= highest:
            raise ConfigError(f"{name} = {value:g} is not possible; it must be from {lowest} to {highest:,}")


def _resize(figure: Figure, width: float, height: float) -> None:
    figure.set_size_inches(width, height)


def _lay_out(figure: Figure) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # with which matplotlib gives up a layout that has no room
        figure.draw_without_rendering()


def _height(figure: Drawing, panels: list[Axes], heights: dict[Axes, float], pad: float) -> float:
    """Return the inches at which every row of panels has the height that it should have."""
    if figure.first_layout == "compressed":  # maps are as high as wide, so what is around them is cut off
        content = Bbox.union([box for axes in panels if (box := axes.get_tightbbox()) is not None]).height
        above = sum(legend.get_window_extent().height for legend in figure.legends)
        return (content + above) / figure.dpi + 2 * pad * (1 + len(figure.legends))
    missing: dict[int, float] = {}
    for axes in panels:
        row, _ = place(axes)
        missing[row] = max(missing.get(row, -math.inf), heights[axes] - axes.get_window_extent().height / figure.dpi)
    return figure.get_figheight() + sum(missing.values())
