"""A run's metrics as TensorBoard events, in a folder of the run's own. Imported only where they are asked for.

Events are written one after the other by TensorBoard's record writer: PyTorch's ``SummaryWriter`` writes them in a
thread, where a full disk is a traceback on the terminal, and the run goes on.
"""

import contextlib
import math
import textwrap
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard.summary import text

from grokscope.errors import RunError
from grokscope.run.experiment import Experiment
from grokscope.run.folder import RunFolder
from grokscope.run.metrics import COLUMNS, Row, read_metrics


@contextmanager
def tensorboard_events(folder: RunFolder, experiment: Experiment) -> Iterator[Callable[[Row], None]]:
    """Yield a function that takes each row of a run in training and adds it to the events in ``RUN/tensorboard``.

    The tags are ``loss/train`` (nats), ``accuracy/train`` and the same of ``test``, ``loss_of_parts/PART/train`` …,
    and ``experiment``, the settings as text. Nothing is written before the first row, which is then on disk already.
    """
    events = _Events(folder, experiment)
    try:
        yield events.append
    finally:
        events.close()


class _Events:
    def __init__(self, folder: RunFolder, experiment: Experiment) -> None:
        self._folder, self._experiment = folder, experiment
        self._writer: RecordWriter | None = None

    def append(self, row: Row) -> None:
        try:
            if self._writer is None:
                self._writer = self._begin(row.step)
            self._writer.write(_event(row.step, summary=_summary(row)))
            self._writer.flush()
        except OSError as error:
            raise RunError(
                f"cannot write {self._folder.tensorboard}: {error.strerror}; the events before are intact"
            ) from error

    def close(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError):  # an event that could not be written was reported when it was added
                self._writer.close()

    def _begin(self, step: int) -> RecordWriter:
        """Return this session's file, with all rows before ``step``; the events of earlier files become void.

        So every row is shown once: a resumed run drops rows and does their steps again, a crash cuts a file short,
        and a session may have written no events.
        """
        self._folder.tensorboard.mkdir(exist_ok=True)
        # TensorBoard reads the files of a folder in the order of their names
        file = (self._folder.tensorboard / f"events.out.tfevents.{time.time_ns()}").open("xb")
        writer = RecordWriter(file)
        writer.write(_event(0, file_version="brain.Event:2"))
        writer.write(_event(0, session_log=SessionLog(status=SessionLog.START)))
        # TensorBoard takes text for Markdown: indented, it is shown as it is
        settings = text("experiment", textwrap.indent(self._experiment.to_yaml(), "    "))
        settings.value[0].tag = "experiment"  # PyTorch puts something behind it
        writer.write(_event(0, summary=settings))
        for record in read_metrics(self._folder.metrics).to_dict("records"):
            if record["step"] < step:
                writer.write(_event(record["step"], summary=_summary(_row(record))))
        return writer


def _row(record: dict[Hashable, Any]) -> Row:
    subtasks = {str(name): value for name, value in record.items() if name not in COLUMNS}
    return Row(**{name: record[name] for name in COLUMNS}, subtasks=subtasks)


def _summary(row: Row) -> Summary:
    """Return a row's numbers by tag, without what is not a number: there is no test set."""
    scalars = {
        "loss/train": row.train_loss,
        "loss/test": row.test_loss,
        "accuracy/train": row.train_accuracy,
        "accuracy/test": row.test_accuracy,
    }
    for column, loss in row.subtasks.items():
        data, _, part = column.partition("_loss_")
        scalars[f"loss_of_parts/{part}/{data}"] = loss
    values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items() if not math.isnan(value)]
    return Summary(value=values)


def _event(step: int, **content: Any) -> bytes:
    return Event(wall_time=time.time(), step=step, **content).SerializeToString()
