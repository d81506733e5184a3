"""What pictures of one run are drawn from: each table and each network is read once, when a picture asks for it."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from grokscope.analysis import FourierSummary, Phases, find_phases, fourier_summary
from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.modular.last_layer import LastLayer, record_last_layer
from grokscope.analysis.modular.neurons import neuron_frequencies
from grokscope.errors import ConfigError, RunError
from grokscope.explanation.modular.frequencies import claim_frequencies
from grokscope.models import MLP, Transformer
from grokscope.reports.run.history import History, every_suggested, read_history
from grokscope.reports.run.pictures import NO_PHASES, is_over_early
from grokscope.run import Run
from grokscope.tasks import Examples, ModularTask, SequenceTask, Task, require_modular

_EXAMPLES = 300
"""Fresh examples of which some are shown: of skip trigrams, enough for one of each trigger."""


@dataclass(frozen=True, eq=False)
class Source:
    """A run, the checkpoint to look at, and how axes are wanted.

    Raises:
        RunError: by every property, where the run has no such data, or they are damaged.
    """

    run: Run
    step: int | None = None
    """The checkpoint whose network is drawn; the last if None."""
    log_loss: bool | None = None
    """Whether the axis of losses is logarithmic; as each picture has it by itself if None."""
    log_steps: bool | None = None
    """Whether the axis of steps is; on tasks on sequences, if None, where all happens in the first of a run's steps."""

    @property
    def task(self) -> Task:
        """The task."""
        return self.run.task

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Losses and accuracies over training: at least one row."""
        metrics = self.run.metrics
        if metrics.empty:
            raise RunError(f"{self.run.path} has no evaluations to draw; go on with 'grokscope train --resume'")
        return metrics

    @cached_property
    def phases(self) -> Phases:
        """By the curves; none with infinite data, where nothing is memorised."""
        return NO_PHASES if self.task.train is None else find_phases(self.metrics, self.task.chance_loss)

    @property
    def steps_are_log(self) -> bool:
        """Whether pictures over training have a logarithmic axis of steps."""
        if self.log_steps is not None:
            return self.log_steps
        return not isinstance(self.task, ModularTask) and is_over_early(self.metrics)

    @cached_property
    def history(self) -> History:
        """The tables of other commands, where there are some."""
        return read_history(self.run)

    @property
    def measures(self) -> pd.DataFrame:
        """The measures over training."""
        if self.history.measures is None:
            raise RunError(
                f"{self.run.path} has no {self.run.folder.measures.name} to draw; "
                f"'grokscope measure {self.run.path}' writes it"
            )
        return self.history.measures

    @property
    def claims(self) -> pd.DataFrame:
        """The claims over training."""
        if self.history.claims is None:
            raise RunError(
                f"{self.run.path} has no {self.run.folder.claims.name} to draw; "
                f"'grokscope explain {self.run.path} --every {every_suggested(self.run)}' writes it"
            )
        return self.history.claims

    @cached_property
    def model(self) -> Transformer | MLP:
        """The network at the step."""
        return self.run.model(self.step)

    @cached_property
    def circuit(self) -> FourierSummary:
        """The Fourier picture of the network, on modular arithmetic."""
        return fourier_summary(self.model, self.modular)

    @cached_property
    def last(self) -> "Source":
        """The same run at its last checkpoint: what is watched over training is chosen there."""
        return self if self.step in (None, self.run.steps[-1]) else Source(self.run)

    @cached_property
    def layer(self) -> LastLayer:
        """The last layer on all pairs, in the coordinates in which the task is an addition.

        Raises:
            ConfigError: there are none.
        """
        coordinates = find_coordinates(self.modular.table)
        if coordinates is None:
            raise ConfigError(f"{self.task.name!r} is no addition in other coordinates, so it has no such picture")
        return record_last_layer(self.model, self.modular, coordinates)

    @cached_property
    def claimed_frequencies(self) -> tuple[int, ...]:
        """The key frequencies of :attr:`layer`, as 'grokscope explain' claims them."""
        n, post = self.layer.coordinates.n, self.layer.post
        neurons = None if post is None else neuron_frequencies(post.unflatten(0, (n, n)))
        return claim_frequencies(self.layer.logits, neurons).keys

    @cached_property
    def examples(self) -> Examples:
        """Fresh examples of a task on sequences, the same every time."""
        return fresh_examples(self.sequence, _EXAMPLES, seed=0)

    @property
    def modular(self) -> ModularTask:
        """The task, of modular arithmetic."""
        return require_modular(self.task, "this picture")

    @property
    def sequence(self) -> SequenceTask:
        """The task, on sequences."""
        assert isinstance(self.task, SequenceTask)  # the gallery knows which pictures are of which tasks
        return self.task
