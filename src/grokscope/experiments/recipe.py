"""What a named experiment is."""

from dataclasses import dataclass, field

from grokscope.runs import Experiment


@dataclass(frozen=True)
class Recipe:
    """An experiment with a name, and what to expect of it."""

    experiment: Experiment
    duration: str
    """On two CPU cores."""
    published: dict[str, object] = field(default_factory=dict)
    """Numbers that a faithful run must reproduce, by name."""
