"""Attention from token to token, on examples of a task on sequences."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from grokscope.analysis.sequences.attention_examples import ExampleAttention
from grokscope.errors import ConfigError
from grokscope.figures.modular.maps import MAX_HEADS
from grokscope.figures.theme import BLUE, SPARSE, WIDTH, blank_figure, frame_image, styled

_MOST_NAMED = 24
"""Tokens up to which each is written; of more, every so many has its position."""
_MARGIN, _BAR = 0.35, 1.4
"""Inches beside a map, and beside all of them."""
_ROW, _TALLEST = 0.2, 6.0
"""Inches of a row where the rows are not the columns, and of a whole map."""
MARK = BLUE


@styled
def attention_patterns(attention: ExampleAttention) -> Figure:
    """Return every head's attention (the first 16) from the tokens at the left to the tokens below.

    A blue line at the right stands where an answer is read; blue rings stand on what a row's answer depends on. All
    heads share one scale, 0 to 1. After Nanda & Lieberum (2022); Olsson et al. (2022), "In-context Learning and
    Induction Heads".

    Args:
        attention: of :func:`grokscope.analysis.sequences.attention_examples.example_attention`.

    Raises:
        ConfigError: there are no heads.
    """
    n_rows, n_columns = attention.patterns.shape[1:]
    maps = attention.patterns[:MAX_HEADS].numpy()
    if not len(maps):
        raise ConfigError("there are no heads to draw the attention of")
    square = n_rows == n_columns
    across = min(len(maps), 4 if square else 2)
    down = math.ceil(len(maps) / across)
    width = (WIDTH - _BAR) / across - _MARGIN
    height = width if square else _ROW * n_rows
    figure = blank_figure(0.7 + down * (min(height, _TALLEST) + _MARGIN), square=square)
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    scale = Normalize(0, 1)
    for axes, values, name in zip(grid.flat, maps, attention.heads, strict=False):
        axes.imshow(values, cmap=SPARSE, norm=scale, interpolation="none", aspect="equal" if square else "auto")
        axes.set_title(f"head {name}", fontsize=9.5)
        frame_image(axes)
        _mark(axes, attention)
    for axes in grid.flat[len(maps) :]:
        axes.remove()
    for axes in grid.flat[: len(maps)]:
        _name(axes, attention.rows, attention.columns, room=width)
    for axes in grid[:, 0]:
        axes.set_ylabel("from the token" if square else "trigger in the sequence")
    for place in range(len(maps)):
        if place + across >= len(maps):  # the lowest of its column
            grid.flat[place].set_xlabel("to the token" if square else "to the position")
            grid.flat[place].tick_params(labelbottom=True)
    figure.colorbar(
        ScalarMappable(scale, SPARSE), ax=grid.flat[: len(maps)].tolist(), shrink=0.8 if down == 1 else 0.5, aspect=24,
        label="attention",
    )  # fmt: skip
    handles = _legend(attention)
    if handles:
        figure.legend(handles=handles, loc="outside upper left", ncols=2)
    return figure


def _mark(axes: Axes, attention: ExampleAttention) -> None:
    rows, columns = attention.wanted.nonzero().T.numpy()
    axes.scatter(columns, rows, s=34, facecolors="none", edgecolors=MARK, linewidths=1.0)
    if not attention.answered.all():
        at = attention.answered.nonzero().flatten().numpy()
        beside = axes.get_yaxis_transform()
        axes.vlines([1.025] * len(at), at - 0.5, at + 0.5, color=MARK, linewidth=2.5, transform=beside, clip_on=False)


def _legend(attention: ExampleAttention) -> list[Line2D]:
    handles = []
    if attention.wanted.any():
        ring = {"marker": "o", "markerfacecolor": "none", "markersize": 6.0}
        handles.append(Line2D([], [], color=MARK, linestyle="none", label="where the trigger stands", **ring))
    if not attention.answered.all():
        handles.append(Line2D([], [], color=MARK, linewidth=2.5, label="an answer is read here"))
    return handles


def _name(axes: Axes, rows: Sequence[str], columns: Sequence[str], *, room: float) -> None:
    """Write the tokens, or positions of more than can be read; ``room`` is the width of a map in inches."""
    size = min(9.0, 72 * room / len(columns) * 0.85)
    for axis, names in ((axes.xaxis, columns), (axes.yaxis, rows)):
        if len(names) <= _MOST_NAMED:
            axis.set_ticks(np.arange(len(names)), names)
            axis.set_tick_params(labelsize=size)
        else:
            axis.set_major_locator(MaxNLocator(6, integer=True))
