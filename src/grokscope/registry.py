"""Entries by name, in order of registration: kinds of task, optimisers, measures, figures, recipes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from pydantic_core import PydanticCustomError

from grokscope.config import Config
from grokscope.errors import ConfigError, nearest
from grokscope.plugins import load_plugins

Entry = TypeVar("Entry")
Settings = TypeVar("Settings", bound=Config)


class Registry(Generic[Entry]):
    """Entries that the package and a user's own files add, each under a name of its own.

    Looking up an unknown name, and going through all names, loads the plugins first (:mod:`grokscope.plugins`).

    Args:
        what: the noun of an entry, for messages: ``"optimiser"``.
        remedy: the end of the message about an unknown name, for example ``"; see 'grokscope recipes'"``.

    Example:
        >>> optimizers = Registry[type]("optimiser")
        >>> optimizers.add("lion", object)
        <class 'object'>
        >>> "lion" in optimizers
        True
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what, self.remedy = what, remedy
        self._entries: dict[str, Entry] = {}
        self._origins: dict[str, str] = {}

    def add(self, name: str, entry: Entry, *, origin: object = None) -> Entry:
        """Add ``entry`` and return it; the same definition, imported again, replaces itself.

        Args:
            name: of the entry.
            entry: what is found by the name.
            origin: the function or class that defines it, where the entry is made from one [the entry].

        Raises:
            ConfigError: another entry has that name.
        """
        defined, known = _origin(entry if origin is None else origin), self._origins.get(name)
        if known is not None and known != defined:
            raise ConfigError(f"{name!r} is taken by another {self.what} ({known}); choose another name")
        self._entries[name], self._origins[name] = entry, defined
        return entry

    @property
    def names(self) -> list[str]:
        """The names, in order of registration."""
        load_plugins()
        return list(self._entries)

    def unknown(self, name: object) -> str:
        """Return the message about a name that is not registered."""
        return f"no {self.what} is called {name!r}{nearest(str(name), self.names)}{self.remedy}"

    def __getitem__(self, name: str) -> Entry:
        if name not in self:
            raise ConfigError(self.unknown(name))
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        if name not in self._entries:
            load_plugins()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def items(self) -> list[tuple[str, Entry]]:
        """Return names and entries, in order of registration."""
        return [(name, self._entries[name]) for name in self.names]

    def values(self) -> list[Entry]:
        """Return the entries, in order of registration."""
        return [self._entries[name] for name in self.names]

    def __repr__(self) -> str:
        return f"Registry({self.what!r}: {', '.join(self._entries)})"


def by_kind(registry: Registry[type[Settings]], default: str | None = None) -> Callable[[Any], Any]:
    """Return a pydantic validator for a union of settings that stays open.

    A mapping is validated as the class that its ``kind`` names; an instance is left as it is::

        AnyTaskConfig = Annotated[SerializeAsAny[TaskConfig], BeforeValidator(by_kind(TASKS))]

    Args:
        registry: settings classes by kind.
        default: the kind of a mapping that names none; None makes such a mapping an error.
    """

    def validate(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        kind = value.get("kind", default)
        if kind is None:
            raise _wrong(f"kind is missing; known: {', '.join(registry)}")
        if not isinstance(kind, str) or kind not in registry:
            raise _wrong(registry.unknown(kind))
        return registry[kind].model_validate({**value, "kind": kind})

    return validate


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("kind", "{message}", {"message": message})


def _origin(entry: object) -> str:
    """Return where an entry is defined; of an instance, its class and its name."""
    owner: Any = entry if hasattr(entry, "__qualname__") else type(entry)
    name = "" if owner is entry else f" {getattr(entry, 'name', '')}"
    return f"{owner.__module__}.{owner.__qualname__}{name}"
