"""Legends made anew, in another size and with as many columns as there is room for."""
# pyright: reportAttributeAccessIssue=false
# matplotlib has no public way to change the size and the columns of a legend that exists

from itertools import zip_longest

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from grokscope.figures.scaling import size_of

_Entry = tuple[Artist, str]


def fit_legends(figure: Figure, scale: float) -> None:
    """Make every legend ``scale`` times as large; those above the panels get fewer columns if they are too wide."""
    for axes in figure.axes:
        legend = axes.get_legend()
        if legend is not None:
            _fill(legend, _entries(legend), legend._ncols, scale)
    for legend in figure.legends:
        kinds, grows = _kinds(_rows(legend)), scale
        widest = max(map(len, kinds))
        for columns in range(min(legend._ncols, widest), 0, -1):
            _fill(legend, _in_columns(kinds, columns), columns, grows)
            grows = 1.0  # it has its size, and only its columns change
            if legend.get_window_extent().width < figure.bbox.width:
                break


def _entries(legend: Legend) -> list[_Entry]:
    texts = [text.get_text() for text in legend.get_texts()]
    return [(handle, text) for handle, text in zip(legend.legend_handles, texts, strict=True) if handle is not None]


def _rows(legend: Legend) -> list[_Entry]:
    """Return what a legend names in the order in which it is read, row by row; matplotlib fills columns."""
    entries = _entries(legend)
    columns = [[entries[at] for at in column] for column in np.array_split(np.arange(len(entries)), legend._ncols)]
    return [entry for row in zip_longest(*columns) for entry in row if entry is not None and entry[1].strip()]


def _kinds(entries: list[_Entry]) -> list[list[_Entry]]:
    """Return lines with lines and areas with areas, in the order in which the kinds are met."""
    kinds: dict[type, list[_Entry]] = {}
    for entry in entries:
        kinds.setdefault(type(entry[0]), []).append(entry)
    return list(kinds.values())


def _in_columns(kinds: list[list[_Entry]], columns: int) -> list[_Entry]:
    """Return the entries, column by column, for a legend in which every kind begins a row."""
    nothing: _Entry = (Line2D([], [], linestyle="none"), " ")
    rows: list[_Entry] = []
    for entries in kinds:
        rows += [*entries, *[nothing] * (-len(entries) % columns)]
    return [entry for column in range(columns) for entry in rows[column::columns]]


def _fill(legend: Legend, entries: list[_Entry], columns: int, scale: float) -> None:
    title = legend.get_title()
    legend._fontsize *= scale
    legend.prop.set_size(legend._fontsize)
    legend.set_ncols(columns)
    legend._init_legend_box([handle for handle, _ in entries], [label for _, label in entries])
    legend._legend_box.set_offset(legend._findoffset)
    if title.get_text():
        legend.set_title(title.get_text(), FontProperties(size=size_of(title) * scale))
