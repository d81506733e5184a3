"""The panels of a figure, moved below each other where they would be too narrow side by side."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import FixedLocator

NARROWEST, NARROWEST_NAMED, NARROWEST_SQUARE = 20.0, 27.0, 10.5
"""Widths that a panel needs, one with names beside it, and a square one: in sizes of the text."""
NARROWEST_MAP, SHORT = 9.5, 3
"""The same of a map with numbers at its sides; half as much again with names of so many letters."""


def panels_of(figure: Figure) -> list[Axes]:
    """Return the axes of ``figure`` in reading order, without those of colour bars."""
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>" and axes.get_subplotspec() is not None]
    return sorted(panels, key=place)


def place(axes: Axes) -> tuple[int, int]:
    """Return the row and the column of a panel."""
    spec = axes.get_subplotspec()
    assert spec is not None
    return spec.rowspan.start, spec.colspan.start


def columns_of(panels: list[Axes]) -> int:
    """Return in how many columns the panels stand."""
    return 1 + max((place(axes)[1] for axes in panels), default=0)


def fit_panels(panels: list[Axes], width: float) -> None:
    """Give panels fewer columns where ``width``, in units of the text size, is too little for those that there are."""
    before = columns_of(panels)
    columns = max(1, min(before, int(width / max(map(_needed, panels), default=1.0))))
    if columns == before or not _is_plain(panels):
        return
    columns = -(-len(panels) // -(-len(panels) // columns))  # four in two rows rather than three and one
    shared = {name: _labels(panels, name) for name in ("x", "y")}
    moved = GridSpec(-(-len(panels) // columns), columns, figure=panels[0].get_figure(root=True))
    for at, axes in enumerate(panels):
        axes.set_subplotspec(moved[at // columns, at % columns])
        outermost = {"x": at + columns >= len(panels), "y": at % columns == 0}
        for name, labels in shared.items():
            if axes in labels:
                axes.set(**{f"{name}label": labels[axes] if outermost[name] else ""})
                numbers = {"labelbottom" if name == "x" else "labelleft": outermost[name]}
                axes.tick_params("both", **numbers)


def _is_plain(panels: list[Axes]) -> bool:
    """Return whether the panels are of one grid with equal rows, so that their order says all."""
    grid = panels[0].get_gridspec()
    if grid is None or any(axes.get_gridspec() is not grid for axes in panels):
        return False
    return np.unique(grid.get_height_ratios()).size == 1


def _labels(panels: list[Axes], name: str) -> dict[Axes, str]:
    """Return the label of an axis that panels share, for each of them, though only the outermost carries it."""
    sharing = [axes for axes in panels if len(getattr(axes, f"get_shared_{name}_axes")().get_siblings(axes)) > 1]
    labels = {label for axes in sharing if (label := getattr(axes, f"get_{name}label")())}
    return dict.fromkeys(sharing, next(iter(labels), "")) if len(labels) < 2 else {}


def _needed(axes: Axes) -> float:
    if axes.images:
        if not isinstance(axes.yaxis.get_major_locator(), FixedLocator):
            return NARROWEST_MAP
        longest = max((len(label.get_text()) for label in axes.get_yticklabels()), default=0)
        return NARROWEST if longest > SHORT else 1.5 * NARROWEST_MAP
    if axes.get_box_aspect() is not None:
        return NARROWEST_SQUARE
    return NARROWEST if axes.get_legend() is None else NARROWEST_NAMED
