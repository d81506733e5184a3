"""Reading activations and replacing them, without touching the network.

The textbook pass hands every named activation to a *tap*, ``tap(name, value) -> value``, and goes on with what comes
back. No hook is registered on a module; those of a :meth:`Network.hooks` block are gone when the block ends.
"""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from grokscope.errors import HookError, nearest

Hook = Callable[..., Any]
"""Takes an activation, or an activation and a :class:`HookPoint`, and returns the one to use instead; same shape."""


@dataclass(frozen=True)
class HookPoint:
    """Where a hook is called, as TransformerLens passes it."""

    name: str
    """Of the activation: ``blocks.0.attn.hook_pattern``."""

    def layer(self) -> int:
        """Return the layer of the activation.

        Raises:
            HookError: it is of no layer.
        """
        if not self.name.startswith("blocks."):
            raise HookError(f"{self.name!r} is of no layer; only 'blocks.LAYER.…' are")
        return int(self.name.split(".")[1])


@runtime_checkable
class Tap(Protocol):
    """What a forward pass calls with each named activation."""

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Return the value that the forward pass goes on with."""
        ...


def untouched(name: str, value: Tensor) -> Tensor:
    """Return ``value``: the tap of a pass that nobody watches."""
    return value


Show = Callable[[Tensor], object]
"""Is given an activation that the fast pass computes anyway."""


def unseen(value: Tensor) -> None:
    """Do nothing with ``value``: what the fast pass shows when nobody watches."""


def shown_as(tap: Tap, name: str, shape: Sequence[int] | None = None) -> Show:
    """Return what shows an activation to a tap by its name, with its leading axes as in the textbook pass."""
    return unseen if tap is untouched else partial(_show, tap, name, shape)


def _show(tap: Tap, name: str, shape: Sequence[int] | None, value: Tensor) -> None:
    tap(name, value if shape is None else value.view(*shape, value.shape[-1]))


class Recorder:
    """A tap that keeps what it sees, under TransformerLens's names.

    Args:
        names: the activations to keep, all if None.
    """

    def __init__(self, names: Collection[str] | None = None) -> None:
        self.kept: dict[str, Tensor] = {}
        self.seen: list[str] = []
        self._names = names

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Keep the activation and return it."""
        self.seen.append(name)
        if self._names is None or name in self._names:
            self.kept[name] = value
        return value


class Replacer:
    """A tap that passes the activations of some names through the user's functions.

    Args:
        hooks: the function for each name.
        known: the names of all activations of the network.

    Raises:
        HookError: there are no hooks, or a name does not exist.
    """

    def __init__(self, hooks: Mapping[str, Hook], known: Collection[str]) -> None:
        if not hooks:
            raise HookError("there are no hooks; name an activation, or call the network as it is")
        require_names(hooks, known)
        self._hooks = {name: _with_point(hook, HookPoint(name)) for name, hook in hooks.items()}
        self._called = False

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Return what the name's hook makes of the activation.

        Raises:
            HookError: that is no tensor, or one of another shape.
        """
        self._called = True
        hook = self._hooks.get(name)
        if hook is None:
            return value
        replaced = hook(value)
        if not isinstance(replaced, Tensor):
            raise HookError(
                f"the hook on {name!r} returned {type(replaced).__name__}; return the activation to use instead"
            )
        if replaced.shape != value.shape:
            raise HookError(
                f"the hook on {name!r} returned shape {tuple(replaced.shape)}, expected {tuple(value.shape)}"
            )
        return replaced

    def require_called(self) -> None:
        """Raise unless there was a forward pass.

        Raises:
            HookError: there was none.
        """
        if not self._called:
            raise HookError("the hooks were never used: call the network inside the 'with' block")


def require_names(names: Collection[str], known: Collection[str]) -> None:
    """Raise unless all ``names`` are known.

    Raises:
        HookError: naming one that is not, and the nearest that is.
    """
    for name in names:
        if name not in known:
            raise HookError(f"no activation is called {name!r}{nearest(name, known)}")


def _with_point(hook: Hook, point: HookPoint) -> Callable[[Tensor], Any]:
    """Return ``hook`` as a function of the activation alone."""
    try:
        parameters = inspect.signature(hook).parameters
    except ValueError:  # of a function that is not written in Python nothing is known: torch.zeros_like
        return hook
    if "hook" in parameters:
        return lambda value: hook(value, hook=point)
    required = [each for each in parameters.values() if each.default is each.empty and each.kind in _POSITIONAL]
    return (lambda value: hook(value, point)) if len(required) == 2 else hook


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
