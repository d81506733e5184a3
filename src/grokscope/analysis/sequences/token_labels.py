"""How tokens are written for a reader."""

from functools import singledispatch

from jaxtyping import Int
from torch import Tensor

from grokscope.tasks import DigitAdditionTask, SequenceTask, SkipTrigramsTask
from grokscope.tasks.sequences.repeated_subsequences import BOS
from grokscope.tasks.sequences.skip_trigrams import QUERY


def token_labels(task: SequenceTask, tokens: Int[Tensor, " n"]) -> tuple[str, ...]:
    """Return a short name for each of ``tokens``.

    In sums, digits, ``+`` and ``=``. Elsewhere ``BOS`` for the first token; of skip trigrams ``?`` for the query,
    ``n`` with a number for noise and ``t`` with a number for a trigger, whose answer is that number.
    """
    return tuple(_label(task, token) for token in tokens.tolist())


@singledispatch
def _label(task: SequenceTask, token: int) -> str:
    return "BOS" if token == BOS else str(token)


@_label.register
def _(task: DigitAdditionTask, token: int) -> str:
    return {task.base: "+", task.base + 1: "="}.get(token, str(token))


@_label.register
def _(task: SkipTrigramsTask, token: int) -> str:
    if token in (BOS, QUERY):
        return "BOS" if token == BOS else "?"
    trigger = token in task.triggers
    return f"t{token - task.triggers[0]}" if trigger else f"n{token - task.background[0]}"
