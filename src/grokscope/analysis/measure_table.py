"""The tidy table of a run's measures: one row for each step, measure and index."""

from os import PathLike
from pathlib import Path

import pandas as pd

from grokscope.analysis.measures import MEASURES, split_column
from grokscope.run.tables import (
    MEASURE,
    MEASURE_COLUMNS,
    damaged,
    missing_columns,
    not_numbers,
    read_table,
    wrong_steps,
)


def pivot(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of measures with one row a step, and a column for each measure and index: ``alpha_14``.

    A measure that has no value at a step is NaN there.
    """
    names = {
        (measure, index): column_of(measure, index)
        for measure, index in table[["measure", "index"]].drop_duplicates().itertuples(index=False)
    }
    columns = [names[pair] for pair in zip(table["measure"], table["index"], strict=True)]
    wide = table.assign(column=columns).pivot_table(index="step", columns="column", values="value", dropna=False)
    return wide.reindex(columns=list(names.values())).rename_axis(columns=None).reset_index()


def column_of(measure: str, index: str) -> str:
    """Return the name of the column of a measure and an index; of a measure that is not registered too."""
    if measure in MEASURES:
        return MEASURES[measure].column(index)
    return f"{measure}_{index}" if index else measure


def tidy(wide: pd.DataFrame) -> pd.DataFrame:
    """Return a table with one row a step as one with a row for each step, measure and index."""
    pairs = {str(column): split_column(str(column)) for column in wide.columns if column != "step"}
    rows = [
        (row["step"], *pairs[column], row[column])
        for row in wide.to_dict("records")
        for column in pairs
        if not pd.isna(row[column])
    ]
    return pd.DataFrame(rows, columns=MEASURE_COLUMNS)


def read_measures(path: str | PathLike[str], needed: tuple[str, ...] = ()) -> pd.DataFrame | None:
    """Return the table of ``grokscope measure``, tidy; None where there is none.

    A table of an earlier version, with one row a step and a column for each measure, is converted.

    Args:
        path: of the file.
        needed: measures that every step must have.

    Raises:
        RunError: it is damaged.
    """
    path = Path(path)
    table = read_table(path, _damage, MEASURE)
    if table is None:
        return None
    table = table.fillna({"index": ""}) if "measure" in table else tidy(table)
    reason = _wrong_rows(table, needed)
    if reason is not None:
        raise damaged(path, reason, MEASURE)
    return pd.DataFrame(table, columns=MEASURE_COLUMNS)


def _damage(table: pd.DataFrame) -> str | None:
    numbers = table.columns.difference(["measure", "index"])
    damage = missing_columns(table, MEASURE_COLUMNS if "measure" in table else ["step"])
    damage = damage or not_numbers(table, numbers) or wrong_steps(table)
    return damage or ("a step has two rows" if "measure" not in table and table.duplicated(["step"]).any() else None)


def _wrong_rows(table: pd.DataFrame, needed: tuple[str, ...]) -> str | None:
    if table["measure"].isna().to_numpy().any():
        return "a row has no measure"
    if table.duplicated(["step", "measure", "index"]).any():
        return "a measure has two rows for one step"
    whole = table[(table["index"] == "") & table["value"].notna()]
    for name in needed:
        if name not in set(whole["measure"]):
            return f"it has no measure {name}"
        if set(whole.loc[whole["measure"] == name, "step"]) != set(table["step"]):
            return f"a step has no {name}"
    return None
