"""PyTorch's files and pickles, read without running code that is in them."""

import io
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray
from torch.serialization import safe_globals

from grokscope.errors import CheckpointError

_REFUSALS = re.compile(r"TorchScript|GLOBAL|Can only create|Can only build|Trying to call|Unsupported operand 149")
"""What PyTorch says of a pickle that asks for more than tensors; 149 begins one of protocol 4, as of plain pickle."""
CONVERT = (
    "load it where you trust it and save the weights alone: torch.save(model.state_dict(), 'weights.pt'), "
    "or safetensors.torch.save_file"
)
"""What to do with a file that is refused."""


def load_pytorch(path: Path, content: bytes) -> Any:
    """Return what a PyTorch file or a pickle holds; what is neither tensors nor simple is an inert stand-in.

    PyTorch's own unpickler builds tensors and containers, and asks for the rest by name. Instead of the class or
    function of that name it is given a class that keeps what it is handed and does nothing (:class:`StandIn`); of
    NumPy, what makes arrays.
    """
    if content.startswith(b"\x80") and not content[2:].startswith(_MAGIC):
        raise CheckpointError(f"{path} was refused: it is a plain pickle, and opening it could run code; {CONVERT}")
    granted: dict[str, Any] = {}
    while True:
        try:
            with (
                warnings.catch_warnings(),
                safe_globals([*_ELEMENTS, *((value, name) for name, value in granted.items())]),
            ):
                warnings.simplefilter("ignore")  # of TorchScript archives, which are refused below
                return torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
        except Exception as error:  # a damaged pickle can raise anything
            text = str(error)
            asked = re.search(r"GLOBAL ([\w.]+) was not an allowed global", text)
            if asked and asked[1] not in granted and len(granted) < _MOST_NAMES:
                granted[asked[1]] = _KNOWN.get(asked[1]) or type("StandIn", (StandIn,), {})
                continue
            if _REFUSALS.search(text):
                culprit = re.search(r"GLOBAL ([\w.]+)", text)
                what = f" (it asks for {culprit[1]})" if culprit else ""
                raise CheckpointError(
                    f"{path} was refused: it holds more than weights, and opening it could run code{what}; {CONVERT}"
                ) from error
            raise damaged(path, error) from error


class StandIn:
    """What an unknown class or function of a pickle becomes: it keeps what it is handed, and does nothing."""

    state: Any = None

    def __init__(self, *given: Any, **named: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def state_dict(self) -> dict[str, Any] | None:
        """Return the parameters and buffers by name, if this was a PyTorch module; None otherwise."""
        if not isinstance(self.state, Mapping) or not isinstance(self.state.get("_parameters"), Mapping):
            return None
        found = {}
        for part in ("_parameters", "_buffers"):
            held = self.state.get(part)
            found |= (
                {name: each for name, each in held.items() if each is not None} if isinstance(held, Mapping) else {}
            )
        modules = self.state.get("_modules")
        for name, module in modules.items() if isinstance(modules, Mapping) else ():
            inner = module.state_dict() if isinstance(module, StandIn) else None
            found |= {f"{name}.{key}": value for key, value in (inner or {}).items()}
        return found


_MAGIC = bytes.fromhex("8a0a6cfc9c46f9206aa85019")
"""With which the first object of a file begins that PyTorch wrote before its version 1.6."""
_MOST_NAMES = 200
"""That one file may ask for."""


_KNOWN: dict[str, Any] = {
    f"numpy.{core}.multiarray.{name}": getattr(multiarray, name)
    for core in ("core", "_core")
    for name in ("_reconstruct", "scalar")
} | {"numpy.ndarray": np.ndarray, "numpy.dtype": np.dtype}
"""What PyTorch's unpickler may be given besides stand-ins: what makes arrays."""
_ELEMENTS = [type(np.dtype(name)) for name in ("float16", "float32", "float64", "int32", "int64", "bool")]
"""Of the arrays that it may make."""


def damaged(path: Path, error: Exception) -> CheckpointError:
    """Return the error that a file is damaged, with what was said of it."""
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return CheckpointError(f"{path} is damaged or cut short ({reason}); copy or download it again")
