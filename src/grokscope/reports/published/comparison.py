"""What is compared with published numbers, and how one comparison is told."""

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


Compared = Callable[[Any, Measured], Comparison]
"""From a published number to its comparison."""
