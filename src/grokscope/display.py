"""How objects show themselves: small tables in a notebook, and at a prompt no array printed number by number.

A notebook calls ``_repr_html_``, and lays out and colours tables itself, light or dark; so nothing here has a colour.
All text is escaped: names and descriptions in a run may be somebody else's.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from html import escape
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor, nn

Facts = Iterable[tuple[str, object]]
"""Names, and what is to be said under each."""

_LEFT = ' style="text-align: left; vertical-align: top"'  # notebooks push the text of cells to the right


def facts_table(title: str, facts: Facts) -> str:
    """Return HTML of a table with a title, and a row for each fact."""
    rows = "".join(f"<tr><th{_LEFT}>{escape(name)}</th>{_cell(value)}</tr>" for name, value in facts)
    head = f'<thead><tr><th colspan="2"{_LEFT}>{escape(title)}</th></tr></thead>'
    return f"<table>{head}<tbody>{rows}</tbody></table>"


def list_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return HTML of a table with headings."""
    head = "".join(f"<th{_LEFT}>{escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def folded(summary: str, html: str) -> str:
    """Return HTML that shows ``summary``, and ``html`` once that is clicked."""
    return f"<details><summary>{escape(summary)}</summary>{html}</details>"


def preformatted(text: str) -> str:
    """Return HTML of ``text`` as it stands, in type of one width."""
    return f"<pre>{escape(text)}</pre>"


def _cell(value: object) -> str:
    return f"<td{_LEFT}>{escape(str(value))}</td>"


_MOST_ITEMS = 8
_MOST_CHARACTERS = 100


def brief(value: object) -> str:
    """Return ``value`` as ``repr`` does, but of an array its type and shape, and of what is long the beginning.

    Example:
        >>> brief({"pattern": torch.zeros(113, 113, 4, 3)})
        "{'pattern': float32[113, 113, 4, 3]}"
    """
    match value:
        case Tensor() | np.ndarray():
            return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
        case pd.DataFrame():
            return f"table of {len(value):,} rows: {few(value.columns)}"
        case str() if len(value) > _MOST_CHARACTERS:
            return repr(f"{value[:_MOST_CHARACTERS]}…")
        case Mapping():
            return f"{{{few(value.items(), lambda item: f'{item[0]!r}: {brief(item[1])}')}}}"
        case list():
            return f"[{few(value, brief)}]"
        case tuple():
            return f"({few(value, brief)}{',' if len(value) == 1 else ''})"
        case nn.Module() | type():
            return repr(value)
        case _ if callable(value) and hasattr(value, "__qualname__"):
            return value.__qualname__  # its own repr has an address in it
        case _:
            return repr(value)


def few(items: Collection[Any], show: Callable[[Any], str] = str) -> str:
    """Return the first items with commas between; of more than eight, how many there are."""
    shown = [show(item) for item in islice(items, _MOST_ITEMS)]
    return ", ".join([*shown, f"… {len(items):,} in all"] if len(items) > _MOST_ITEMS else shown)


def brief_repr(self: Any) -> str:
    """Return the name of a dataclass and its fields, in :func:`brief`; it is to be that class's ``__repr__``."""
    shown = (f"{each.name}={brief(getattr(self, each.name))}" for each in fields(self) if each.repr)
    return f"{type(self).__name__}({', '.join(shown)})"
