"""Everything in a figure that is measured in points, made larger or smaller."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axis import Axis, Tick
from matplotlib.collections import Collection, PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text


def size_of(text: Text) -> float:
    """Return the size of ``text`` in points."""
    size = text.get_fontsize()
    assert not isinstance(size, str)  # words like "large" are numbers once they are set
    return size


def scale_sizes(figure: Figure, scale: float) -> None:
    """Multiply the sizes of text, lines, markers and ticks by ``scale``; legends are left as they are."""
    for text in figure.texts:
        _scale(text, scale)
    for axes in figure.axes:
        for artist in (*axes.get_children(), axes.xaxis.label, axes.yaxis.label):
            _scale(artist, scale)
        for axis in (axes.xaxis, axes.yaxis):
            axis.labelpad *= scale
            axis.offsetText.set_fontsize(size_of(axis.offsetText) * scale)
            _scale_ticks(axis, "major", axis.get_major_ticks(), scale)
            _scale_ticks(axis, "minor", axis.get_minor_ticks(), scale)


def _scale_ticks(axis: Axis, which: Literal["major", "minor"], ticks: Sequence[Tick], scale: float) -> None:
    for tick in ticks[:1]:  # all are alike
        axis.set_tick_params(
            which=which,
            labelsize=size_of(tick.label1) * scale,
            length=tick.tick1line.get_markersize() * scale,
            width=tick.tick1line.get_markeredgewidth() * scale,
            pad=(tick.get_pad() or 0.0) * scale,
            grid_linewidth=tick.gridline.get_linewidth() * scale,
        )


def _scale(artist: Artist, scale: float) -> None:
    match artist:
        case Annotation() if artist.anncoords == "offset points":
            x, y = artist.xyann
            artist.xyann = (x * scale, y * scale)
            artist.set_fontsize(size_of(artist) * scale)
        case Text():
            artist.set_fontsize(size_of(artist) * scale)
        case Line2D():
            artist.set_linewidth(artist.get_linewidth() * scale)
            artist.set_markersize(artist.get_markersize() * scale)
            artist.set_markeredgewidth(artist.get_markeredgewidth() * scale)
        case Patch():  # spines too
            artist.set_linewidth(artist.get_linewidth() * scale)
        case Collection():
            artist.set_linewidth(np.multiply(artist.get_linewidth(), scale).tolist())
            if isinstance(artist, PathCollection):
                artist.set_sizes(artist.get_sizes() * scale**2)
