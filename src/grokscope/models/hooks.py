"""Reading activations and replacing them, without touching the network.

A forward pass hands every named activation to a *tap*, ``tap(name, value) -> value``, and goes on
with what comes back. Nothing is registered on a module, so nothing has to be undone.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from grokscope.errors import HookError, nearest

Hook = Callable[[Tensor], Tensor]
"""Takes an activation and returns the one to use instead; same shape."""


@runtime_checkable
class Tap(Protocol):
    """What a forward pass calls with each named activation."""

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Return the value that the forward pass goes on with."""
        ...


def untouched(name: str, value: Tensor) -> Tensor:
    """Return ``value``: the tap of a pass that nobody watches."""
    return value


class Recorder:
    """A tap that keeps what it sees, under TransformerLens's names."""

    def __init__(self, names: Collection[str] | None = None) -> None:
        self.cache: dict[str, Tensor] = {}
        self.seen: list[str] = []
        self._names = names

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Keep the activation and return it."""
        self.seen.append(name)
        if self._names is None or name in self._names:
            self.cache[name] = value
        return value

    def require(self, names: Collection[str] | None) -> None:
        """Raise unless every one of ``names`` came by."""
        for name in names or ():
            if name not in self.cache:
                raise HookError(f"no activation is called {name!r}{nearest(name, self.seen)}")


class Replacer:
    """A tap that passes the activations of some names through the user's functions."""

    def __init__(self, hooks: Mapping[str, Hook]) -> None:
        if not hooks:
            raise HookError("run_with_hooks was given no hooks; use the plain call to change nothing")
        self._hooks = hooks
        self._seen: list[str] = []

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """Return what the name's hook makes of the activation."""
        self._seen.append(name)
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

    def finish(self) -> None:
        """Raise if a hook was never called."""
        for name in self._hooks:
            if name not in self._seen:
                raise HookError(f"no activation is called {name!r}{nearest(name, self._seen)}")
