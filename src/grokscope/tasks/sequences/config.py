"""What the settings of the tasks on sequences share: examples are drawn, and none is both trained on and tested on."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from grokscope.tasks.config import TaskConfig
from grokscope.tasks.examples import Examples
from grokscope.tasks.sampling import Sampled, sampled
from grokscope.tasks.task import SequenceTask


class SequenceTaskConfig(TaskConfig):
    """The settings of a task of which examples are drawn."""

    @property
    @abstractmethod
    def n_possible(self) -> int:
        """How many different examples there are."""

    @abstractmethod
    def draw(self, size: int, generator: torch.Generator) -> Examples:
        """Return ``size`` examples drawn at random; some may be equal."""

    @abstractmethod
    def task(self, data: Sampled) -> SequenceTask:
        """Return the task with these data."""

    def build(
        self, *, split_seed: int = 0, data_seed: int = 0, artifacts: Mapping[str, Tensor] | None = None
    ) -> SequenceTask:
        """Return the task that these settings describe.

        Args:
            split_seed: draws the test set, and the finite training set.
            data_seed: draws batches.
            artifacts: none are used.

        Raises:
            ConfigError: there are not so many examples.
        """
        data = sampled(self.data, self.draw, n_possible=self.n_possible, split_seed=split_seed, data_seed=data_seed)
        return self.task(data)
