"""The phase changes of whole runs, and of several runs of one experiment together."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

import pandas as pd

from grokscope.analysis.measure_table import pivot, read_measures
from grokscope.curves.change_points import ChangePoint, change_points, grokking_delay
from grokscope.errors import RunError
from grokscope.run import Run

DELAY = "grokking delay"
"""The row of the difference between the changes of test and training loss."""


def changes_of_run(run: Run) -> dict[str, ChangePoint]:
    """Return the change point of every curve of a run: its metrics, and its measures where they have been taken.

    Raises:
        RunError: a table of the run is damaged, or there is nothing in it.
    """
    metrics = run.metrics
    if metrics.empty:
        raise RunError(f"{run.path} has no metrics yet; train it first")
    guessing = run.task.chance_losses()
    found = change_points(metrics, guessing)
    table = read_measures(run.folder.measures)
    if table is not None:
        measures = pivot(table)
        known = [name for name in measures if name != "step" and name in metrics]
        found |= change_points(measures.drop(columns=known), guessing)
    return found


def change_table(points: dict[str, ChangePoint], parts: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row a curve, and the grokking delay, of the whole and of each part.

    Columns: curve, location, low, high, width (steps), height (nats, or the score's own unit), abrupt.
    """
    rows = [{"curve": name, **asdict(point), "abrupt": point.is_abrupt} for name, point in points.items()]
    for part in ("", *parts):
        delay = grokking_delay(points, part)
        if delay is not None:
            rows.append({"curve": f"{DELAY} {part}".strip(), "location": delay})
    return pd.DataFrame(rows, columns=["curve", "location", "low", "high", "width", "height", "abrupt"])


def change_spread(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the spread of the locations over runs: one row a curve.

    Columns: curve, runs (how many have a change), median, lowest, highest (steps), abrupt (in how many).
    """
    rows = []
    for curve in dict.fromkeys(name for table in tables for name in table["curve"]):
        found = [row for table in tables for row in table.to_dict("records") if row["curve"] == curve]
        steps = [float(row["location"]) for row in found]
        rows.append(
            {
                "curve": curve,
                "runs": len(found),
                "median": median(steps),
                "lowest": min(steps),
                "highest": max(steps),
                "abrupt": sum(row["abrupt"] is True for row in found),
            }
        )
    return pd.DataFrame(rows)
