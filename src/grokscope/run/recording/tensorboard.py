"""A run's metrics as TensorBoard events, in a folder of the run's own. ImportedNetwork only where they are asked for.

TensorBoard's own record writer is used as it is: PyTorch's ``SummaryWriter`` adds a thread, from which a full disk is
not heard of.
"""

import contextlib
import math
import textwrap
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.compat.proto.summary_pb2 import (
    DATA_CLASS_TENSOR,  # pyright: ignore[reportAttributeAccessIssue]
    Summary,  # pyright: ignore[reportAttributeAccessIssue]
    SummaryMetadata,  # pyright: ignore[reportAttributeAccessIssue]
)
from tensorboard.compat.proto.tensor_pb2 import TensorProto  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.compat.proto.types_pb2 import DT_STRING  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.compat.tensorflow_stub import errors
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
from tensorboard.summary.writer.record_writer import RecordWriter

from grokscope.errors import RunError
from grokscope.run.experiment import Experiment
from grokscope.run.folder import RunFolder
from grokscope.run.metrics import COLUMNS, Row, read_metrics


@contextmanager
def tensorboard_events(folder: RunFolder, experiment: Experiment) -> Iterator[Callable[[Row], None]]:
    """Yield the function that takes each row of a run in training, and adds it to the events in ``RUN/tensorboard``.

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
            self._writer.write(_of_row(row))
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
        """Return this sitting's file, begun with all rows before ``step`` that the events of earlier sittings lack.

        Events that are of no such row are declared void: a resumed run drops rows, and does their steps again.
        """
        rows = [_row(record) for record in read_metrics(self._folder.metrics).to_dict("records")]
        before = [row for row in rows if row.step < step]
        pairs = zip(self._shown(), before, strict=False)
        n_shown = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1].step, pairs))
        first = before[n_shown - 1].step + 1 if n_shown else 0
        self._folder.tensorboard.mkdir(exist_ok=True)
        # TensorBoard reads the files of a folder in the order of their names
        file = (self._folder.tensorboard / f"events.out.tfevents.{time.time_ns()}").open("xb")
        writer = RecordWriter(file)
        writer.write(_event(0, file_version="brain.Event:2"))
        writer.write(_event(first, session_log=SessionLog(status=SessionLog.START)))
        writer.write(_of_settings(first, self._experiment))
        for row in before[n_shown:]:
            writer.write(_of_row(row))
        return writer

    def _shown(self) -> list[int]:
        """Return the steps whose rows TensorBoard shows now."""
        steps: list[int] = []
        for file in sorted(self._folder.tensorboard.glob("events.out.tfevents.*")):
            for event in _read(file):
                if event.session_log.status == SessionLog.START:
                    steps = [step for step in steps if step < event.step]
                elif any(value.tag == "loss/train" for value in event.summary.value):
                    steps.append(event.step)
        return steps


def _read(file: Path) -> Iterator[Event]:
    """Yield the events of a file, up to where a crash has cut it short."""
    reader = PyRecordReader_New(str(file))
    while True:
        try:
            reader.GetNext()
        except (errors.OutOfRangeError, errors.DataLossError):
            return
        yield Event.FromString(reader.record())


def _row(record: dict[Hashable, Any]) -> Row:
    subtasks = {str(name): value for name, value in record.items() if name not in COLUMNS}
    return Row(**{name: record[name] for name in COLUMNS}, subtasks=subtasks)


def _of_row(row: Row) -> bytes:
    """Return a row as an event, without what is not a number: there is no test set."""
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
    return _event(row.step, summary=Summary(value=values))


def _of_settings(step: int, experiment: Experiment) -> bytes:
    # TensorBoard takes text for Markdown: indented, it is shown as it is
    text = textwrap.indent(experiment.to_yaml(), "    ").encode()
    plugin = SummaryMetadata.PluginData(plugin_name="text")
    value = Summary.Value(
        tag="experiment",
        metadata=SummaryMetadata(plugin_data=plugin, data_class=DATA_CLASS_TENSOR),
        tensor=TensorProto(
            dtype=DT_STRING, string_val=[text], tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
        ),
    )
    return _event(step, summary=Summary(value=[value]))


def _event(step: int, **content: Any) -> bytes:
    return Event(wall_time=time.time(), step=step, **content).SerializeToString()
