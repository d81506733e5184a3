"""One table of many runs, in memory and as Parquet."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grokscope.analysis.many_runs.outcomes import COLUMNS, LISTS, RunOutcome


def outcome_table(
    outcomes: Sequence[RunOutcome], settings: Sequence[str] | None = None, measures: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return one row a run, with the columns of :class:`RunOutcome`.

    Steps and counts are whole numbers that may be missing, lists are tuples. Settings whose values are lists, or of
    several kinds (numbers and words), are text: a column has one type.

    Args:
        outcomes: of the runs.
        settings: names of the columns in place of ``settings``; those that the runs have if None.
        measures: names of the columns in place of ``measures``; those that the runs have if None.
    """
    given = {"settings": settings, "measures": measures}
    data: dict[str, pd.Series] = {}
    for name, column in COLUMNS.items():
        values = [getattr(each, name) for each in outcomes]
        if column.dtype == "columns":
            names = given[name]
            for extra in dict.fromkeys(key for each in values for key in each) if names is None else names:
                found = [each.get(extra) for each in values]
                data[extra] = _setting_series(found) if name == "settings" else pd.Series(found, dtype="float64")
        else:
            data[name] = pd.Series(values, dtype="object" if column.dtype == "list" else column.dtype)
    return pd.DataFrame(data)


def outcomes_in(table: pd.DataFrame, settings: Sequence[str] = ()) -> list[RunOutcome]:
    """Return the rows of a table that :func:`outcome_table` made.

    Older tables are read too: in them key frequencies are text, and only ``seed`` stands for the seeds.

    Args:
        table: a row a run.
        settings: the columns that are settings; a column of any other unknown name is a measure.
    """
    extra = [str(name) for name in table.columns if name not in COLUMNS and name not in settings]
    return [_outcome_in(row, settings, extra) for row in table.to_dict("records")]


def to_json(outcome: RunOutcome) -> dict[str, Any]:
    """Return ``outcome`` as plain values."""
    return {name: getattr(outcome, name) for name in COLUMNS}


def from_json(tree: Mapping[str, Any]) -> RunOutcome:
    """Return the outcome that :func:`to_json` gave.

    Raises:
        KeyError: a value is missing.
        TypeError: there are values of another version.
    """
    values = dict(tree)
    for name in LISTS:
        values[name] = None if values[name] is None else tuple(values[name])
    return RunOutcome(**values)


def _outcome_in(row: Mapping[Any, Any], settings: Iterable[str], measures: Iterable[str]) -> RunOutcome:
    values = {name: _known(row[name]) for name in COLUMNS if name in row}
    keys = values.get("key_frequencies")
    if isinstance(keys, str):
        values["key_frequencies"] = tuple(int(key) for key in keys.split())
    values.setdefault("seeds", (values.get("seed"),) * 4)
    return RunOutcome(
        **values,
        settings={name: _known(row[name]) for name in settings if name in row},
        measures={name: _known(row[name]) for name in measures},
    )


def _known(value: Any) -> Any:
    """Return a cell's value as plain Python; None where it is missing."""
    if isinstance(value, str):
        return value
    if hasattr(value, "__len__"):
        return tuple(int(each) for each in value)
    if pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _setting_series(values: Sequence[Any]) -> pd.Series:
    kinds = {type(value) for value in values if value is not None}
    if (len(kinds) > 1 and not kinds <= {int, float}) or kinds & {list, tuple, dict}:
        return pd.Series([None if value is None else _as_text(value) for value in values], dtype="object")
    return pd.Series(list(values))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def to_parquet(table: pd.DataFrame) -> bytes:
    """Return a table of outcomes as the content of a Parquet file; tuples of numbers are lists in it."""
    columns = pa.Table.from_pandas(table, preserve_index=False)
    for name in LISTS:
        if name in table:  # a column without values has no type of its own
            column = pa.array(table[name].tolist(), pa.list_(pa.int64()), from_pandas=True)
            columns = columns.set_column(columns.schema.get_field_index(name), name, column)
    content = io.BytesIO()
    pq.write_table(columns, content)
    return content.getvalue()
