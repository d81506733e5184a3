"""Which task on sequences somebody else's network does, read off its shapes and then tried."""

from pydantic import ValidationError

from grokscope.analysis.fresh_examples import score_fresh
from grokscope.errors import CheckpointError, ConfigError
from grokscope.explanation.modular.identify import Stated
from grokscope.explanation.subject import SequenceSubject
from grokscope.interop import ImportedNetwork, load_network
from grokscope.models import Transformer
from grokscope.tasks import (
    DigitAdditionConfig,
    RepeatedSubsequencesConfig,
    SequenceTask,
    SkipTrigramsConfig,
    TaskConfig,
    build_task,
)

DOUBLED = {"residual_scale": 2.0}
"""What the weights of the authors' network on repeated subsequences do not show."""


def sequence_subject(imported: ImportedNetwork, *, stated: Stated | None = None) -> SequenceSubject:
    """Return somebody else's network on sequences with the task that its shapes allow.

    Raises:
        CheckpointError: the shapes are those of no task here.
    """
    task = _task(imported)
    best, notes = imported, list(imported.notes)
    notes.append(f"task read off the shapes: {task.name.rpartition(',')[0]}")
    loss = _loss(imported, task)
    if imported.layout != "grokscope" and not set(DOUBLED) & set(stated or {}):
        other = load_network(imported.source, p=None, **{**(stated or {}), **DOUBLED})
        doubled = _loss(other, task)
        if doubled < loss / 2:
            notes.append(
                f"residual_scale 2 inferred, which weights do not show: with it the loss is {doubled:.2g}, with the "
                f"usual 1 it is {loss:.2g}; state it to be sure"
            )
            best = other
    assert isinstance(best.model, Transformer)
    return SequenceSubject(imported.source.name, best.model, task, notes=tuple(notes), imported=best)


def _loss(imported: ImportedNetwork, task: SequenceTask) -> float:
    assert isinstance(imported.model, Transformer)
    return score_fresh(imported.model, task, 256, seed=0).loss


def _task(imported: ImportedNetwork) -> SequenceTask:
    """Return the task whose tokens and lengths the network has.

    Vocabularies tell them apart: digits have two tokens more than answers, triggers and noise at least three, and
    repeated sequences predict what they read.
    """
    model = imported.model
    n_in, n_out, n_ctx = model.d_vocab, model.d_vocab_out, model.n_ctx
    config: TaskConfig | None = None
    try:
        if n_in == n_out + 2 and n_ctx % 3 == 0:
            config = DigitAdditionConfig(n_digits=n_ctx // 3 - 1, base=n_out)
        elif n_in > n_out + 2 and n_out >= 2:
            config = SkipTrigramsConfig(length=n_ctx - 2, n_background=n_in - n_out - 2, n_triggers=n_out)
        elif n_in == n_out and n_ctx % 3 == 1:
            interval = n_ctx // 3
            # the published share of an interval, 16 of 28
            config = RepeatedSubsequencesConfig(
                d_vocab=n_in, interval=interval, subsequence_length=max(2, round(interval * 16 / 28))
            )
        task = None if config is None else build_task(config)
    except (ValidationError, ConfigError):
        task = None
    if not isinstance(task, SequenceTask) or not isinstance(model, Transformer):
        raise CheckpointError(
            f"{imported.source} is a network on {n_ctx} tokens of {n_in} with {n_out} logits: neither pairs of "
            f"residues (two tokens of p, or three with '='), nor digits of sums, repeated subsequences or skip "
            f"trigrams; train a network here, or rename its task's tokens"
        )
    return task
