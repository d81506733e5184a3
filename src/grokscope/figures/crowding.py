"""What has no room in a smaller figure: lines of words that are too long, and numbers at ticks that touch."""
# pyright: reportAttributeAccessIssue=false
# matplotlib tells nobody which titles an axes has, nor how many ticks a locator makes

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, MaxNLocator

_GAP = 0.5
"""Least distance between the numbers of two ticks, in heights of their text."""


def words_of(panels: list[Axes]) -> list[Text]:
    """Return the titles and the labels."""
    return [text for axes in panels for text in (*_titles(axes), axes.xaxis.label, axes.yaxis.label)]


def _titles(axes: Axes) -> tuple[Text, Text, Text]:
    return axes._left_title, axes.title, axes._right_title


def fit_words(figure: Figure, panels: list[Axes]) -> None:
    """Break titles and labels below ``panels``, laid out, into lines where they are longer than there is room."""
    right = figure.bbox.width - _points(figure, 4.0)
    for axes in panels:
        box = axes.get_window_extent()
        beside = [_left_of(other) for other in panels if _is_right_of(other, axes)]
        for title in _titles(axes):
            _wrap(title, min(beside, default=right) - _points(figure, 4.0) - box.x0)
        _wrap(axes.xaxis.label, 2 * min(box.x0 + box.width / 2, min(beside, default=right) - box.x0 - box.width / 2))


def fit_upright_words(panels: list[Axes]) -> None:
    """Break the labels beside ``panels``, laid out, into lines where they are longer than the panels are high."""
    for axes in panels:
        _wrap(axes.yaxis.label, axes.get_window_extent().height, upright=True)


def _left_of(axes: Axes) -> float:
    """Return where what is drawn of ``axes`` begins, in pixels."""
    box = axes.get_tightbbox()
    assert box is not None
    return box.x0


def _is_right_of(other: Axes, axes: Axes) -> bool:
    a, b = axes.get_window_extent(), other.get_window_extent()
    return bool(b.x0 >= a.x1 and b.y0 < a.y1 and b.y1 > a.y0)


def _points(figure: Figure, points: float) -> float:
    return points * figure.dpi / 72


def _wrap(text: Text, room: float, *, upright: bool = False) -> None:
    """Break ``text`` at spaces so that no line is longer than ``room`` pixels, if it has words as short as that."""
    if not text.get_text():
        return
    lines: list[str] = []
    for line in text.get_text().split("\n"):
        lines.append("")
        for word in line.split(" "):
            longer = f"{lines[-1]} {word}".lstrip()
            text.set_text(longer)
            box = text.get_window_extent()
            if lines[-1] and (box.height if upright else box.width) > room and lines[-1].count("$") % 2 == 0:
                lines.append(word)
            else:
                lines[-1] = longer
    text.set_text("\n".join(lines))


def fit_ticks(axis: Axis) -> None:
    """Make ticks fewer until their numbers do not touch."""
    while _touch(axis):
        locator = axis.get_major_locator()
        if isinstance(locator, FixedLocator):
            shown = axis.get_ticklabels()
            if len(shown) < 3:
                return
            axis.set_ticks(list(axis.get_ticklocs())[::2], [label.get_text() for label in shown][::2])
        elif isinstance(locator, MaxNLocator) and isinstance(locator._nbins, int) and locator._nbins > 1:
            locator.set_params(nbins=locator._nbins - 1)
        else:
            return


def _touch(axis: Axis) -> bool:
    side = 0 if axis.axis_name == "x" else 1
    labels = [label for label in axis.get_ticklabels() if label.get_visible() and label.get_text()]
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.min[side])
    if not boxes:
        return False
    gap = _GAP * min(min(box.width, box.height) for box in boxes)
    return any(later.min[side] - box.max[side] < gap * (1 - side) for box, later in pairwise(boxes))
