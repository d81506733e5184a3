"""The layout of a run's folder, and the record of how the run stands."""

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock, Timeout
from torch import Tensor

from grokscope.config import load_yaml, read_file
from grokscope.errors import RunError
from grokscope.run.atomic import load_tensors, write_atomically
from grokscope.run.experiment import Experiment, experiment_from

Status = Literal["running", "finished", "interrupted", "diverged", "failed"]
LOOK_SECONDS = 0.5
"""How long a writer waits for the lock: far longer than a look at it by :meth:`RunFolder.is_locked` takes."""


@dataclass(frozen=True)
class RunFolder:
    """The paths inside one run's folder."""

    path: Path

    @property
    def experiment(self) -> Path:
        """The experiment, with every setting."""
        return self.path / "experiment.yaml"

    @property
    def record(self) -> Path:
        """Status, timing, versions and machine."""
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        """One row an evaluation."""
        return self.path / "metrics.csv"

    @property
    def resume(self) -> Path:
        """The last complete training state."""
        return self.path / "resume.safetensors"

    @property
    def artifacts(self) -> Path:
        """Tensors of the task that its settings may not make again, where there are any."""
        earlier = self.path / "table.safetensors"  # its name when only modular arithmetic had such tensors
        return earlier if earlier.exists() else self.path / "artifacts.safetensors"

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / "report.html"

    @property
    def measures(self) -> Path:
        """Progress measures at the checkpoints, once they have been taken."""
        return self.path / "measures.csv"

    @property
    def claims(self) -> Path:
        """What held of the network at the checkpoints, once it has been tested."""
        return self.path / "claims.csv"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard events, where they were asked for."""
        return self.path / "tensorboard"

    @property
    def lock_file(self) -> Path:
        """Held while the run is written."""
        return self.path / ".lock"

    def checkpoint(self, step: int) -> Path:
        """The weights after ``step`` updates."""
        return self.path / "checkpoints" / f"{step:08d}.safetensors"

    def checkpoint_steps(self) -> list[int]:
        """Return the steps that have a checkpoint, ascending."""
        return sorted(
            int(file.stem) for file in (self.path / "checkpoints").glob("[0-9]*.safetensors") if file.stem.isdigit()
        )

    def read_artifacts(self) -> dict[str, Tensor] | None:
        """Return the tensors that the task stored with the run, or None if there are none.

        Raises:
            RunError: the file is damaged.
        """
        return load_tensors(self.artifacts) if self.artifacts.exists() else None

    def exists(self) -> bool:
        """Return whether a run was begun here."""
        return self.experiment.is_file()

    def is_free(self) -> bool:
        """Return whether a run can begin here: nothing in the folder but what one leaves that was cut off at once."""
        if not self.path.is_dir():
            return False
        for entry in self.path.iterdir():
            empty = entry.name == "checkpoints" and entry.is_dir() and not any(entry.iterdir())
            unfinished = entry.name.startswith(".") and entry.name.endswith(".tmp")
            if not (empty or unfinished or entry in (self.lock_file, self.artifacts)):
                return False
        return True

    def lock(self) -> FileLock:
        """Return the folder's lock, taken.

        Raises:
            RunError: another process is writing this run.
        """
        lock = FileLock(self.lock_file, timeout=LOOK_SECONDS)
        try:
            lock.acquire(poll_interval=0.01)
        except Timeout as error:
            raise RunError(
                f"{self.path} is being written by another process; wait for it, or use another --out"
            ) from error
        return lock

    def is_locked(self) -> bool:
        """Return whether a process is writing this run now; writes nothing, and needs no more than leave to read."""
        try:
            import fcntl
        except ImportError:  # not a POSIX system
            return self._is_locked_for_writers()
        try:
            with self.lock_file.open("rb") as file:
                # shared: those who look do not take each other for the writer
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return False
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _is_locked_for_writers(self) -> bool:
        """Return the same by trying to take the lock, as a writer does."""
        if not self.lock_file.exists():
            return False
        try:
            with FileLock(self.lock_file, timeout=0):
                return False
        except Timeout:
            return True
        except OSError:
            return False

    def status(self) -> tuple[Status, str]:
        """Return how the run stands and why, whatever the record says of a process that died without a word.

        Raises:
            RunError: nobody writes the run, and its record is missing or damaged.
        """
        if self.is_locked():  # what the record says may be of the sitting before
            return "running", ""
        record = self.read_record()
        if record["status"] not in get_args(Status):
            raise RunError(f"{self.record} is missing or damaged: its status is {record['status']!r}")
        if record["status"] != "running":
            return record["status"], record.get("reason", "")
        if self.is_locked():  # a process has begun to write between the two looks
            return "running", ""
        return "interrupted", "its process ended without a word"

    def read_experiment(self) -> Experiment:
        """Return the experiment.

        Raises:
            RunError: there is no run here.
            ConfigError: the file is damaged.
        """
        if not self.exists():
            raise RunError(f"{self.path} is not a run: it has no experiment.yaml{_hint(self.path)}")
        return load_experiment(self.experiment)

    def write_record(self, record: dict[str, Any]) -> None:
        """Replace the record."""
        write_atomically(self.record, (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode())

    def read_record(self) -> dict[str, Any]:
        """Return the record.

        Raises:
            RunError: it is missing or damaged.
        """
        try:
            record = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"{self.record} is missing or damaged: {error}") from error
        if not isinstance(record, dict) or "status" not in record:
            raise RunError(f"{self.record} is missing or damaged: it has no status")
        return record


def load_experiment(path: str | os.PathLike[str]) -> Experiment:
    """Return the experiment in a YAML file; settings that it leaves out have their defaults.

    Raises:
        RunError: the file cannot be read, or is not YAML.
        ConfigError: it is not an experiment.
    """
    return _experiment_in(read_file(path), os.fspath(path))


@lru_cache(maxsize=256)
def _experiment_in(content: bytes, source: str) -> Experiment:
    """Return the experiment in a file's content; reading YAML takes longer than most that is done with a run."""
    return experiment_from(load_yaml(content, source=source), source=source)


def run_folders(root: str | os.PathLike[str]) -> list[RunFolder]:
    """Return the folders of runs below ``root`` (and ``root`` itself), by path; a run in them may be damaged."""
    return [RunFolder(file.parent) for file in sorted(Path(root).rglob("experiment.yaml"))]


def _hint(path: Path) -> str:
    if not path.exists():
        return " (there is no such folder)"
    inside = [str(folder.path) for folder in run_folders(path)[:3]] if path.is_dir() else []
    return f"; runs below it: {', '.join(inside)}" if inside else ""
