"""Tensors by name, taken one after the other, each with the shape that those before it leave it."""

from math import prod
from pathlib import Path

from torch import Tensor

from grokscope.errors import CheckpointError


class TensorReader:
    """The tensors of a file while its network is put together.

    Axes are named, as in ``"d_mlp d_model"`` or ``"d_model n_heads*d_head"``. The first tensor that has an axis
    says how long it is; every later one must agree.
    """

    def __init__(self, path: Path, tensors: dict[str, Tensor], layout: str) -> None:
        self.path, self.layout = path, layout
        self.sizes: dict[str, int] = {}
        """The length of every axis met so far."""
        self._left = dict(tensors)

    @property
    def left(self) -> tuple[str, ...]:
        """The names of the tensors that nobody has taken."""
        return tuple(self._left)

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def n_axes(self, name: str) -> int:
        """Return how many axes a tensor has that is still on the shelf."""
        return self._left[name].ndim

    def take(self, name: str, axes: str) -> Tensor:
        """Return a tensor, off the shelf.

        Raises:
            CheckpointError: it is missing, or its shape contradicts those of the tensors taken before.
        """
        if name not in self._left:
            raise CheckpointError(
                f"{self.path} has no tensor {name}, which its layout ({self.layout}) needs; found: "
                f"{', '.join(self._left) or 'no others'}"
            )
        tensor = self._left.pop(name)
        self._bind(name, tensor, axes.split())
        return tensor

    def _bind(self, name: str, tensor: Tensor, axes: list[str]) -> None:
        fits = tensor.ndim == len(axes) and 0 not in tensor.shape
        for axis, length in zip(axes, tensor.shape, strict=False):
            fits = fits and self._length(axis, default=length) == length
        if not fits:
            expected = ", ".join(str(self._length(axis, default=axis)) for axis in axes)
            raise self.mismatch(name, tensor, f"[{expected}]")
        self.sizes |= {axis: length for axis, length in zip(axes, tensor.shape, strict=True) if "*" not in axis}

    def _length(self, axis: str, default: int | str) -> int | str:
        factors = axis.split("*")
        return prod(self.sizes[each] for each in factors) if set(factors) <= self.sizes.keys() else default

    def mismatch(self, name: str, tensor: Tensor, expected: str) -> CheckpointError:
        """Return the error that names a tensor, its shape and what was expected."""
        return CheckpointError(
            f"{name} in {self.path} has shape {list(tensor.shape)}, expected {expected} beside the tensors before it "
            f"(layout: {self.layout}); the file mixes networks, or is of another layout"
        )
