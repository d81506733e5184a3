"""Which task on sequences somebody else's network does, read off its shapes and then tried."""

import math

from pydantic import ValidationError

from grokscope.analysis.fresh_examples import score_fresh
from grokscope.errors import CheckpointError, ConfigError
from grokscope.explanation.identify import FAMILIES
from grokscope.explanation.subject import Subject
from grokscope.interop import ImportedNetwork
from grokscope.models import Transformer
from grokscope.tasks import (
    DigitAdditionConfig,
    RepeatedSubsequencesConfig,
    SequenceTask,
    SkipTrigramsConfig,
)
from grokscope.training import Evaluation

EXAMPLES = 256
"""On which a network is tried."""
FAR_FROM_CHANCE = 4.0
"""A network does a task if it answers so many standard deviations more than guessing."""
DOUBLED = 2.0
"""The residual scale of the authors' network on repeated subsequences, which its weights do not show."""


def sequence_subject(imported: ImportedNetwork, *, operation: str | None) -> Subject | None:
    """Return somebody else's network on sequences with the task that its shapes allow; None where they allow none.

    Raises:
        ConfigError: an operation was stated.
    """
    if operation is not None:
        raise ConfigError(f"{imported.source} is not a network on pairs of residues; leave the operation out")
    model, task = imported.model, _task(imported)
    if task is None or not isinstance(model, Transformer):
        return None
    best, notes = imported, list(imported.notes)
    notes.append(f"task read off the shapes: {task.name.rpartition(',')[0]}")
    if "residual_scale" in imported.open_settings:
        loss, other = _loss(imported, task), imported.with_settings(residual_scale=DOUBLED)
        doubled = _loss(other, task)
        if doubled < loss / 2:
            notes.append(
                f"residual_scale 2 inferred, which weights do not show: with it the loss is {doubled:.2g}, with the "
                f"usual 1 it is {loss:.2g}; state it to be sure"
            )
            best = other
    right, guessing = _score(best, task).accuracy, 1 / model.d_vocab_out
    if right < guessing + FAR_FROM_CHANCE * math.sqrt(guessing * (1 - guessing) / EXAMPLES):
        raise CheckpointError(
            f"{imported.source} has the shapes of a network on {task.name.rpartition(',')[0]}, but answers "
            f"{right:.1%} of fresh examples right, where guessing gives {guessing:.1%}: it is untrained, or does "
            f"another task, about which there is no hypothesis here"
        )
    return Subject(imported.source.name, best.model, task, notes=tuple(notes), imported=best)


FAMILIES.add("sequences", sequence_subject)


def _loss(imported: ImportedNetwork, task: SequenceTask) -> float:
    return _score(imported, task).loss


def _score(imported: ImportedNetwork, task: SequenceTask) -> Evaluation:
    return score_fresh(imported.model, task, EXAMPLES, seed=0)


def _task(imported: ImportedNetwork) -> SequenceTask | None:
    """Return the task whose tokens and lengths the network has.

    Vocabularies tell them apart: digits have two tokens more than answers, triggers and noise at least three, and
    repeated sequences predict what they read.
    """
    model = imported.model
    n_in, n_out, n_ctx = model.d_vocab, model.d_vocab_out, model.n_ctx
    try:
        if n_in == n_out + 2 and n_ctx % 3 == 0:
            return DigitAdditionConfig(n_digits=n_ctx // 3 - 1, base=n_out).build()
        if n_in > n_out + 2 and n_out >= 2:
            return SkipTrigramsConfig(length=n_ctx - 2, n_background=n_in - n_out - 2, n_triggers=n_out).build()
        if n_in == n_out and n_ctx % 3 == 1:
            interval = n_ctx // 3
            length = max(2, round(interval * 16 / 28))  # the published share of an interval
            return RepeatedSubsequencesConfig(d_vocab=n_in, interval=interval, subsequence_length=length).build()
    except (ValidationError, ConfigError):
        return None
    return None
