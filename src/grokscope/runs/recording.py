"""Training with everything kept: metrics as they come, checkpoints on a schedule, and a way back after any end."""

import contextlib
import math
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grokscope.errors import DivergenceError, RunError
from grokscope.runs.execution import Execution
from grokscope.runs.experiment import Experiment, explain_validation
from grokscope.runs.files import load_tensors, save_tensors, write_atomically
from grokscope.runs.folder import RunFolder, Status
from grokscope.runs.interruption import asked_to_stop
from grokscope.runs.metrics import COLUMNS, MetricsFile, Row, keep_rows_before, part_columns, read_metrics
from grokscope.runs.provenance import provenance
from grokscope.runs.run import Run, initial_model
from grokscope.tasks import ModularConfig, ModularTask, Task, TaskConfig, build_task
from grokscope.tasks.operations import is_file_function, source_hash
from grokscope.training import Score, Trainer

OnRow = Callable[[Row], None]


def record_run(
    experiment: Experiment,
    path: str | Path,
    *,
    execution: Execution | None = None,
    resume: bool = False,
    on_row: OnRow | None = None,
) -> Run:
    """Train ``experiment`` and keep everything in the folder ``path``.

    Args:
        experiment: what to train.
        path: the run's folder; must not hold anything yet, unless ``resume``.
        execution: device, threads, compilation; when resuming, None means as before.
        resume: go on with the run in ``path``, to the same bits as if it had never stopped; begin it if
            there is none. Only the settings under ``stop`` may differ from the run's own.
        on_row: called with each row of metrics.

    Returns:
        The run. After Ctrl-C (or SIGTERM) its status is ``interrupted`` and it can be resumed.

    Raises:
        RunError: the folder is taken, locked or not writable.
        ConfigError: the settings contradict each other or the run to be resumed.
        DivergenceError: the loss stopped being a finite number; the checkpoints before are kept.
    """
    folder = RunFolder(Path(path))
    begun = folder.exists()
    if begun and not resume:
        raise RunError(f"{folder.path} already holds a run; use --resume to go on with it, or another --out")
    if not begun and folder.path.exists() and not folder.is_free():
        raise RunError(f"{folder.path} exists and is not an empty folder; use another --out")
    table = None
    if begun:
        _check_same(experiment, folder)
        if execution is None and folder.record.exists():  # a crash can come between the experiment and the record
            execution = _recorded_execution(folder)
        table = load_tensors(folder.table)["table"] if folder.table.exists() else None
    execution = (execution or Execution()).resolved()
    with execution.applied() as device:
        seeds = experiment.seeds
        task = build_task(experiment.task, split_seed=seeds.split, data_seed=seeds.data, table=table)
        model = initial_model(experiment, task).to(device)
        trainer = Trainer(
            model,
            task.to(device),
            optimizer=experiment.optimizer,
            schedule=experiment.schedule,
            loss=experiment.loss,
            l1=experiment.l1,
            noise_seed=seeds.noise,
            compile=execution.compile,
        )
        # only now, with everything checked and built, is anything written
        with _opened(folder, experiment, task, begun=begun):
            if folder.resume.exists():
                _take_up(trainer, folder)
            _Recording(folder, experiment, execution, trainer, on_row).until_the_end()
    return Run(folder.path)


def _recorded_execution(folder: RunFolder) -> Execution:
    try:
        return Execution.model_validate(folder.read_record().get("execution", {}))
    except ValidationError as error:
        raise RunError(f"{folder.record} is damaged: execution: {explain_validation(error)}") from error


def _take_up(trainer: Trainer, folder: RunFolder) -> None:
    state = load_tensors(folder.resume)
    try:
        trainer.load_state(state)
    except (KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise RunError(f"{folder.resume} is not a training state of this experiment: {reason}") from error


def _check_same(experiment: Experiment, folder: RunFolder) -> None:
    recorded = folder.read_experiment()
    changed = {
        name: values for name, values in recorded.differences(experiment).items() if not name.startswith("stop.")
    }
    if changed:
        text = "; ".join(f"{name} is {there!r}, the run has {here!r}" for name, (here, there) in changed.items())
        raise RunError(f"{folder.path} cannot be resumed with other settings: {text}; use another --out for a new run")


@contextmanager
def _opened(folder: RunFolder, experiment: Experiment, task: Task, *, begun: bool) -> Iterator[None]:
    created = not folder.path.exists()
    try:
        (folder.path / "checkpoints").mkdir(parents=True, exist_ok=True)
        lock = folder.lock()
    except OSError as error:
        if created:
            shutil.rmtree(folder.path, ignore_errors=True)
        raise RunError(f"cannot write to {folder.path}: {error.strerror}; use another --out") from error
    try:
        if folder.exists() and not begun:
            raise RunError(f"{folder.path} holds a run that another process has just made; use another --out")
        try:
            if not begun:
                _keep_table(folder, experiment.task, task)
            write_atomically(folder.experiment, experiment.to_yaml().encode())
        except RunError:
            if created:
                shutil.rmtree(folder.path, ignore_errors=True)
            raise
        yield
    finally:
        lock.release()


def _keep_table(folder: RunFolder, config: TaskConfig, task: Task) -> None:
    """Keep the answers of an operation from the user's own file, which may change."""
    if isinstance(config, ModularConfig) and isinstance(task, ModularTask) and is_file_function(config.operation):
        save_tensors(folder.table, {"table": task.table}, {"source_sha256": source_hash(config.operation)})


class _Recording:
    def __init__(
        self,
        folder: RunFolder,
        experiment: Experiment,
        execution: Execution,
        trainer: Trainer,
        on_row: OnRow | None,
    ) -> None:
        self._folder, self._experiment, self._trainer = folder, experiment, trainer
        self._on_row = on_row or (lambda row: None)
        earlier = folder.read_record() if folder.record.exists() else {}
        self._record: dict[str, Any] = {
            "format": 1,
            "status": "running",
            "reason": "",
            "step": trainer.step,
            "started": earlier.get("started", _now()),
            "updated": _now(),
            "training_seconds": earlier.get("training_seconds", 0.0),
            "sessions": [
                *earlier.get("sessions", []),
                {"from_step": trainer.step, "started": _now(), **provenance()},
            ],
            "execution": execution.model_dump(),
        }
        self._before = self._record["training_seconds"]
        self._began = time.monotonic()
        keep_rows_before(folder.metrics, trainer.step)
        earlier_rows = read_metrics(folder.metrics).tail(experiment.stop.patience) if folder.metrics.exists() else None
        known = [] if earlier_rows is None else earlier_rows.to_dict("records")
        self._recent = [Row(**{name: row[name] for name in COLUMNS}) for row in known]

    def until_the_end(self) -> None:
        self._write("running", "")
        metrics = MetricsFile(self._folder.metrics, self._trainer.task.parts)
        try:
            with asked_to_stop() as asked:
                self._write(*self._loop(metrics, asked))
        except (DivergenceError, RunError) as error:
            status: Status = "diverged" if isinstance(error, DivergenceError) else "failed"
            with contextlib.suppress(RunError):
                self._write(status, str(error))
            raise
        finally:
            metrics.close()

    def _loop(self, metrics: MetricsFile, asked: threading.Event) -> tuple[Status, str]:
        experiment, trainer = self._experiment, self._trainer
        while True:
            step = trainer.step
            if asked.is_set():
                self._keep_state()
                return "interrupted", f"stopped by the user at step {step}"
            last = step >= experiment.stop.steps
            due = last or step % experiment.evaluate_every == 0
            keep = last or step % experiment.checkpoint_every == 0
            gradient = trainer.gradient(with_score=due)
            if due or keep:
                self._require_finite(step, gradient.loss.item())
            reason = f"reached {step} steps" if last else None
            if due:
                row = self._row(step, gradient.score, trainer.test())
                metrics.append(row)
                self._on_row(row)
                reason = reason or self._stop_reason(row)
            if keep or reason:
                save_tensors(self._folder.checkpoint(step), trainer.model.state_dict())
                self._keep_state()
                self._write("running", "")
            if reason:
                return "finished", reason
            trainer.update()

    def _row(self, step: int, train: Score | None, test: Score | None) -> Row:
        assert train is not None
        names = part_columns(self._trainer.task.parts)
        tested = test or Score(math.nan, math.nan, (math.nan,) * len(train.parts))
        parts = dict(zip(names, train.parts + tested.parts, strict=True))
        return Row(step, train.loss, train.accuracy, tested.loss, tested.accuracy, parts)

    def _stop_reason(self, row: Row) -> str | None:
        stop = self._experiment.stop
        self._recent = [*self._recent, row][-stop.patience :]
        return stop.reason([r.test_loss for r in self._recent], [r.test_accuracy for r in self._recent])

    def _require_finite(self, step: int, loss: float) -> None:
        if not math.isfinite(loss):
            kept = self._folder.checkpoint_steps()
            where = f"the last good checkpoint is step {kept[-1]}" if kept else "there is no checkpoint yet"
            raise DivergenceError(
                f"training diverged: the loss at step {step} is {loss} ({where}, in {self._folder.path}); "
                f"try a lower learning rate (optimizer.lr is {self._experiment.optimizer.lr:g})"
            )

    def _keep_state(self) -> None:
        save_tensors(self._folder.resume, self._trainer.state())

    def _write(self, status: Status, reason: str) -> None:
        self._record |= {
            "status": status,
            "reason": reason,
            "step": self._trainer.step,
            "updated": _now(),
            "training_seconds": round(self._before + time.monotonic() - self._began, 3),
        }
        self._folder.write_record(self._record)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
