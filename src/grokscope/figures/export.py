"""Figures as files: the same figure gives the same bytes."""

import io
import os
import warnings
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from grokscope.errors import ConfigError
from grokscope.figures.canvas import Drawing
from grokscope.figures.theme import MM, Theme, current_theme
from grokscope.run.atomic import write_atomically

SUFFIXES = (".png", ".svg", ".pdf")
"""Of the files that :func:`save_figure` writes."""

_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


def to_svg(figure: Figure, *, dpi: int = 120) -> str:
    """Return ``figure`` as an SVG document; large maps inside it are PNG data at ``dpi``."""
    buffer = io.StringIO()
    with _theme_of(figure):
        _settle(figure)
        figure.savefig(buffer, format="svg", dpi=dpi, metadata=_NO_METADATA)
    return buffer.getvalue()


def to_png(figure: Figure, *, dpi: int = 150) -> bytes:
    """Return ``figure`` as the bytes of a PNG file."""
    buffer = io.BytesIO()
    with _theme_of(figure):
        _settle(figure)
        size = figure.get_size_inches()
        width, height = np.nextafter(np.rint(size * dpi) / dpi, np.inf)  # matplotlib would leave out half a pixel
        figure.set_size_inches(width, height)
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
        figure.set_size_inches(*size)
    return buffer.getvalue()


def to_pdf(figure: Figure, *, dpi: int = 300) -> bytes:
    """Return ``figure`` as the bytes of a PDF file with its fonts inside; colour bars are images at ``dpi``."""
    buffer = io.BytesIO()
    with _theme_of(figure):
        _settle(figure)
        metadata = dict.fromkeys(("CreationDate", "Creator", "Producer"))
        figure.savefig(buffer, format="pdf", dpi=dpi, metadata=metadata)
    return buffer.getvalue()


def save_figure(figure: Figure, path: str | os.PathLike[str], *, dpi: int | None = None) -> None:
    """Write ``figure`` to ``path``, as PNG, SVG or PDF by its suffix, atomically.

    Args:
        figure: what is written.
        path: of the file.
        dpi: pixels in an inch, of a PNG and of images in the others [150 for PNG, 120 for SVG, 300 for PDF].

    Raises:
        ConfigError: another suffix, or a figure whose panels have no room in its size.
        RunError: the file cannot be written.
    """
    path = Path(path)
    options = {} if dpi is None else {"dpi": dpi}
    match path.suffix:
        case ".png":
            content = to_png(figure, **options)
        case ".svg":
            content = to_svg(figure, **options).encode()
        case ".pdf":
            content = to_pdf(figure, **options)
        case _:
            raise wrong_suffix(path)
    write_atomically(path, content)


def wrong_suffix(path: Path) -> ConfigError:
    """Return the error that nothing can be drawn into a file of this name."""
    *some, last = SUFFIXES
    return ConfigError(
        f"cannot save a figure as {path.name!r}: the name must end in {', '.join(some)} or {last}, got {path.suffix!r}"
    )


def _theme_of(figure: Figure) -> Theme:
    """Return the theme that a figure was drawn with: ticks are made only when they are drawn."""
    return figure.theme if isinstance(figure, Drawing) else current_theme() or Theme()


def _settle(figure: Figure) -> None:
    """Fix where everything stands: matplotlib would move it a little each time that it draws.

    Raises:
        ConfigError: the panels have no room.
    """
    engine = figure.get_layout_engine()
    if not figure.axes or not isinstance(engine, ConstrainedLayoutEngine):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # with which matplotlib gives up a layout that has no room
            engine.execute(figure)  # without the drawing that would follow it
            if any(axes.get_label() == "<colorbar>" for axes in figure.axes):  # which changes the room that its map has
                engine.execute(figure)
    except UserWarning as warning:
        width, height = figure.get_size_inches() * MM
        size = _theme_of(figure).font_pt
        raise ConfigError(
            f"this figure has no room in {width:.0f} × {height:.0f} mm with text of {size:g} points; "
            f"make it larger, or the text smaller"
        ) from warning
    with rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # with any other, "none" too, saving draws the figure twice
