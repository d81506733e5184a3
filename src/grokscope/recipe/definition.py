"""What a named experiment is."""

from dataclasses import dataclass, field

from grokscope.display import brief, facts_table
from grokscope.run import Experiment


@dataclass(frozen=True)
class Recipe:
    """An experiment with a name, and what to expect of it."""

    experiment: Experiment
    duration: str
    """On two CPU cores."""
    published: dict[str, object] = field(default_factory=dict)
    """Numbers that a faithful run must reproduce, by name."""

    def __repr__(self) -> str:
        return f"Recipe({self.experiment.name!r}: {self.experiment.task.summary}; {self.duration})"

    def _repr_html_(self) -> str:
        numbers = [(name.replace("_", " "), brief(value)) for name, value in self.published.items()]
        facts = facts_table("recipe", [("takes", f"{self.duration} on two CPU cores"), *numbers])
        return self.experiment._repr_html_() + facts
