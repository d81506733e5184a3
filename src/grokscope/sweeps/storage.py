"""Where a sweep is kept: a folder of this machine, or any place that fsspec reaches."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
from filelock import FileLock, Timeout

from grokscope.errors import ConfigError, RunError
from grokscope.run.atomic import write_atomically

_LOCK = ".lock"


@dataclass(frozen=True)
class Destination:
    """A place by its path or address: ``runs/sweep``, ``s3://bucket/sweep``, ``gs://…``, ``ssh://…``.

    In a place elsewhere runs are not trained: they are copied there as they end, and back to be gone on with.
    """

    address: str

    @property
    def is_here(self) -> bool:
        """Return whether it is a folder of this machine."""
        return "://" not in self.address

    @property
    def path(self) -> Path:
        """Return the folder of this machine."""
        assert self.is_here
        return Path(self.address)

    def absolute(self) -> "Destination":
        """Return the same for a process in another folder."""
        return Destination(str(self.path.absolute())) if self.is_here else self

    def __str__(self) -> str:
        return self.address

    def __truediv__(self, name: str) -> "Destination":
        return Destination(f"{self.address.rstrip('/')}/{name}")

    @cached_property
    def _elsewhere(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            return fsspec.core.url_to_fs(self.address)
        except (ImportError, ValueError) as error:  # no such protocol, or what speaks it is not installed
            raise ConfigError(f"--out {self.address}: {error}") from error

    def require_reachable(self) -> None:
        """Raise unless something can be written here.

        Raises:
            ConfigError: the protocol is unknown, or what speaks it is not installed.
            RunError: it cannot be written.
        """
        try:
            if self.is_here:
                self.path.mkdir(parents=True, exist_ok=True)
            else:
                files, root = self._elsewhere
                files.makedirs(root, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot make {self}: {error.strerror or error}; use another --out") from error

    def is_empty(self) -> bool:
        """Return whether there is nothing here yet."""
        if self.is_here:
            return not self.path.exists() or (
                self.path.is_dir() and all(path.name == _LOCK for path in self.path.iterdir())
            )
        files, root = self._elsewhere
        return not files.exists(root) or not files.ls(root, detail=False)

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None if there is no such file.

        Raises:
            RunError: it cannot be read.
        """
        try:
            if self.is_here:
                return (self.path / name).read_bytes()
            files, root = self._elsewhere
            return bytes(files.cat_file(f"{root}/{name}"))  # pyright: ignore[reportArgumentType]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise RunError(f"cannot read {self / name}: {error.strerror or error}") from error

    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return those of the files that there are, by name; elsewhere they are asked for all at once."""
        names = list(names)
        if self.is_here:
            found = {name: self.read(name) for name in names}
            return {name: content for name, content in found.items() if content is not None}
        files, root = self._elsewhere
        there = files.cat([f"{root}/{name}" for name in names], on_error="omit") if names else {}
        # an address that means one file is answered with its content alone
        by_path: dict[str, Any] = there if isinstance(there, dict) else {f"{root}/{names[0]}": there}
        by_end = {path.rpartition(root.rstrip("/") + "/")[2]: content for path, content in by_path.items()}
        return {name: bytes(by_end[name]) for name in names if name in by_end}

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all.

        Raises:
            RunError: it cannot be written.
        """
        if self.is_here:
            write_atomically(self.path / name, content)
            return
        files, root = self._elsewhere
        try:
            files.pipe_file(f"{root}/{name}", content)
        except OSError as error:
            raise RunError(f"cannot write {self / name}: {error.strerror or error}") from error

    def fetch(self, name: str, folder: Path) -> None:
        """Copy the folder ``name``, if there is one, to ``folder``.

        Raises:
            RunError: it cannot be read.
        """
        files, root = self._elsewhere
        try:
            if files.exists(f"{root}/{name}"):
                files.get(f"{root}/{name}/", f"{folder}/", recursive=True)
        except OSError as error:
            raise RunError(f"cannot read {self / name}: {error.strerror or error}") from error

    def keep(self, folder: Path, name: str) -> None:
        """Copy ``folder`` here, as ``name``.

        Raises:
            RunError: it cannot be written.
        """
        files, root = self._elsewhere
        try:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    target = f"{root}/{name}/{path.relative_to(folder).as_posix()}"
                    files.makedirs(target.rpartition("/")[0], exist_ok=True)
                    files.put_file(str(path), target)
        except OSError as error:
            raise RunError(f"cannot write {self / name}: {error.strerror or error}") from error

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes of this machine from a sweep that is going on here; elsewhere nothing can.

        Raises:
            RunError: a sweep is going on here.
        """
        if not self.is_here:
            yield
            return
        lock = FileLock(self.path / _LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise RunError(f"a sweep is going on in {self}; wait for it, or use another --out") from error
        try:
            yield
        finally:
            lock.release()
