"""The tables that other commands left in a run's folder, checked before anything is said of them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, get_args

import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

from grokscope.errors import RunError

Verdict = Literal["explained", "partly explained", "not explained"]
"""What is said of a network; the column of that name in ``claims.csv``."""


def read_measures(path: Path) -> pd.DataFrame | None:
    """Return the tidy table of ``grokscope measure``: one row a step, measure and index; None where there is none.

    Raises:
        RunError: it is damaged, or of an earlier version.
    """
    table = _read(path, lambda table: _missing(table, ("step", "measure", "index", "value")), "grokscope measure")
    return None if table is None else table.fillna({"index": ""})


def read_claims(path: Path) -> pd.DataFrame | None:
    """Return the table of ``grokscope explain --every``: one row a step and claim; None where there is none.

    Raises:
        RunError: it is damaged.
    """
    return _read(path, _claims_damage, "grokscope explain --every")


def _read(path: Path, damage: Callable[[pd.DataFrame], str | None], command: str) -> pd.DataFrame | None:
    if not path.exists():
        return None
    try:
        whole = path.read_bytes().endswith(b"\n")
        table = pd.read_csv(path, dtype={"measure": str, "index": str})
        reason = damage(table) if whole else "it ends within a line"
    except (OSError, ValueError) as error:  # what is no table, or no text, is a ValueError to pandas
        table, reason = None, " ".join(str(error).split())
    if reason is not None:
        raise RunError(f"{path} is damaged: {reason}; delete it, or run '{command}' on the run again")
    return table


def _claims_damage(table: pd.DataFrame) -> str | None:
    damage = (
        _missing(table, ("step", "verdict", "claim", "value", "threshold", "holds"))
        or _not_numbers(table, ("step", "value", "threshold"))
        or _wrong_steps(table)
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


def _missing(table: pd.DataFrame, needed: Iterable[str]) -> str | None:
    missing = [name for name in needed if name not in table]
    if missing:
        return f"it has no column {', '.join(missing)}"
    return "it has no rows" if table.empty else None


def _not_numbers(table: pd.DataFrame, columns: Iterable[str]) -> str | None:
    wrong = [name for name in columns if not is_numeric_dtype(table[name]) or is_bool_dtype(table[name])]
    return f"its column {wrong[0]} has what is not a number" if wrong else None


def _wrong_steps(table: pd.DataFrame) -> str | None:
    steps = table["step"].to_numpy()
    if not is_integer_dtype(steps) or steps.min() < 0:
        return "its steps must be whole numbers"
    return None if (steps[1:] >= steps[:-1]).all() else "its steps are not in order"
