"""What the report of a run on sequences says."""

from grokscope.models import MLP, Transformer
from grokscope.reports.run.family import MAKES_THEM, describe_data, describe_task, why_not_explained
from grokscope.tasks import (
    DigitAdditionConfig,
    DigitAdditionTask,
    RepeatedSubsequencesConfig,
    RepeatedSubsequencesTask,
    SequenceTask,
    SkipTrigramsConfig,
    SkipTrigramsTask,
    Task,
)

MAX_ATTENTION = 500_000
"""Attention weights in one sequence up to which a page explains: the tests keep those of up to 2,000 sequences."""


@describe_task.register
def _(task: DigitAdditionTask, config: DigitAdditionConfig) -> str:
    base = "" if config.base == 10 else f" in base {config.base}"
    n = config.n_digits
    numbers = "two digits" if n == 1 else f"two numbers of {n} digits each, written out"
    return f"the addition of {numbers}{base}: it predicts the {n + 1} digits of the sum one after the other"


@describe_task.register
def _(task: RepeatedSubsequencesTask, config: RepeatedSubsequencesConfig) -> str:
    return (
        f"repeated subsequences: of {config.n_repeats} intervals of {config.interval} random tokens (from "
        f"{config.d_vocab - 1:,} different ones), each has the same {config.subsequence_length} tokens at a "
        f"place of its own, and from the second time on it predicts each of these from the one before"
    )


@describe_task.register
def _(task: SkipTrigramsTask, config: SkipTrigramsConfig) -> str:
    return (
        f"skip trigrams: one of {config.n_triggers:,} triggers stands at a random place among "
        f"{config.length:,} tokens, the others noise of {config.n_background:,} kinds, and which trigger it is "
        f"decides the answer at the end"
    )


@describe_data.register
def _(task: SequenceTask, batch_size: int | None) -> str:
    return describe_data.dispatch(Task)(task, batch_size, "sequences")


@describe_data.register
def _(task: DigitAdditionTask, batch_size: int | None) -> str:
    return describe_data.dispatch(Task)(task, batch_size, "sums")


@why_not_explained.register
def _(task: SequenceTask, model: Transformer | MLP) -> str | None:
    if not isinstance(model, Transformer):
        return "It is a multilayer perceptron; on sequences only transformers can be explained."
    config = model.config
    if config.n_layers * config.n_heads * task.n_ctx**2 > MAX_ATTENTION:
        return (
            f"On {task.n_ctx:,} tokens the tests take minutes and gigabytes, so this page leaves them out. {MAKES_THEM}"
        )
    return None
