"""Attention from token to token, on examples of a task on sequences."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.sequences.attention_examples import ExampleAttention, example_attention
from grokscope.errors import ConfigError
from grokscope.figures.axes import frame_image
from grokscope.figures.canvas import Target, canvas, room, title
from grokscope.figures.catalogue import figure
from grokscope.figures.source import Source
from grokscope.figures.text import width_of
from grokscope.figures.theme import BLUE, MAX_HEADS, SMALL, SPARSE, em
from grokscope.tasks import SequenceTask, SkipTrigramsTask

_MOST_NAMED = 24
"""Tokens up to which each is written; of more, every so many has its position."""
_NARROWEST, _PER_NAME = 12.0, 1.05
"""Widths that a map needs, in sizes of the text: with numbers beside it, and for each name."""
_ROW, _TALLEST, _LARGEST = 1.5, 43.0, 30.0
"""Height of a row where the rows are not the columns, of a whole map then, and the side of a square one."""
MARK = BLUE


def attention_patterns(attention: ExampleAttention, *, ax: Target = None) -> Figure:
    """Return every head's attention (the first 16) from the tokens at the left to the tokens below.

    A blue line at the right stands where an answer is read; blue rings stand on what a row's answer depends on. All
    heads share one scale, 0 to 1. After Nanda & Lieberum (2022); Olsson et al. (2022), "In-context Learning and
    Induction Heads".

    Args:
        attention: of :func:`grokscope.analysis.sequences.attention_examples.example_attention`.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there are no heads.
    """
    n_rows, n_columns = attention.patterns.shape[1:]
    maps = attention.patterns[:MAX_HEADS].numpy()
    if not len(maps):
        raise ConfigError("there are no heads to draw the attention of")
    square = n_rows == n_columns
    named = max(n_rows, n_columns) <= _MOST_NAMED
    scale = Normalize(0, 1)
    with canvas(ax) as sheet:
        longest = max(width_of(name) for name in attention.columns)
        least = max(_NARROWEST, _PER_NAME * n_columns * max(1.0, longest) if named else 0.0) if square else 24.0
        across = sheet.columns(len(maps), least, 4 if square else 2)
        side = min(sheet.side(across), _LARGEST)
        height = side if square else min(_ROW * n_rows, _TALLEST)
        panels = sheet.panels(len(maps), across, height, sharex=True, sharey=True)
        if square:
            sheet.pack()
        for axes, values, name in zip(panels, maps, attention.heads, strict=False):
            axes.imshow(values, cmap=SPARSE, norm=scale, interpolation="none", aspect="equal" if square else "auto")
            title(axes, f"head {name}", width=side)
            frame_image(axes)
            _mark(axes, attention)
        for axes in panels:
            _name(axes, attention.rows, attention.columns)
        sheet.label(
            x="to the token" if square else "to the position",
            y="from the token" if square else "trigger in the sequence",
        )
        sheet.colorbar(ScalarMappable(scale, SPARSE), panels, "attention")
        sheet.legend(_legend(attention))
    return sheet.figure


def _mark(axes: Axes, attention: ExampleAttention) -> None:
    rows, columns = attention.wanted.nonzero().T.numpy()
    axes.scatter(columns, rows, s=em(0.58) ** 2, facecolors="none", edgecolors=MARK, linewidths=em(0.1))
    if not attention.answered.all():
        at = attention.answered.nonzero().flatten().numpy()
        beside = axes.get_yaxis_transform()
        axes.vlines(
            [1.025] * len(at), at - 0.5, at + 0.5, color=MARK, linewidth=em(0.25), transform=beside, clip_on=False
        )


def _legend(attention: ExampleAttention) -> list[Line2D]:
    handles = []
    if attention.wanted.any():
        ring = {"marker": "o", "markerfacecolor": "none", "markersize": em(0.6)}
        handles.append(Line2D([], [], color=MARK, linestyle="none", label="where the trigger stands", **ring))
    if not attention.answered.all():
        handles.append(Line2D([], [], color=MARK, linewidth=em(0.25), label="an answer is read here"))
    return handles


def _name(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Write the tokens, or positions of more than can be read."""
    size = em(min(SMALL, 0.85 * room(axes) / len(columns)))
    for axis, names in ((axes.xaxis, columns), (axes.yaxis, rows)):
        if len(names) <= _MOST_NAMED:
            axis.set_ticks(np.arange(len(names)), names)
            axis.set_tick_params(labelsize=size)
        else:
            axis.set_major_locator(MaxNLocator(6, integer=True))


_EXAMPLES = 300
"""Fresh examples of which some are shown: of skip trigrams, enough for one of each trigger."""


def _register(caption: str, task: type[SequenceTask]) -> None:
    """Register the patterns of a kind of task, which differ in what is to be seen in them."""
    figure(
        "patterns",
        summary="each head's attention in an example",
        title="Attention in examples",
        caption=caption,
        tasks=(task,),
        after="Olsson et al. (2022)",
        on_page=lambda source: source.explanation is not None,
    )(draw_patterns)


def draw_patterns(source: Source[SequenceTask], *, ax: Target = None) -> Figure:
    """Return :func:`attention_patterns` of a network on fresh examples, the same every time."""
    examples = fresh_examples(source.task, _EXAMPLES, seed=0)
    return attention_patterns(example_attention(source.model, source.task, examples), ax=ax)


_register(
    "Every head's attention on one fresh example, from the tokens at the left to those below. Blue lines at the "
    "right: where an answer is read.",
    SequenceTask,
)
_register(
    "Every head's attention of the last token, the query, which alone is used, on one fresh example for each "
    "trigger. Blue rings: where the trigger stands; a network that has learned looks nowhere else.",
    SkipTrigramsTask,
)
