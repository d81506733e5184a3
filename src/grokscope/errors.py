"""The errors that grokscope raises on purpose; every text names the thing, the value and the remedy."""

from collections.abc import Iterable
from difflib import get_close_matches


class GrokscopeError(Exception):
    """Base of every error that a user's input or files can cause."""


class ConfigError(GrokscopeError):
    """A setting that is unknown, impossible or inconsistent with another."""


class NotApplicableError(ConfigError):
    """A product that is not defined for this task or network; reports and sweeps leave the part out."""


class RunError(GrokscopeError):
    """A run folder that is missing, taken, locked, damaged or not writable."""


class CheckpointError(GrokscopeError):
    """Weights from elsewhere that cannot be read, or are not those of a network known here."""


class DivergenceError(GrokscopeError):
    """Training that produced a loss which is not a finite number."""


class ObserverError(GrokscopeError):
    """A user's observer of a run in training that raised an error; its cause is that error."""


class HookError(GrokscopeError):
    """An activation name that does not exist, or an intervention that touched nothing."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``'; did you mean X?'``, or ``'; known: …'`` where no known name is close."""
    known = list(known)
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"
