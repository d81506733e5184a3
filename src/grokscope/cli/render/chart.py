"""Loss curves in a terminal: braille characters, of two by four dots each."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from rich.text import Text

STYLES = {"train": "#56B4E9", "test": "#D55E00"}
"""Sky and vermilion of Okabe & Ito (2008): bright enough on black, dark enough on white."""

BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Which bit of a braille character, from U+2800 on, is which dot of its four rows and two columns."""


def loss_chart(metrics: pd.DataFrame, width: int, height: int) -> Text:
    """Return training and test loss (nats, log axis) against steps, as ``height + 3`` lines of ``width`` characters.

    Args:
        metrics: at least one row; columns ``step``, ``train_loss``, ``test_loss`` (NaN where there is no test set).
        width: characters; 30 at least.
        height: lines of the curves themselves, without the unit above and the steps below; 3 at least.
    """
    curves = {name: _curve(metrics, name) for name in STYLES}
    curves = {name: points for name, points in curves.items() if len(points)}
    low, high = log_axis([loss for points in curves.values() for loss in points[:, 1].tolist()])

    def rows_of(losses: np.ndarray) -> np.ndarray:
        """Return which rows of dots losses are on, from the top; what a log axis cannot show is on the last."""
        return np.log(high / np.maximum(losses, low)) / math.log(high / low) * (4 * height - 1)

    def line_of(loss: float) -> int:
        return int(np.rint(rows_of(np.array([loss]))[0])) // 4

    labels = {line_of(tick): f"{tick:g}" for tick in ticks(low, high, height // 2)}
    margin = max(map(len, labels.values()))
    n_cells = width - margin - len(" ┤") - len(" train")
    last = int(metrics["step"].iloc[-1])
    cells, styles = np.zeros((height, n_cells), dtype=int), np.full((height, n_cells), "", dtype=object)
    names: dict[int, str] = {}
    for name, points in curves.items():
        columns = points[:, 0] / max(last, 1) * (2 * n_cells - 1)
        dots = line_dots(columns, rows_of(points[:, 1]), (4 * height, 2 * n_cells))
        drawn = np.einsum("hrwc,rc->hw", dots.reshape(height, 4, n_cells, 2).astype(int), BITS)
        cells |= drawn
        styles[drawn > 0] = STYLES[name]
        end = line_of(points[-1, 1])
        names[min(set(range(height)) - set(names), key=lambda row, end=end: abs(row - end))] = name

    text = Text("loss, nats\n", style="dim", no_wrap=True, overflow="crop")
    for row in range(height):
        text.append(f"{labels.get(row, ''):>{margin}} {'┤' if row in labels else '│'}")
        for bits, style in zip(cells[row], styles[row], strict=True):
            text.append(chr(0x2800 + bits) if bits else " ", style=f"not dim {style}" if style else "")
        name = names.get(row, "")
        text.append(f" {name:5}\n", style=f"not dim {STYLES[name]}" if name else "")
    text.append(f"{'':>{margin}} └{'─' * n_cells}\n")
    begin, end = " " * (margin + 2) + "0", f"step {last:,}"
    text.append(begin + end.rjust(margin + 2 + n_cells - len(begin)))
    return text


def _curve(metrics: pd.DataFrame, name: str) -> np.ndarray:
    points = metrics[["step", f"{name}_loss"]].to_numpy(dtype=float)
    return points[np.isfinite(points[:, 1])]


def log_axis(losses: Iterable[float]) -> tuple[float, float]:
    """Return where a log axis for these losses begins and ends: at one, two or five times a power of ten."""
    positive = [loss for loss in losses if loss > 0] or [1.0]
    least, most = min(positive), max(positive)
    marks = _marks(least, most)
    low = max(mark for mark in marks if mark <= least)
    return low, min(mark for mark in marks if mark >= most and mark > low)


def ticks(low: float, high: float, n: int) -> list[float]:
    """Return about ``n`` round losses from ``low`` to ``high``: powers of ten where there are three of them or more."""
    marks = [mark for mark in _marks(low, high) if low <= mark <= high]
    decades = [mark for mark in marks if f"{mark:e}".startswith("1.0")]
    chosen = decades if len(decades) > 2 else marks
    return chosen[:: -(-len(chosen) // max(n, 2))]


def _marks(least: float, most: float) -> list[float]:
    exponents = range(math.floor(math.log10(least)) - 1, math.ceil(math.log10(most)) + 2)
    return [float(f"{digit}e{exponent}") for exponent in exponents for digit in (1, 2, 5)]


def line_dots(columns: np.ndarray, rows: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return which dots of a raster of that shape the line through these points covers, one unbroken line.

    Args:
        columns: of the points, ascending, from 0 to ``shape[1] - 1``; any number of points may share a column.
        rows: of the points, from 0 (top) to ``shape[0] - 1``.
        shape: rows and columns of the raster.
    """
    raster, nearest, dots = np.arange(shape[1]), np.rint(columns).astype(int), np.rint(rows).astype(int)
    at = np.rint(np.interp(raster, columns, rows)).astype(int)
    top, bottom = at.copy(), at.copy()
    np.minimum.at(top, nearest, dots)
    np.maximum.at(bottom, nearest, dots)
    falls, middle = at[1:] >= at[:-1], (at[:-1] + at[1:]) // 2  # neighbours meet half-way, touching
    bottom[:-1][falls] = np.maximum(bottom[:-1], middle)[falls]
    top[1:][falls] = np.minimum(top[1:], middle + 1)[falls]
    top[:-1][~falls] = np.minimum(top[:-1], middle + 1)[~falls]
    bottom[1:][~falls] = np.maximum(bottom[1:], middle)[~falls]
    inside = (raster >= nearest[0]) & (raster <= nearest[-1])
    row = np.arange(shape[0])[:, None]
    return inside & (row >= top) & (row <= bottom)
