"""Tables in the terminal, all of one look."""

import pandas as pd
from rich.table import Table
from rich.text import Text


def name_table() -> Table:
    """Return an empty table of names and values."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
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


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.3g}"
    return str(value)
