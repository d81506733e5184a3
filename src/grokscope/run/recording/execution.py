"""How a run is carried out: what changes its speed and its last bits, but not what it is."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from pydantic import Field, StrictInt

from grokscope.config import Config
from grokscope.errors import ConfigError
from grokscope.run.recording.memory import freed_memory_kept


class Execution(Config):
    """Device, threads and compilation; recorded in the run, and used again when it is resumed."""

    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="auto: a GPU if there is one")
    threads: StrictInt | None = Field(default=None, ge=1, description="CPU threads; null: as many as are fastest")
    compile: bool = Field(default=False, description="torch.compile: pays on runs of many minutes")

    def resolved(self) -> "Execution":
        """Return the same with every choice made.

        Raises:
            ConfigError: a GPU or a compiler is needed and there is none.
        """
        device = self.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("device 'cuda': PyTorch finds no GPU; use device 'cpu' or 'auto'")
        compilers = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
        if self.compile and device == "cpu" and not any(name and shutil.which(name) for name in compilers):
            raise ConfigError("compile needs a C++ compiler, and none is installed; install g++, or leave it off")
        return Execution(device=device, threads=self.threads or torch.get_num_threads(), compile=self.compile)

    @contextmanager
    def applied(self) -> Iterator[torch.device]:
        """Set threads, deterministic algorithms and the allocator for a while; yields the device."""
        threads = torch.get_num_threads()
        deterministic = torch.are_deterministic_algorithms_enabled()
        fill = torch.utils.deterministic.fill_uninitialized_memory  # pyright: ignore[reportAttributeAccessIssue]
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may not be deterministic
        try:
            torch.set_num_threads(self.threads or threads)
            torch.use_deterministic_algorithms(True)
            # filling guards against reading uninitialised memory, which no operation does, and costs a pass over it
            torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
            with freed_memory_kept():
                yield torch.device(self.device)
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic)
            torch.utils.deterministic.fill_uninitialized_memory = fill  # pyright: ignore[reportAttributeAccessIssue]
