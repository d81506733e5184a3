"""Tables in the terminal, all of one look."""

from collections.abc import Sequence

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WORDS = ("run", "group", "arm", "arms", "item", "published", "measured", "verdict", "rule, or why")
"""Columns that have words, which begin at the left."""


def name_table() -> Table:
    """Return an empty table of names and values."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def list_table(first: str, *numbers: str) -> Table:
    """Return an empty table with a column of words and columns of numbers."""
    table = Table(box=None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def frame_table(frame: pd.DataFrame) -> Table:
    """Return a data frame as a table; numbers have three digits."""
    table = list_table(*(str(name) for name in frame.columns))
    for row in frame.itertuples(index=False):
        table.add_row(*(Text(_cell(value)) for value in row))
    return table


def print_whole(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of which no word is cut off, if need be in lines that are longer than the terminal's."""
    cells = list(zip(columns, *rows, strict=True))
    least = [max(len(word) for cell in column for word in cell.split(" ")) for column in cells]
    between = 2 * (len(columns) - 1)
    left = max(0, console.width - between - sum(least))
    table = list_table(*columns)
    for column, shown, width in zip(table.columns, cells, least, strict=True):
        more = min(left, max(map(len, shown)) - width)
        column.width, left, column.no_wrap = width + more, left - more, False
        column.justify = "left" if column.header in _WORDS else "right"
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=max(console.width, between + sum(column.width or 0 for column in table.columns))).print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.3g}"
    return str(value)
