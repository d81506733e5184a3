"""Which task on sequences somebody else's network does, read off its shapes and then tried."""

from pydantic import ValidationError

from grokscope.analysis.fresh_examples import score_fresh
from grokscope.errors import ConfigError
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
    return Subject(imported.source.name, best.model, task, notes=tuple(notes), imported=best)


FAMILIES.add("sequences", sequence_subject)


def _loss(imported: ImportedNetwork, task: SequenceTask) -> float:
    return score_fresh(imported.model, task, 256, seed=0).loss


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
