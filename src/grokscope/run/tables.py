"""The tables that other commands left in a run's folder, checked before anything is said of them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, get_args

import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

from grokscope.errors import RunError

Verdict = Literal["explained", "partly explained", "not explained"]
"""What is said of a network; the column of that name in ``claims.csv``."""

MEASURE_COLUMNS = ["step", "measure", "index", "value"]
"""``index`` is empty where there is none; else ``14`` for a frequency, ``0.3`` for layer and head, or a name."""

MEASURE = "grokscope measure"
"""The command that writes a table of measures."""


def read_measures(path: Path) -> pd.DataFrame | None:
    """Return the tidy table of ``grokscope measure``: one row a step, measure and index; None where there is none.

    Raises:
        RunError: it is damaged, or of an earlier version.
    """
    table = read_table(path, lambda table: missing_columns(table, MEASURE_COLUMNS), MEASURE)
    return None if table is None else table.fillna({"index": ""})


def read_claims(path: Path) -> pd.DataFrame | None:
    """Return the table of ``grokscope explain --every``: one row a step and claim; None where there is none.

    Raises:
        RunError: it is damaged.
    """
    return read_table(path, _claims_damage, "grokscope explain --every")


def read_table(path: Path, damage: Callable[[pd.DataFrame], str | None], command: str) -> pd.DataFrame | None:
    """Return a table of measures or claims; None where there is none.

    Args:
        path: of the file.
        damage: says what is wrong with a table, or None.
        command: that writes the file.

    Raises:
        RunError: it is damaged.
    """
    if not path.exists():
        return None
    try:
        whole = path.read_bytes().endswith(b"\n")
        table = pd.read_csv(path, dtype={"measure": str, "index": str})
        reason = damage(table) if whole else "it ends within a line"
    except (OSError, ValueError) as error:  # what is no table, or no text, is a ValueError to pandas
        table, reason = None, " ".join(str(error).split())
    if reason is not None:
        raise damaged(path, reason, command)
    return table


def damaged(path: Path, reason: str, command: str) -> RunError:
    """Return the error that a table is damaged, with the command that writes it anew."""
    return RunError(f"{path} is damaged: {reason}; delete it, or run '{command}' on the run again")


def _claims_damage(table: pd.DataFrame) -> str | None:
    damage = (
        missing_columns(table, ("step", "verdict", "claim", "value", "threshold", "holds"))
        or not_numbers(table, ("step", "value", "threshold"))
        or wrong_steps(table)
    )
    if damage is not None:
        return damage
    if not is_bool_dtype(table["holds"]):
        return "its column holds must be True or False"
    verdicts = set(table["verdict"]) - set(get_args(Verdict))
    if verdicts:
        return f"{sorted(map(str, verdicts))[0]!r} is no verdict"
    if table["claim"].isna().to_numpy().any():
        return "a row has no claim"
    return "a claim has two rows for one step" if table.duplicated(["step", "claim"]).any() else None


def missing_columns(table: pd.DataFrame, needed: Iterable[str]) -> str | None:
    """Return what is wrong with a table that lacks columns, or rows."""
    missing = [name for name in needed if name not in table]
    if missing:
        return f"it has no column {', '.join(missing)}"
    return "it has no rows" if table.empty else None


def not_numbers(table: pd.DataFrame, columns: Iterable[str]) -> str | None:
    """Return what is wrong with columns that must be numbers."""
    wrong = [name for name in columns if not is_numeric_dtype(table[name]) or is_bool_dtype(table[name])]
    return f"its column {wrong[0]} has what is not a number" if wrong else None


def wrong_steps(table: pd.DataFrame) -> str | None:
    """Return what is wrong with the steps, which must be whole numbers in order."""
    steps = table["step"].to_numpy()
    if not is_integer_dtype(steps) or steps.min() < 0:
        return "its steps must be whole numbers"
    return None if (steps[1:] >= steps[:-1]).all() else "its steps are not in order"
