"""What is measured of a run to stand beside a published number, and how both are told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from grokscope.analysis import FourierSummary, Phases
from grokscope.explanation import ModularExplanation
from grokscope.tasks import Task


@dataclass(frozen=True)
class Comparison:
    """One published number and what this run gave."""

    what: str
    published: str
    measured: str
    remark: str


@dataclass(frozen=True, eq=False)
class Measured:
    """What of a run is compared."""

    metrics: pd.DataFrame
    phases: Phases
    circuit: FourierSummary | None = None
    """Of the network; None where there is no checkpoint."""
    explanation: ModularExplanation | None = None
    """Of the network; None where it was not explained, or is not of modular arithmetic."""
    task: Task | None = None


@dataclass(frozen=True)
class Measurement:
    """A number that has been published of a run, and how to measure it."""

    what: str
    """Its name, with its unit."""
    read: Callable[[Measured, Any], Any]
    """From a run, and the published value, to a value of the same form; None where it cannot be measured."""
    text: Callable[[Any], str]
    """A value in words."""
    remark: Callable[[Any, Any, Measured], str] = lambda published, found, measured: ""
    """From both values (the second may be None) to what else a reader must know."""
    published_text: Callable[[Any], str] | None = None
    """The published value in words, where it has another form."""
    absent: str = "not measured"
    """What is told of a run of which it cannot be measured."""
    is_event: bool = False
    """Whether it is when something happens: without a value, it has not happened."""
    of_network: bool = False
    """Whether it is of the run's last network, and not of its curves."""

    def told(self, published: Any) -> str:
        """Return the published value in words."""
        return (self.published_text or self.text)(published)

    def compare(self, published: Any, measured: Measured) -> Comparison:
        """Return the published value beside that of a run, in words."""
        found = self.read(measured, published)
        text = self.absent if found is None else self.text(found)
        return Comparison(self.what, self.told(published), text, self.remark(published, found, measured))
