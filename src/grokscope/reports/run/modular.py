"""What the report of a run on modular arithmetic says."""

from dataclasses import replace

import pandas as pd

from grokscope import formatting
from grokscope.curves.phases import Phases, find_phases_of_circuit
from grokscope.explanation import Explanation, ModularExplanation
from grokscope.explanation.modular.explain import LARGEST
from grokscope.figures.modular.parts import circuit
from grokscope.figures.source import RunSource
from grokscope.models import MLP, Transformer
from grokscope.reports.run.family import (
    MAKES_THEM,
    batches_in_words,
    describe_data,
    describe_network,
    describe_task,
    needed_measures,
    phases_of_measures,
    why_not_explained,
    with_network,
)
from grokscope.reports.run.fourier_findings import findings
from grokscope.reproduction.measurement import Measured
from grokscope.tasks import ModularConfig, ModularTask
from grokscope.tasks.modular.operations import operation_in_words

MAX_EXPLAINED = 256
"""Modulus up to which a page explains: time and memory grow with its cube, from 6 s at 113 to minutes beyond."""


@describe_task.register
def _(task: ModularTask, config: ModularConfig) -> str:
    return operation_in_words(config.operation, config.p)


@describe_data.register
def _(task: ModularTask, batch_size: int | None) -> str:
    n_pairs = task.p**2
    if task.train is None:
        return f"Every step drew {batch_size:,} of the {n_pairs:,} pairs afresh; all of them are the test set."
    n_train = len(task.train)
    rest = f"the other {n_pairs - n_train:,} are the test set" if task.test is not None else "there is no test set"
    share = formatting.percent(n_train / n_pairs)
    return f"It saw {n_train:,} of the {n_pairs:,} pairs ({share}), {batches_in_words(task, batch_size)}; {rest}."


@needed_measures.register
def _(task: ModularTask) -> tuple[str, ...]:
    return ("excluded_loss", "sum_of_squares")


@phases_of_measures.register
def _(task: ModularTask, measures: pd.DataFrame) -> Phases:
    return find_phases_of_circuit(measures, task.p)


@why_not_explained.register
def _(task: ModularTask, model: Transformer | MLP) -> str | None:
    if task.p <= MAX_EXPLAINED:
        return None
    why = f"Modulo {task.p} the tests take minutes and gigabytes, so this page leaves them out."
    return f"{why} {MAKES_THEM}" if task.p <= LARGEST else why


@describe_network.register
def _(task: ModularTask, source: RunSource, *, explained: bool, has_tables: bool) -> tuple[str, ...]:
    return findings(source.once(circuit), task.operation, tested=explained)


@with_network.register
def _(task: ModularTask, measured: Measured, source: RunSource, explanation: Explanation | None) -> Measured:
    of_network = explanation if isinstance(explanation, ModularExplanation) else None
    return replace(measured, circuit=source.once(circuit), explanation=of_network)
