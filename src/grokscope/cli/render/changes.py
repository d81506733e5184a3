"""The table of change points, as a terminal shows it."""

import pandas as pd

from grokscope.analysis.trajectories.run_change_points import DELAY


def shown_changes(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as it is printed: whole steps, and an interval in one column."""
    shown = pd.DataFrame({"curve": table["curve"]})
    if "median" in table:
        shown["runs"] = table["runs"]
        shown["at step"] = [f"{step:,.0f}" for step in table["median"]]
        shown["lowest to highest"] = _ranges(table, "lowest", "highest")
        shown["abrupt in"] = ["" if delay else str(n) for n, delay in zip(table["abrupt"], _delays(table), strict=True)]
        return shown
    shown["at step"] = [f"{step:,.0f}" for step in table["location"]]
    shown["95 % interval"] = _ranges(table, "low", "high")
    shown["half of it in"] = ["" if width != width else f"{width:,.0f}" for width in table["width"]]
    shown["height"] = ["" if height != height else f"{height:.3g}" for height in table["height"]]
    answers = ["yes" if abrupt is True else "no" for abrupt in table["abrupt"]]
    shown["abrupt"] = ["" if delay else answer for answer, delay in zip(answers, _delays(table), strict=True)]
    return shown


def _ranges(table: pd.DataFrame, low: str, high: str) -> list[str]:
    return ["" if a != a else f"{a:,.0f}–{b:,.0f}" for a, b in table[[low, high]].to_numpy().tolist()]


def _delays(table: pd.DataFrame) -> list[bool]:
    return [name.startswith(DELAY) for name in table["curve"]]
