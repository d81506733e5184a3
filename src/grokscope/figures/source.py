"""What figures are drawn from: each table and each network is read once, when a figure asks for it."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar

import pandas as pd

from grokscope.analysis import Phases, find_phases
from grokscope.analysis.many_runs.curves import is_over_early
from grokscope.analysis.measure_table import read_measures
from grokscope.errors import NotApplicableError, RunError
from grokscope.explanation import Explanation
from grokscope.models import MLP, Transformer
from grokscope.run import Run
from grokscope.run.tables import read_claims
from grokscope.tasks import Task

AnyTask = TypeVar("AnyTask", bound=Task)
Part = TypeVar("Part")

NO_PHASES = Phases(None, None, None, None)
"""What is drawn of infinite data: nothing is memorised, so nothing is cleaned up."""
_TESTED = 15
"""About so many steps are suggested to be tested."""


class Source(Generic[AnyTask]):
    """A network and its task: what figures of one network are drawn from.

    Args:
        task: what the network does.
        model: the network.
        explanation: of the network; figures then show the frequencies that it names, and pages show what rests on it.
        name: of the network, for messages.
    """

    def __init__(
        self,
        task: AnyTask,
        model: Transformer | MLP | None = None,
        *,
        explanation: Explanation | None = None,
        name: str = "the network",
    ) -> None:
        self.task, self.explanation, self.name = task, explanation, name
        self.step: int | None = None
        self._model = model
        self._computed: dict[Callable[..., Any], Any] = {}

    @cached_property
    def model(self) -> Transformer | MLP:
        """The network.

        Raises:
            NotApplicableError: there is none.
        """
        if self._model is None:
            raise NotApplicableError(f"{self.name} has no network to draw")
        return self._model

    @cached_property
    def last(self) -> "Source[AnyTask]":
        """The network on which what is watched over training is chosen: the last of a run, or this one."""
        return self

    def once(self, function: Callable[[Any], Part]) -> Part:
        """Return ``function`` of this source, computed the first time only: several figures rest on it."""
        if function not in self._computed:
            self._computed[function] = function(self)
        return self._computed[function]


class RunSource(Source[AnyTask]):
    """A run, and the checkpoint whose network is drawn.

    Args:
        run: finished or not.
        step: the checkpoint [the last].
        explanation: of the network at that step.

    Raises:
        RunError: by every property, where the run has no such data, or they are damaged.
    """

    def __init__(self, run: Run, step: int | None = None, *, explanation: Explanation | None = None) -> None:
        task: Any = run.task
        super().__init__(task, explanation=explanation, name=str(run.path))
        self.run, self.step = run, step

    @cached_property
    def model(self) -> Transformer | MLP:
        """The network at the step."""
        return self.run.model(self.step)

    @cached_property
    def last(self) -> "Source[AnyTask]":
        """The same run at its last checkpoint."""
        return self if self.step in (None, self.run.checkpoints[-1]) else RunSource(self.run)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Losses and accuracies over training: at least one row."""
        metrics = self.run.metrics
        if metrics.empty:
            raise RunError(f"{self.name} has no evaluations to draw; go on with 'grokscope train --resume'")
        return metrics

    @cached_property
    def phases(self) -> Phases:
        """By the curves; none with infinite data, where nothing is memorised."""
        return NO_PHASES if self.task.train is None else find_phases(self.metrics, self.task.chance_loss)

    @cached_property
    def is_over_early(self) -> bool:
        """Whether all happens in the first of a run's steps, so that they are better drawn on a logarithmic scale."""
        return is_over_early([self.run.metrics])

    def measures(self, *needed: str) -> pd.DataFrame:
        """Return the measures over training, all rows of which have those ``needed``."""
        table = read_measures(self.run.folder.measures, needed)
        if table is None:
            file = self.run.folder.measures.name
            raise RunError(f"{self.name} has no {file} to draw; 'grokscope measure {self.name}' writes it")
        return table

    @property
    def claims(self) -> pd.DataFrame:
        """The claims over training."""
        table = read_claims(self.run.folder.claims)
        if table is None:
            file, every = self.run.folder.claims.name, every_suggested(self.run)
            raise RunError(
                f"{self.name} has no {file} to draw; 'grokscope explain {self.name} --every {every}' writes it"
            )
        return table


def every_suggested(run: Run) -> int:
    """Return an ``--every`` for ``grokscope explain`` with which the checkpoints that it tests are not too many."""
    kept = run.experiment.checkpoint_every
    return kept * max(1, math.ceil(run.checkpoints[-1] / kept / _TESTED)) if run.checkpoints else kept
