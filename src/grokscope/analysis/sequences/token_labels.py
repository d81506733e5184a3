"""How tokens are written for a reader."""

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
    return tuple(_name(task, token) for token in tokens.tolist())


def _name(task: SequenceTask, token: int) -> str:
    if isinstance(task, DigitAdditionTask):
        return {task.base: "+", task.base + 1: "="}.get(token, str(token))
    if token == BOS:
        return "BOS"
    if isinstance(task, SkipTrigramsTask):
        if token == QUERY:
            return "?"
        trigger = token in task.triggers
        return f"t{token - task.triggers[0]}" if trigger else f"n{token - task.background[0]}"
    return str(token)
