"""One sitting of a run: what is checked before anything is written, and the lock on the folder while it is."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from torch import Tensor

from grokscope.errors import RunError
from grokscope.run.atomic import load_tensors, save_tensors, write_atomically
from grokscope.run.build import task_of
from grokscope.run.experiment import Experiment, explain_validation
from grokscope.run.folder import RunFolder
from grokscope.run.recording.execution import Execution
from grokscope.tasks import Task


@dataclass(frozen=True)
class RunSession:
    """An experiment and the folder in which it may begin or go on."""

    experiment: Experiment
    folder: RunFolder
    begun: bool
    """Whether the folder holds the beginning of this run."""

    @classmethod
    def checked(cls, experiment: Experiment, path: str | Path, *, resume: bool) -> "RunSession":
        """Return the session, if the experiment may be trained in that folder; writes nothing.

        Raises:
            RunError: the folder holds another run, or this one and ``resume`` is not wanted, or something else.
        """
        folder = RunFolder(Path(path))
        begun = folder.exists()
        if begun and not resume:
            raise RunError(f"{folder.path} already holds a run; use --resume to go on with it, or another --out")
        if not begun and folder.path.exists() and not folder.is_free():
            raise RunError(f"{folder.path} exists and is not an empty folder; use another --out")
        if begun:
            _check_same(experiment, folder)
        return cls(experiment, folder, begun)

    def recorded_execution(self) -> Execution | None:
        """Return how the run was carried out before; None if nothing was recorded.

        Raises:
            RunError: the record is damaged.
        """
        if not self.begun or not self.folder.record.exists():  # a crash can come between experiment and record
            return None
        try:
            return Execution.model_validate(self.folder.read_record().get("execution", {}))
        except ValidationError as error:
            raise RunError(f"{self.folder.record} is damaged: execution: {explain_validation(error)}") from error

    def task(self) -> Task:
        """Return the experiment's task, with the very answers that the run began with."""
        return task_of(self.experiment, self.folder.read_artifacts() if self.begun else None)

    def state(self) -> dict[str, Tensor] | None:
        """Return the training state to go on from, or None at the beginning.

        Raises:
            RunError: it is damaged.
        """
        return load_tensors(self.folder.resume) if self.folder.resume.exists() else None

    def misfit(self, error: Exception) -> RunError:
        """Return the error to raise where a training state does not fit the experiment."""
        return RunError(
            f"{self.folder.resume} is not a training state of this experiment: {' '.join(str(error).split())}"
        )

    @contextmanager
    def opened(self, task: Task) -> Iterator[None]:
        """Hold the folder's lock, with the experiment written there.

        Raises:
            RunError: it cannot be written, or another process writes it.
        """
        folder, begun = self.folder, self.begun
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
                    artifacts = task.artifacts()
                    if artifacts:
                        save_tensors(folder.artifacts, artifacts)
                write_atomically(folder.experiment, self.experiment.to_yaml().encode())
            except RunError:
                if created:
                    shutil.rmtree(folder.path, ignore_errors=True)
                raise
            yield
        finally:
            lock.release()


def _check_same(experiment: Experiment, folder: RunFolder) -> None:
    recorded = folder.read_experiment()
    free = ("stop.", "description")  # of no influence on what was computed so far
    changed = {name: values for name, values in recorded.differences(experiment).items() if not name.startswith(free)}
    if changed:
        text = "; ".join(f"{name} is {asked!r}, the run has {own!r}" for name, (own, asked) in changed.items())
        raise RunError(f"{folder.path} cannot be resumed with other settings: {text}; use another --out for a new run")
