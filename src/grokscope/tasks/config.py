"""What the settings of every task have, whichever family it is of."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from grokscope.config import Config

if TYPE_CHECKING:
    from grokscope.tasks.task import Task


class DataConfig(Config, ABC):
    """How many examples are trained on, and in what batches."""

    kind: Any
    """``"finite"`` or ``"infinite"``; each class has one of them as its default."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """The amount of data, for people."""


class TaskConfig(Config, ABC):
    """The settings of a kind of task; a family subclasses it and registers the class (:func:`register_task`)."""

    kind: Any
    """The family's name; each class has its own as the only value and the default."""
    if TYPE_CHECKING:  # each class has the field in its own place: files list settings in that order
        data: Any
        """A :class:`DataConfig`; Any, as type checkers let no class narrow the type of a field."""

    @property
    @abstractmethod
    def summary(self) -> str:
        """What is learned, for people, and from how much data."""

    @abstractmethod
    def build(
        self, *, split_seed: int = 0, data_seed: int = 0, artifacts: Mapping[str, Tensor] | None = None
    ) -> "Task":
        """Return the task that these settings describe.

        Args:
            split_seed: chooses what is trained on and what is tested on.
            data_seed: draws batches and, where a task has them, random labels.
            artifacts: what :meth:`grokscope.tasks.Task.artifacts` returned when a run was begun.

        Raises:
            ConfigError: the settings cannot be met.
        """

    def check_stop(self, *, tested: bool) -> None:
        """Raise ValueError if training cannot be stopped as asked, for example because there is no test set.

        Args:
            tested: whether a rule needs the loss or the accuracy on the test set.
        """
