"""The metrics of a run: one row an evaluation, appended as it comes, readable by anything."""

import contextlib
import csv
import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import pandas as pd

from grokscope.errors import RunError
from grokscope.run.atomic import write_atomically


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
    subtasks: Mapping[str, float] = field(default_factory=dict)
    """Losses of the task's subtasks by column: ``train_loss_digit_0``, …"""

    def values(self) -> list[int | float]:
        """Return the numbers in the order of the columns."""
        return [*(getattr(self, name) for name in COLUMNS), *self.subtasks.values()]

    def summary(self) -> str:
        """Return the losses and accuracies in a few words."""
        text = f"train {self.train_loss:.2e} ({self.train_accuracy:.1%})"
        return text if math.isnan(self.test_loss) else f"{text} · test {self.test_loss:.2e} ({self.test_accuracy:.1%})"


COLUMNS = [each.name for each in fields(Row) if each.name != "subtasks"]
PART = re.compile(r"(train|test)_loss_\w+")


def part_columns(subtasks: Sequence[str]) -> list[str]:
    """Return the columns of a task with these subtasks, after :data:`COLUMNS`."""
    return [f"{data}_loss_{part}" for data in ("train", "test") for part in subtasks]


class MetricsFile:
    """``metrics.csv``, open for appending.

    Nothing that depends on the clock is kept in it: the same experiment gives the same bytes.
    """

    def __init__(self, path: Path, subtasks: Sequence[str] = ()) -> None:
        self._path = path
        if not path.exists():
            write_atomically(path, (",".join([*COLUMNS, *part_columns(subtasks)]) + "\n").encode())
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
    return MetricsReader(path).read()


class MetricsReader:
    """``metrics.csv``, read again and again while another process appends to it.

    A look at 20,000 rows costs a tenth of a second and more; each look after the first parses only the new ones.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget(None)

    def _forget(self, file: tuple[int, int] | None) -> None:
        self._file, self._n_bytes, self._frame = file, 0, None

    def read(self) -> pd.DataFrame:
        """Return all rows so far, as :func:`read_metrics` does."""
        try:
            with self._path.open("rb") as file:
                about = os.fstat(file.fileno())
                if (about.st_dev, about.st_ino) != self._file or about.st_size < self._n_bytes:
                    self._forget((about.st_dev, about.st_ino))  # a resumed run drops rows, into a new file
                file.seek(self._n_bytes)
                content = file.read()
            whole = content[: content.rfind(b"\n") + 1]
            lines = whole.decode().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"cannot read {self._path}: {error}") from error
        if self._frame is None:
            columns = _columns(lines[0] if lines else "", self._path)
            self._frame = _rows(lines[1:], columns, self._path, first=2)
        elif lines:
            new = _rows(lines, list(self._frame.columns), self._path, first=len(self._frame) + 2)
            self._frame = pd.concat([self._frame, new], ignore_index=True)
        self._n_bytes += len(whole)
        return self._frame


def _columns(line: str, path: Path) -> list[str]:
    columns = line.split(",")
    subtasks = columns[len(COLUMNS) :]
    if (
        columns[: len(COLUMNS)] != COLUMNS
        or not all(map(PART.fullmatch, subtasks))
        or len(set(subtasks)) < len(subtasks)
    ):
        raise RunError(
            f"{path} is damaged: its first line should be {','.join(COLUMNS)!r}, and then losses of subtasks"
        )
    return columns


def _rows(lines: Sequence[str], columns: list[str], path: Path, *, first: int) -> pd.DataFrame:
    """Return the rows in ``lines``, of which the first is the file's line ``first``."""
    rows = []
    for number, line in enumerate(lines, start=first):
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
