"""The metrics of a run: one row an evaluation, appended as it comes, readable by anything."""

import contextlib
import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import pandas as pd

from grokscope.errors import RunError
from grokscope.runs.files import write_atomically


@dataclass(frozen=True)
class Row:
    """Loss (nats) and accuracy of the weights after ``step`` updates; NaN where there is no test set.

    On the training side they are what the optimiser saw: of that step's batch, and with dropout if there is any.
    """

    step: int
    train_loss: float
    train_accuracy: float
    test_loss: float = math.nan
    test_accuracy: float = math.nan
    parts: Mapping[str, float] = field(default_factory=dict)
    """Losses of the task's parts by column: ``train_loss_digit_0``, …"""

    def values(self) -> list[int | float]:
        """Return the numbers in the order of the columns."""
        return [*(getattr(self, name) for name in COLUMNS), *self.parts.values()]


COLUMNS = [each.name for each in fields(Row) if each.name != "parts"]
PART = re.compile(r"(train|test)_loss_\w+")


def part_columns(parts: Sequence[str]) -> list[str]:
    """Return the columns of a task with these parts, after :data:`COLUMNS`."""
    return [f"{data}_loss_{part}" for data in ("train", "test") for part in parts]


class MetricsFile:
    """``metrics.csv``, open for appending.

    Nothing that depends on the clock is kept in it: the same experiment gives the same bytes.
    """

    def __init__(self, path: Path, parts: Sequence[str] = ()) -> None:
        self._path = path
        if not path.exists():
            write_atomically(path, (",".join([*COLUMNS, *part_columns(parts)]) + "\n").encode())
        self._file = path.open("a", newline="")

    def append(self, row: Row) -> None:
        """Write one row; it is with the operating system when this returns."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow("" if value != value else repr(value) for value in row.values())
        try:
            self._file.write(text.getvalue())
            self._file.flush()
        except OSError as error:
            raise RunError(f"cannot write {self._path}: {error.strerror}; the rows before are intact") from error

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):  # a row that could not be written was reported when it was appended
            self._file.close()


def read_metrics(path: Path) -> pd.DataFrame:
    """Return the rows as a data frame; a last line that a crash cut short is left out.

    Raises:
        RunError: the file is missing, or a line before the last is damaged.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"cannot read {path}: {error}") from error
    whole = text[: text.rfind("\n") + 1]
    lines = whole.splitlines()
    columns = lines[0].split(",") if lines else []
    parts = columns[len(COLUMNS) :]
    if columns[: len(COLUMNS)] != COLUMNS or not all(map(PART.fullmatch, parts)) or len(set(parts)) < len(parts):
        raise RunError(f"{path} is damaged: its first line should be {','.join(COLUMNS)!r}, and then losses of parts")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            step, *values = line.split(",")
            # Python's float, not a parser's fast one: the numbers come back to the last bit
            rows.append((int(step), *(float(value) if value else math.nan for value in values)))
        except ValueError as error:
            raise RunError(f"{path} is damaged at line {number}: {line[:80]!r}") from error
        if len(rows[-1]) != len(columns):
            raise RunError(f"{path} is damaged at line {number}: {line[:80]!r}")
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({name: "int64" if name == "step" else "float64" for name in columns})


def keep_rows_before(path: Path, step: int) -> None:
    """Drop the rows from ``step`` on: a resumed run writes them again."""
    if not path.exists():
        return
    read_metrics(path)  # complains about damage before anything is changed
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines[1:] if line.endswith("\n") and int(line.partition(",")[0]) < step]
    write_atomically(path, "".join([lines[0], *kept]).encode())
