"""Measures of a network: a registry of functions, and what looks at a network once for all of them.

A measure is a function from a *look* at a network to a number, or to numbers by index: of heads, frequencies, digits.
A family of tasks adds its measures with :func:`measure`, and what they share with ``look_at.register``::

    @measure("parity_of_weights", unit="", chance="0.5", tasks=(ParityTask,))
    def parity_of_weights(look: Look) -> float:
        return float((look.model.W_U > 0).double().mean())
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, singledispatch
from typing import Any, ClassVar, TypeVar

import torch

from grokscope.analysis.precision import widened_network
from grokscope.display import brief_repr
from grokscope.errors import ConfigError, NotApplicableError, nearest
from grokscope.models import MLP, Transformer
from grokscope.registry import Registry
from grokscope.tasks import Task
from grokscope.training import Evaluation
from grokscope.training.evaluation import Evaluator

Network = MLP | Transformer
Found = float | Mapping[str, float] | None
"""A number; numbers by index (``""`` for what is of all); or None where the network has nothing to measure."""


@dataclass(frozen=True, eq=False)
class Look:
    """A network on its task, with what several measures need; computed once, when the first of them asks for it."""

    task: Task
    model: Network
    weights_apart: ClassVar[bool] = False
    """Whether the squared weights of each parameter are a measure beside their sum."""

    __repr__ = brief_repr

    @cached_property
    def score(self) -> Evaluation:
        """Loss (nats) and accuracy on the test set, or on the training set where there is none."""
        examples = self.task.test or self.task.train
        if examples is None:
            raise NotApplicableError(f"{self.task.name} has no examples to measure a network on")
        return Evaluator(self.model, examples, self.task.target_positions, len(self.task.subtasks))()


@dataclass(frozen=True, eq=False)
class Measure:
    """A measure that can be asked for by its name."""

    name: str
    unit: str
    chance: str
    """What a network that has learned nothing gives."""
    tasks: tuple[type[Task], ...]
    find: Callable[[Any], Found]
    """From a :class:`Look` to what is found."""
    index: str = ""
    """What the numbers are by, for people: ``frequency``; empty where there is one number."""
    separator: str = field(default="_", repr=False)
    """Between name and index, where both are one word."""

    __repr__ = brief_repr

    def column(self, index: str) -> str:
        """Return name and index as one word, the name of a column in a sweep's table: ``alpha_14``."""
        return f"{self.name}{self.separator}{index}" if index else self.name


MEASURES: Registry[Measure] = Registry("measure")

Finder = TypeVar("Finder", bound=Callable[..., Found])


def measure(
    name: str,
    *,
    unit: str,
    chance: str,
    tasks: tuple[type[Task], ...] = (Task,),
    index: str = "",
    separator: str = "_",
) -> Callable[[Finder], Finder]:
    """Register a function as a measure.

    Args:
        name: by which it is asked for.
        unit: of the number: ``nats``, or empty.
        chance: what a network that has learned nothing gives.
        tasks: on which it is defined, subclasses included.
        index: what the numbers are by, where there are several.
        separator: between name and index in the name of a column.

    Raises:
        ConfigError: another measure has that name.
    """

    def register(find: Finder) -> Finder:
        entry = Measure(name, unit, chance, tasks, find, index, separator)
        for attribute in ("__module__", "__qualname__"):  # a measure is defined where its function is
            object.__setattr__(entry, attribute, getattr(find, attribute))
        MEASURES.add(name, entry)
        return find

    return register


@singledispatch
def look_at(
    task: Task, last: Network, *, frequencies: Sequence[int] | None = None, required: bool = True
) -> Callable[[Network], Look]:
    """Return how the networks of one run are looked at; a family of tasks registers its own.

    Args:
        task: of the run.
        last: its last network: what is watched over training is chosen there.
        frequencies: the key frequencies, of modular arithmetic [chosen on ``last``].
        required: whether there must be some to choose.

    Raises:
        NotApplicableError: nothing is defined for such a network.
        ConfigError: the task has no key frequencies.
    """
    no_frequencies(task, frequencies)
    return lambda model: Look(task, widened_network(model))


def no_frequencies(task: Task, frequencies: Sequence[int] | None) -> None:
    """Raise if there are key frequencies, on a task that has none.

    Raises:
        ConfigError: there are.
    """
    if frequencies is not None:
        raise ConfigError(f"{task.name} has no key frequencies; leave them out")


@dataclass(frozen=True)
class Reading:
    """One number that a measure gave."""

    measure: str
    index: str
    value: float


def measures_of(task: Task) -> list[Measure]:
    """Return the measures that are defined on a task, in order of registration."""
    return [each for each in MEASURES.values() if isinstance(task, each.tasks)]


def measure_network(task: Task, model: Network, *, frequencies: Sequence[int] | None = None) -> list[Reading]:
    """Return every measure of a network.

    Args:
        task: of the network.
        model: the network.
        frequencies: the key frequencies, of modular arithmetic [chosen on the network]; there may be none.

    Raises:
        NotApplicableError: nothing is defined for such a network.
        ConfigError: a frequency does not exist, or the task has none.
    """
    return take(look_at(task, model, frequencies=frequencies, required=False)(model))


@torch.no_grad()
def take(look: Look) -> list[Reading]:
    """Return what every measure of the task gives of one look."""
    readings = []
    for each in measures_of(look.task):
        found = each.find(look)
        if found is not None:
            values = found if isinstance(found, Mapping) else {"": found}
            readings += [Reading(each.name, index, float(value)) for index, value in values.items()]
    return readings


def as_columns(readings: Sequence[Reading]) -> dict[str, float]:
    """Return the numbers by the names that they have as columns: ``excluded_loss``, ``excluded_loss_14``."""
    return {MEASURES[each.measure].column(each.index): each.value for each in readings}


def split_column(column: str) -> tuple[str, str]:
    """Return measure and index of a column; the whole and no index where no measure is called so."""
    if column in MEASURES:
        return column, ""
    fits = [each for each in MEASURES.values() if each.index and column.startswith(each.name + each.separator)]
    if not fits:
        return column, ""
    longest = max(fits, key=lambda each: len(each.name))
    return longest.name, column.removeprefix(longest.name + longest.separator)


def check_measure(task: Task, column: str) -> None:
    """Raise unless a measure of this name, with or without an index, is defined on the task.

    Raises:
        ConfigError: there is none.
    """
    known = [each.name for each in measures_of(task)]
    if split_column(column)[0] not in known:
        raise ConfigError(f"no measure of {task.name} is called {column!r}{nearest(column, known)}")


@measure("loss", unit="nats", chance="the task's chance loss", index="subtask")
def _loss(look: Look) -> dict[str, float]:
    return {"": look.score.loss, **dict(zip(look.task.subtasks, look.score.subtasks, strict=False))}


@measure("accuracy", unit="share", chance="that of guessing")
def _accuracy(look: Look) -> float:
    return look.score.accuracy
