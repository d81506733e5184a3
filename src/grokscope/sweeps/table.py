"""One table of a sweep's results: a row a run."""

import io
from collections.abc import Sequence
from typing import Any

import pandas as pd

from grokscope.sweeps.jobs import Result
from grokscope.sweeps.outcomes import Row
from grokscope.sweeps.plan import PlannedRun

_STEPS = ("last_step", "fitted", "memorised", "generalised", "first_crossing", "grokked", "n_key_frequencies")
_NUMBERS = ("seconds", "delay", "train_loss", "test_loss", "test_accuracy")
_WORDS = ("run", "status", "outcome", "key_frequencies", "verdict", "error")


def results_table(planned: Sequence[PlannedRun], results: Sequence[Result], measures: Sequence[str]) -> pd.DataFrame:
    """Return one row for each run of which there is a result, in the order of the plan.

    Columns are those of :func:`grokscope.sweeps.outcome_row`, then ``error``: of a run that failed, why, and its status
    is ``failed``; one that was interrupted has no row. Steps and counts are whole numbers that may be missing. Settings
    whose values are lists, or of several kinds (numbers and words), are text: a column has one type.

    Args:
        planned: every run of the sweep.
        results: of some of them, each once.
        measures: the names asked for.
    """
    found = {result.folder: result for result in results if result.row is not None or result.error is not None}
    settings = list(dict.fromkeys(name for run in planned for name in run.arm))
    rows = [_row(run, found[run.folder], settings) for run in planned if run.folder in found]
    columns = [*_columns(settings), *measures, "error"]
    table = pd.DataFrame(rows, columns=columns)
    kinds = dict.fromkeys(_STEPS, "Int64") | dict.fromkeys((*_NUMBERS, *measures), "float64")
    table = table.astype(kinds | dict.fromkeys(_WORDS, "str") | {"seed": "int64"})
    varied = table[settings].items()
    return table.assign(**{str(name): column.map(_as_text) for name, column in varied if _needs_text(column)})


def _columns(settings: Sequence[str]) -> list[str]:
    middle = ("last_step", "seconds", *_STEPS[1:6], "delay", *_NUMBERS[2:], "key_frequencies", "n_key_frequencies")
    return ["run", *settings, "seed", "status", "outcome", *middle, "verdict"]


def _row(run: PlannedRun, result: Result, settings: Sequence[str]) -> Row:
    none: Row = dict.fromkeys(settings)
    return {
        **none,
        "run": run.folder,
        **run.arm,
        "seed": run.seed,
        **(result.row or {"status": "failed"}),
        "error": result.error,
    }


def as_parquet(table: pd.DataFrame) -> bytes:
    """Return a table as the content of a Parquet file."""
    content = io.BytesIO()
    table.to_parquet(content, index=False)
    return content.getvalue()


def _needs_text(column: pd.Series) -> bool:
    kinds = {type(value) for value in column if value is not None}
    return column.dtype == object and (len(kinds) > 1 or bool(kinds & {list, dict}))


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)
