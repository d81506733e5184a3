"""What a run's report says that depends on the family of its task: each family registers its own words.

A family that registers nothing has a report all the same: its summary, its curves, its claims and its figures.
"""

from functools import singledispatch

import pandas as pd

from grokscope.curves.phases import Phases
from grokscope.explanation import Explanation
from grokscope.figures.source import RunSource
from grokscope.models import MLP, Transformer
from grokscope.reproduction.measurement import Measured
from grokscope.tasks import Task, TaskConfig

MAKES_THEM = "“grokscope explain RUN” makes them."
"""The end of a reason why a page leaves the tests out, where the command does not."""
BEHIND = "The claims below are the test; these tables are what they rest on."


@singledispatch
def describe_task(task: Task, config: TaskConfig) -> str:
    """Return what is learned, as a reader who does not know the task needs it: “… was trained on …”."""
    return config.summary


@singledispatch
def describe_data(task: Task, batch_size: int | None, examples: str = "examples") -> str:
    """Return the amount of data, in a sentence.

    Args:
        task: what the run was trained on.
        batch_size: examples in a step; None for all at once.
        examples: what the task's examples are called.
    """
    n_test = 0 if task.test is None else len(task.test)
    if task.train is None:
        return f"Every step drew {batch_size:,} {examples} afresh; {n_test:,} others are the test set."
    amount = f"{len(task.train):,} {examples}, {batches_in_words(task, batch_size)}"
    return f"It saw {amount}; {n_test:,} others are the test set."


def batches_in_words(task: Task, batch_size: int | None) -> str:
    """Return how a finite training set is gone through."""
    return "all at once" if task.batches.fixed is not None else f"in batches of {batch_size:,}"


@singledispatch
def needed_measures(task: Task) -> tuple[str, ...]:
    """Return the measures that every step in a run's ``measures.csv`` must have."""
    return ("loss",)


@singledispatch
def phases_of_measures(task: Task, measures: pd.DataFrame) -> Phases | None:
    """Return the phases that the measures show; None where there is no rule for them."""
    return None


@singledispatch
def why_not_explained(task: Task, model: Transformer | MLP) -> str | None:
    """Return why a page leaves the tests of a network out; None where it makes them."""
    return None


@singledispatch
def describe_network(task: Task, source: RunSource, *, explained: bool, has_tables: bool) -> tuple[str, ...]:
    """Return what the network looks like and the caveats, in sentences.

    Args:
        task: of the run.
        source: the run's network at a step.
        explained: whether the page has claims that were tested by interventions.
        has_tables: whether the claims rest on tables that the page shows.
    """
    return (BEHIND,) if has_tables else ()


@singledispatch
def with_network(task: Task, measured: Measured, source: RunSource, explanation: Explanation | None) -> Measured:
    """Return what is compared with published numbers, with those of the network that the family has."""
    return measured
