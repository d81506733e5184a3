"""Where a sweep is kept: a folder of this machine, or an address that fsspec reaches."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import fsspec
from filelock import FileLock, Timeout

from grokscope.errors import ConfigError, RunError
from grokscope.run.atomic import write_atomically

_LOCK = ".lock"


@dataclass(frozen=True)
class LocalStorage:
    """A folder of this machine, in which runs are trained."""

    address: str

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.address)

    def __str__(self) -> str:
        return self.address

    def __truediv__(self, name: str) -> "LocalStorage":
        return LocalStorage(f"{self.address.rstrip('/')}/{name}")

    def absolute(self) -> "LocalStorage":
        """Return the same folder for a process whose working folder is another."""
        return LocalStorage(str(self.path.absolute()))

    def require_reachable(self) -> None:
        """Make the folder.

        Raises:
            RunError: it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot make {self}: {error.strerror or error}; use another --out") from error

    def is_empty(self) -> bool:
        """Return whether nothing but a lock is in it."""
        if not self.path.exists():
            return True
        return self.path.is_dir() and all(path.name == _LOCK for path in self.path.iterdir())

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None if there is no such file.

        Raises:
            RunError: it cannot be read.
        """
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise RunError(f"cannot read {self / name}: {error.strerror or error}") from error

    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of those files that exist, by name."""
        found = {name: self.read(name) for name in names}
        return {name: content for name, content in found.items() if content is not None}

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all, whatever happens meanwhile.

        Raises:
            RunError: it cannot be written.
        """
        write_atomically(self.path / name, content)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes of this machine from the same sweep.

        Raises:
            RunError: another process is working on it.
        """
        lock = FileLock(self.path / _LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise RunError(f"a sweep is going on in {self}; wait for it, or use another --out") from error
        try:
            yield
        finally:
            lock.release()


@dataclass(frozen=True)
class RemoteStorage:
    """An address that fsspec reaches: ``s3://bucket/sweep``, ``gs://…``, ``ssh://…``.

    No run is trained in it: runs are copied to it as they end, and fetched to be resumed.
    """

    address: str

    @cached_property
    def _root(self) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            return fsspec.core.url_to_fs(self.address)
        except (ImportError, ValueError) as error:  # no such protocol, or the package that speaks it is not installed
            raise ConfigError(f"--out {self.address}: {error}") from error

    def __str__(self) -> str:
        return self.address

    def __truediv__(self, name: str) -> "RemoteStorage":
        return RemoteStorage(f"{self.address.rstrip('/')}/{name}")

    def absolute(self) -> "RemoteStorage":
        """Return the storage: an address is the same in every process."""
        return self

    def require_reachable(self) -> None:
        """Raise unless something can be written.

        Raises:
            ConfigError: the protocol is unknown, or the package that speaks it is not installed.
            RunError: it cannot be written.
        """
        files, root = self._root
        try:
            files.makedirs(root, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot make {self}: {error.strerror or error}; use another --out") from error

    def is_empty(self) -> bool:
        """Return whether there is nothing in it yet."""
        files, root = self._root
        return not files.exists(root) or not files.ls(root, detail=False)

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None if there is no such file.

        Raises:
            RunError: it cannot be read.
        """
        files, root = self._root
        try:
            return bytes(files.cat_file(f"{root}/{name}"))  # pyright: ignore[reportArgumentType]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise RunError(f"cannot read {self / name}: {error.strerror or error}") from error

    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of those files that exist, by name; all are asked for at once."""
        names = list(names)
        files, root = self._root
        found = files.cat([f"{root}/{name}" for name in names], on_error="omit") if names else {}
        # the answer to one address is its content alone
        by_path: dict[str, Any] = found if isinstance(found, dict) else {f"{root}/{names[0]}": found}
        by_end = {path.rpartition(root.rstrip("/") + "/")[2]: content for path, content in by_path.items()}
        return {name: bytes(by_end[name]) for name in names if name in by_end}

    def write(self, name: str, content: bytes) -> None:
        """Write a file in one request.

        Raises:
            RunError: it cannot be written.
        """
        files, root = self._root
        try:
            files.pipe_file(f"{root}/{name}", content)
        except OSError as error:
            raise RunError(f"cannot write {self / name}: {error.strerror or error}") from error

    def fetch(self, name: str, folder: Path) -> None:
        """Copy the folder ``name``, if it exists, to ``folder``.

        Raises:
            RunError: it cannot be read.
        """
        files, root = self._root
        try:
            if files.exists(f"{root}/{name}"):
                files.get(f"{root}/{name}/", f"{folder}/", recursive=True)
        except OSError as error:
            raise RunError(f"cannot read {self / name}: {error.strerror or error}") from error

    def keep(self, folder: Path, name: str) -> None:
        """Copy ``folder`` to the storage, as ``name``.

        Raises:
            RunError: it cannot be written.
        """
        files, root = self._root
        try:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    target = f"{root}/{name}/{path.relative_to(folder).as_posix()}"
                    files.makedirs(target.rpartition("/")[0], exist_ok=True)
                    files.put_file(str(path), target)
        except OSError as error:
            raise RunError(f"cannot write {self / name}: {error.strerror or error}") from error

    def locked(self) -> AbstractContextManager[None]:
        """Do nothing: no lock is known to all machines that reach an address."""
        return nullcontext()


Storage = LocalStorage | RemoteStorage
"""Files and folders by their names, below one folder or address; both do the same by the same methods."""


def storage_at(address: str | PathLike[str]) -> Storage:
    """Return the storage at a path or an address."""
    text = fspath(address)
    return RemoteStorage(text) if "://" in text else LocalStorage(text)
