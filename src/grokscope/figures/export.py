"""Figures as files: the same figure gives the same bytes."""

import io
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine

from grokscope.errors import ConfigError
from grokscope.figures.style import styled
from grokscope.runs.files import write_atomically

_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))


@styled
def to_svg(figure: Figure, *, dpi: int = 120) -> str:
    """Return ``figure`` as an SVG document; large maps inside it are PNG data at ``dpi``."""
    _settle(figure)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=dpi, metadata=_NO_METADATA)
    return buffer.getvalue()


@styled
def to_png(figure: Figure, *, dpi: int = 150) -> bytes:
    """Return ``figure`` as the bytes of a PNG file."""
    _settle(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def save_figure(figure: Figure, path: Path) -> None:
    """Write ``figure`` to ``path``, as SVG or PNG by its suffix, atomically.

    Raises:
        ConfigError: another suffix.
        RunError: the file cannot be written.
    """
    if path.suffix == ".svg":
        write_atomically(path, to_svg(figure).encode())
    elif path.suffix == ".png":
        write_atomically(path, to_png(figure))
    else:
        raise ConfigError(
            f"cannot save a figure as {path.name!r}: the name must end in .svg or .png, got {path.suffix!r}"
        )


def _settle(figure: Figure) -> None:
    """Fix where everything stands: matplotlib would move it a little each time that it draws."""
    if not isinstance(figure.get_layout_engine(), PlaceHolderLayoutEngine):
        for _ in range(2):  # the second pass corrects the first, as colour bars change the room that maps have
            figure.draw_without_rendering()
        figure.set_layout_engine("none")
