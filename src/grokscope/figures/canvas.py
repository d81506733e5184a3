"""Where a picture is drawn: on a figure of its own, or in somebody's figure; its panels, labels and legends."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import StrMethodFormatter

from grokscope.errors import ConfigError
from grokscope.figures.text import LINE, width_of, wrap
from grokscope.figures.theme import MM, PAD, SMALL, Theme, current_theme, em

DPI = 100
"""Of a figure in a notebook, as wide as a page of one."""
DENSITY = 2
"""Pixels of the picture along one of those: screens of high density show all of them."""

Target = Axes | Sequence[Axes] | np.ndarray | Figure | SubFigure | None
"""Where to draw: in axes, in as many as there are panels, in a (sub)figure; in a new figure if None.

Axes of a grid that are given to a picture of several panels make room for all of them and are removed.
"""

Layout = Literal["constrained", "compressed"]

WIDE = 65.0
"""Width of a figure on a page, in sizes of its text."""
_LEAST_BESIDE = 14.0
"""Width that a panel keeps beside its legend; in a narrower one, the legend stands above."""
_HANDLE, _GAP, _BETWEEN = 1.6, 0.8, 1.4
"""Of legends, in sizes of their text: lengths of lines, room before names, and between columns."""
_BAR = 6.6
"""Room of a colour bar with its numbers and its label."""


class Drawing(Figure):
    """A matplotlib figure outside pyplot's registry, which a notebook shows as a picture all the same.

    Where pyplot's inline backend is active, that shows it, in its own way and once.
    """

    def __init__(self, theme: Theme) -> None:
        height = theme.width if theme.height_mm is None else theme.height_mm / MM
        super().__init__(layout="constrained", figsize=(theme.width, height))
        self.theme = theme
        """With which it is drawn, and saved: matplotlib makes ticks only then."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        from grokscope.figures.export import to_png  # only now: exporting knows this class

        # what IPython's own figures of high density say of themselves: the size at which to show them
        width, height = (round(side * DPI) for side in self.get_size_inches())
        return to_png(self, dpi=DPI * DENSITY), {"width": width, "height": height}


@contextmanager
def canvas(target: Target = None) -> Iterator["Canvas"]:
    """Enter the drawing of one picture; a new figure gets the height that it needs when the picture is finished."""
    if target is not None:
        yield Canvas(target)
        return
    theme = current_theme() or Theme()
    with theme:
        sheet = Canvas(Drawing(theme))
        yield sheet
        sheet.finish()


class Canvas:
    """One picture while it is drawn. All lengths are in sizes of the text."""

    def __init__(self, target: Axes | Sequence[Axes] | np.ndarray | Figure | SubFigure) -> None:
        self._area = target if isinstance(target, Figure | SubFigure) else None
        self._given: list[Axes] = [] if self._area is not None else np.array(target, dtype=object).flatten().tolist()
        self._rows: list[tuple[float, list[Axes]]] = []
        self._columns = 1
        self._beyond = 0.0
        self._above: dict[Axes, float] = {}

    @property
    def figure(self) -> Figure:
        """The whole figure."""
        first = self._area or self._given[0]
        root = first.get_figure(root=True)
        assert root is not None
        return root

    @property
    def width(self) -> float:
        """Of the room for the whole picture."""
        if self._area is not None:
            return _in_em(self._area.bbox.width, self.figure)
        return min(room(axes) for axes in self._given)

    @property
    def scale(self) -> float:
        """By how much panels are lower than on a page."""
        return float(np.clip(self.width / WIDE, 0.7, 1.0))

    def columns(self, n: int, least: float, most: int) -> int:
        """Return in how many columns ``n`` panels of a ``least`` width stand: at most ``most``, in rows of one length.

        Axes that were given stand in as many columns as there are.
        """
        if len(self._given) > 1:
            return n
        fitting = max(1, min(most, n, int(self.width / least)))
        return -(-n // -(-n // fitting))  # four in two rows rather than three and one

    def panel(self, height: float) -> Axes:
        """Return the only panel of the picture."""
        return self.panels(1, 1, height)[0]

    def panels(self, n: int, columns: int, height: float, **options: Any) -> list[Axes]:
        """Return ``n`` panels of one height in so many columns, row by row; options are those of ``subplots``."""
        rows = -(-n // columns)
        grid = self.grid([height] * rows, columns, n, **options)
        return grid.flatten().tolist()[:n]

    def grid(self, heights: Sequence[float], columns: int = 1, n: int | None = None, **options: Any) -> np.ndarray:
        """Return panels by row and column, with the height of each row; those after the first ``n`` are left out."""
        n = len(heights) * columns if n is None else n
        if len(self._given) == 1 and n > 1:
            self._area = _cell_of(self._given.pop(), n)
        if self._area is None:
            if len(self._given) != n:
                raise ConfigError(
                    f"this picture has {n} panel{'s' if n != 1 else ''}, and {len(self._given)} axes were given; "
                    f"give as many, or a figure"
                )
            grid = np.array([*self._given, *[None] * (len(heights) * columns - n)], dtype=object)
            grid = grid.reshape(len(heights), columns)
        else:
            if self._is_own:
                self._set_height(sum(heights) + 3.0 * len(heights))
            ratios = {"height_ratios": list(heights)} if len(set(heights)) > 1 else {}
            grid = np.asarray(self._area.subplots(len(heights), columns, squeeze=False, **ratios, **options))
            for axes in grid.flat[n:]:
                axes.remove()
        self._rows = [
            (height, [axes for at, axes in enumerate(row) if place * columns + at < n])
            for place, (height, row) in enumerate(zip(heights, grid, strict=True))
        ]
        self._columns = columns
        return grid

    def side(self, columns: int, *, left: float = 4.2, bar: bool = True) -> float:
        """Return the side of square panels in so many columns, with ``left`` for what stands beside the first."""
        return max(3.0, (self.width - left - (_BAR if bar else 0.0) - 2 * PAD * columns) / columns)

    def pack(self) -> None:
        """Move panels of equal aspect close together."""
        if self._is_own:
            self.figure.set_layout_engine("compressed")

    def needs(self, beyond: float) -> None:
        """Say how much room is needed beyond what titles, labels and numbers at ticks need: for names on end."""
        self._beyond += beyond

    def label(self, x: str | None = None, y: str | None = None, *, parse_math: bool = True) -> None:
        """Write what is along the axes at the lowest panel of each column, and the first of each row."""
        panels = [axes for _, row in self._rows for axes in row]
        for at, axes in enumerate(panels):
            alone = self._area is None
            if x is not None and (alone or at + self._columns >= len(panels)):
                xlabel(axes, x, parse_math=parse_math)
                axes.tick_params(labelbottom=True)
            if y is not None and (alone or at % self._columns == 0):
                ylabel(axes, y)

    def legend(self, *kinds: Sequence[Artist], below: bool = False, parse_math: bool = True) -> None:
        """Name ``kinds`` of handles above the panels (or below), each kind in rows, or a column, of its own.

        In axes that were given, or in a figure that is not laid out by constraints, the legend is in the first panel.
        """
        kinds = tuple(kind for kind in kinds if kind)
        if not kinds:
            return
        if not self._has_margins:
            axes = next(axes for _, row in self._rows for axes in row)
            kept = axes.get_legend()
            legend = axes.legend(
                handles=[handle for kind in kinds for handle in kind], loc="lower right" if below else "best"
            )
            if kept is not None:
                axes.add_artist(kept)
        else:
            assert self._area is not None
            columns, rows = _in_rows(kinds, self.width / SMALL - 2.0, parse_math=parse_math)
            handles = [handle for column in range(columns) for handle in rows[column::columns]]
            legend = self._area.legend(
                handles=handles,
                loc="outside lower left" if below else "outside upper left",
                ncols=columns,
                handlelength=_HANDLE,
                handletextpad=_GAP,
                columnspacing=_BETWEEN,
            )
            self._beyond += SMALL * (1.5 * len(rows) // columns + 0.4) + 2 * PAD
        if not parse_math:
            for text in legend.get_texts():
                text.set_parse_math(False)

    def legend_beside(self, axes: Axes, handles: Sequence[Artist] | None = None, *, most: int = 12) -> None:
        """Name what is drawn in ``axes`` (or ``handles``) at their right, at most so many in a column."""
        handles = list(axes.get_legend_handles_labels()[0] if handles is None else handles)
        columns = -(-len(handles) // most)
        style: dict[str, Any] = {"handlelength": 2.2, "labelspacing": 0.3, "columnspacing": 1.0}
        longest = max((width_of(str(handle.get_label())) for handle in handles), default=0.0)
        wide = SMALL * columns * (longest + 4.0)
        if not self._has_margins:
            axes.legend(handles=handles, loc="best", **style)
        elif room(axes) - wide >= _LEAST_BESIDE:
            axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.005, 0.5), ncols=columns, **style)
        else:
            across, rows = _in_rows([handles], room(axes) / SMALL - 1.0, parse_math=True)
            handles = [handle for column in range(across) for handle in rows[column::across]]
            axes.legend(
                handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=across, borderaxespad=0.1, **style
            )
            self._above[axes] = high = SMALL * (1.35 * len(rows) // across + 0.4)
            axes.set_title(axes.get_title(loc="left"), loc="left", pad=em(high + 0.4))

    def colorbar(self, mappable: ScalarMappable, panels: Sequence[Axes], label: str, **options: Any) -> Any:
        """Draw the scale of colours at the right of ``panels``."""
        shrink = 0.8 if len(panels) <= self._columns else 0.5
        bar = self.figure.colorbar(mappable, ax=list(panels), shrink=shrink, aspect=24, **options)
        high = shrink * sum(height for height, _ in self._rows)
        bar.set_label(wrap(label, max(high, 8.0)))
        if bar.ax.get_ylim()[1] >= 1000:
            bar.formatter = StrMethodFormatter("{x:,.0f}")
        return bar

    def finish(self) -> None:
        """Give a figure of its own the height that is needed for what was drawn."""
        if self._is_own and self._rows:
            panels = sum(height + _around(row, self._above) for height, row in self._rows)
            self._set_height(panels + self._beyond)

    @property
    def _is_own(self) -> bool:
        return isinstance(self._area, Drawing) and not self._given

    @property
    def _has_margins(self) -> bool:
        """Whether the layout leaves room for what stands around the panels."""
        return self._area is not None and isinstance(self.figure.get_layout_engine(), ConstrainedLayoutEngine)

    def _set_height(self, sizes: float) -> None:
        drawing = self.figure
        assert isinstance(drawing, Drawing)
        if drawing.theme.height_mm is None:
            drawing.set_size_inches(drawing.theme.width, em(sizes) / 72)


def room(axes: Axes) -> float:
    """Return about how wide ``axes`` are, in sizes of the text."""
    return _in_em(axes.get_window_extent().width, _figure_of(axes))


def title(axes: Axes, text: str, *, width: float | None = None, parse_math: bool = True) -> None:
    """Write ``text`` above ``axes``, in as many lines as it needs; ``width`` is that of axes of equal aspect."""
    lines = wrap(text, room(axes) if width is None else width, parse_math=parse_math)
    axes.set_title(lines, loc="left", parse_math=parse_math)


def xlabel(axes: Axes, text: str, *, parse_math: bool = True) -> None:
    """Write ``text`` below ``axes``, in as many lines as it needs."""
    axes.set_xlabel(wrap(text, room(axes) + 2.0, parse_math=parse_math), parse_math=parse_math)


def ylabel(axes: Axes, text: str) -> None:
    """Write ``text`` beside ``axes``, in as many lines as it needs."""
    high = _in_em(axes.get_window_extent().height, _figure_of(axes))
    axes.set_ylabel(wrap(text, max(high, 6.0)))


def _figure_of(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


def _in_em(pixels: float, figure: Figure) -> float:
    return float(72 * pixels / figure.dpi / em())


def _cell_of(axes: Axes, n: int) -> SubFigure:
    """Return a part of the figure in the place of ``axes``, which are removed."""
    spec = axes.get_subplotspec()
    if spec is None:
        raise ConfigError(
            f"this picture has {n} panels, for which these axes, which are in no grid, have no room; "
            f"give axes made by subplots, a figure, or {n} axes"
        )
    figure = _figure_of(axes)
    axes.remove()
    return figure.add_subfigure(spec)


def _in_rows(kinds: Sequence[Sequence[Artist]], width: float, *, parse_math: bool) -> tuple[int, list[Artist]]:
    """Return how many columns there is room for, and the handles row by row.

    Every kind begins a row; where that takes more rows than a column for each kind, it has a column.
    """
    nothing = Line2D([], [], linestyle="none", label=" ")

    def needed(columns: int, rows: Sequence[Artist]) -> float:
        widths = [width_of(str(handle.get_label()), parse_math=parse_math) + _HANDLE + _GAP for handle in rows]
        return sum(max(widths[at::columns]) for at in range(columns)) + (columns - 1) * _BETWEEN

    beside = [handle for row in zip_longest(*kinds, fillvalue=nothing) for handle in row]
    for columns in range(max(map(len, kinds)), 0, -1):
        rows = [handle for kind in kinds for handle in [*kind, *[nothing] * (-len(kind) % columns)]]
        if len(rows) // columns > len(beside) // len(kinds) and needed(len(kinds), beside) <= width:
            return len(kinds), beside
        if columns == 1 or needed(columns, rows) <= width:
            return columns, rows
    raise AssertionError("a legend has at least one column")


def _around(panels: Sequence[Axes], above: dict[Axes, float]) -> float:
    """Return the room above and below the panels of one row."""
    return 2 * PAD + max((_over(axes) + above.get(axes, 0.0) + _under(axes) for axes in panels), default=0.0)


def _over(axes: Axes) -> float:
    text = axes.get_title(loc="left")
    return LINE * (text.count("\n") + 1) + 0.6 if text else 0.3


def _under(axes: Axes) -> float:
    numbers = (
        LINE * SMALL + 0.7
        if axes.axison and axes.xaxis.get_tick_params(which="major").get("labelbottom", True)
        else 0.0
    )
    text = axes.get_xlabel()
    return numbers + (LINE * (text.count("\n") + 1) + 0.4 if text else 0.0)
