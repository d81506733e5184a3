"""Writing one run while it is trained, alone or with others: rows, checkpoints, training state, status."""

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import torch
from torch import Tensor

from grokscope.errors import DivergenceError, ObserverError, RunError
from grokscope.models import MLP, Transformer
from grokscope.run.atomic import save_tensors
from grokscope.run.experiment import Experiment
from grokscope.run.folder import RunFolder, Status
from grokscope.run.metrics import COLUMNS, MetricsFile, Row, keep_rows_before, part_columns, read_metrics
from grokscope.run.recording.execution import Execution
from grokscope.run.recording.provenance import provenance
from grokscope.run.run import Run
from grokscope.training import Evaluation

OnRow = Callable[[Row], None]
Observer = Callable[[Run, int, Transformer | MLP], object]
"""Is called with the run, the step and the network at that step, whenever a checkpoint is on disk."""


class Due(NamedTuple):
    """What is to be written at a step."""

    last: bool
    """Whether the run ends with it."""
    row: bool
    """Whether a row of metrics is due."""
    checkpoint: bool


class RunWriter:
    """Writes one run, whose folder it has to itself.

    Args:
        folder: of the run.
        experiment: what is trained.
        execution: how.
        step: at which this sitting begins.
        subtasks: of the task.
        on_row: called with each row of metrics.
        observers: called at every checkpoint, once it is on disk.
        together: how many runs are trained in the same operations.
    """

    def __init__(
        self,
        folder: RunFolder,
        experiment: Experiment,
        execution: Execution,
        *,
        step: int,
        subtasks: tuple[str, ...],
        on_row: OnRow | None,
        observers: Sequence[Observer] = (),
        together: int = 1,
    ) -> None:
        self.experiment = experiment
        self._folder, self._step, self._subtasks = folder, step, subtasks
        self._on_row, self._observers = on_row or (lambda row: None), observers
        earlier = folder.read_record() if folder.record.exists() else {}
        ensemble = {"together": together} if together > 1 else {}
        self._record: dict[str, Any] = {
            "format": 1,
            "status": "running",
            "reason": "",
            "step": step,
            "started": earlier.get("started", _now()),
            "updated": _now(),
            "training_seconds": earlier.get("training_seconds", 0.0),
            "sessions": [
                *earlier.get("sessions", []),
                {"from_step": step, "started": _now(), **ensemble, **provenance()},
            ],
            "execution": execution.model_dump(),
        }
        self._before = self._record["training_seconds"]
        self._began = time.monotonic()
        keep_rows_before(folder.metrics, step)
        earlier_rows = read_metrics(folder.metrics).tail(experiment.stop.patience) if folder.metrics.exists() else None
        known = [] if earlier_rows is None else earlier_rows.to_dict("records")
        self._recent = [Row(**{name: row[name] for name in COLUMNS}) for row in known]
        self.write_status("running", "")
        self._metrics = MetricsFile(folder.metrics, subtasks)

    def close(self) -> None:
        """Close what is open."""
        self._metrics.close()

    def due(self, step: int) -> Due:
        """Return what is to be written at ``step``, the one that the run is at."""
        self._step = step
        last = step >= self.experiment.stop.steps
        row = last or step % self.experiment.evaluate_every == 0
        return Due(last, row, last or self.experiment.keeps(step))

    def append_row(self, step: int, train: Evaluation, test: Evaluation | None) -> str | None:
        """Keep a row of metrics, and return why the run ends with it, or None if it goes on."""
        names = part_columns(self._subtasks)
        tested = test or Evaluation(math.nan, math.nan, (math.nan,) * len(train.subtasks))
        subtasks = dict(zip(names, train.subtasks + tested.subtasks, strict=True))
        row = Row(step, train.loss, train.accuracy, tested.loss, tested.accuracy, subtasks)
        self._metrics.append(row)
        self._on_row(row)
        stop = self.experiment.stop
        self._recent = [*self._recent, row][-stop.patience :]
        return stop.reason([r.test_loss for r in self._recent], [r.test_accuracy for r in self._recent])

    def require_finite(self, step: int, loss: float) -> None:
        """Raise unless the loss is a number.

        Raises:
            DivergenceError: it is not.
        """
        if not math.isfinite(loss):
            kept = self._folder.checkpoint_steps()
            where = f"the last good checkpoint is step {kept[-1]}" if kept else "there is no checkpoint yet"
            raise DivergenceError(
                f"training diverged: the loss at step {step} is {loss} ({where}, in {self._folder.path}); "
                f"try a lower learning rate (optimizer.lr is {self.experiment.optimizer.lr:g})"
            )

    def save_checkpoint(self, step: int, weights: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
        """Keep the weights, and the state from which the run can go on; then call the observers.

        Raises:
            ObserverError: an observer raised an error; what was written before is complete.
        """
        save_tensors(self._folder.checkpoint(step), dict(weights))
        self.save_state(state)
        self.write_status("running", "")
        for observer in self._observers:
            run = Run(self._folder.path)
            try:
                with torch.enable_grad():  # what an observer sets ends with it
                    observer(run, step, run.model(step))
            except Exception as error:
                name = getattr(observer, "__name__", repr(observer))
                raise ObserverError(
                    f"the observer {name} failed at step {step}: {type(error).__name__}: {error}; "
                    f"the run is kept up to this step, in {self._folder.path}"
                ) from error

    def save_state(self, state: Mapping[str, Tensor]) -> None:
        """Keep the state from which the run can go on."""
        save_tensors(self._folder.resume, dict(state))

    def write_status(self, status: Status, reason: str) -> None:
        """Write how the run stands."""
        self._record |= {
            "status": status,
            "reason": reason,
            "step": self._step,
            "updated": _now(),
            "training_seconds": round(self._before + time.monotonic() - self._began, 3),
        }
        self._folder.write_record(self._record)

    def fail(self, error: Exception) -> None:
        """Write that the run ended with an error, if there is still room to write it."""
        status: Status = "diverged" if isinstance(error, DivergenceError) else "failed"
        with contextlib.suppress(RunError):
            self.write_status(status, str(error))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
