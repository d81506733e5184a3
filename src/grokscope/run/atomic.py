"""Files that are either whole or not there."""

import contextlib
import os
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from grokscope.errors import RunError


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that a crash at any moment leaves the old file or the new one.

    Raises:
        RunError: the disk is full or the folder cannot be written; the old file is intact.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        if os.name == "posix":  # elsewhere a folder cannot be opened, nor flushed
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise RunError(f"cannot write {path}: {error.strerror or error}; what was written before is intact") from error


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write named tensors as safetensors, atomically."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, safetensors.torch.save(on_cpu, metadata))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file.

    Raises:
        RunError: there is no such file, or it is damaged.
    """
    try:
        return safetensors.torch.load(path.read_bytes())
    except FileNotFoundError as error:
        raise RunError(f"there is no file {path}") from error
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise RunError(
            f"{path} is damaged or not a safetensors file ({error}); delete it or restore it from a copy"
        ) from error
