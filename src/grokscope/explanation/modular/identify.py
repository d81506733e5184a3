"""Which operation somebody else's network computes, and with which settings that its weights do not show."""

from dataclasses import replace

import torch
from jaxtyping import Float
from pydantic import ValidationError
from torch import Tensor

from grokscope import formatting
from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.binary.table_facts import table_facts
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.errors import ConfigError
from grokscope.explanation.identify import FAMILIES
from grokscope.explanation.modular.unseen import USUAL, SearchResult, Trial, search_settings, task_on_pairs
from grokscope.explanation.subject import Subject
from grokscope.interop import ImportedNetwork
from grokscope.run.experiment import explain_validation
from grokscope.tasks import ModularTask

RECOGNISED = 0.5
"""An operation is taken for the network's if so many of its answers agree, or if it stands out among the candidates."""
LEARNED = 3.0
"""A network whose answers are not so many times surer than guessing, on average, has learned little."""
PERMUTED = "add"
"""As what an operation is known that is addition under other names of the residues."""


@torch.no_grad()
def modular_subject(imported: ImportedNetwork, *, operation: str | None) -> Subject | None:
    """Return somebody else's network with the operation that it computes; None where it is not on pairs of residues.

    Weights do not show everything: what they do not is searched for (:mod:`grokscope.explanation.modular.unseen`), and
    said. Settings that fit alike are kept beside the best, to be judged too.

    Args:
        imported: the network.
        operation: what it computes [as stored with it, or found by trying].

    Raises:
        ConfigError: ``operation`` is none.
    """
    if imported.p is None:
        return None
    operation = operation or imported.operation
    try:
        task = task_on_pairs(imported, operation or "add")
    except ValidationError as error:
        raise ConfigError(explain_validation(error)) from error
    result = search_settings(imported, task, operation)
    subject = _subject(result.best, task, operation)
    inferred = _settings_in_words(result) if subject.recognised else ()
    notes = (*imported.notes, *inferred, *subject.notes)
    alternatives = tuple(
        replace(_subject(trial, task, operation), name=f"{imported.source.name} with {_named(trial)}")
        for trial in (result.alike if subject.recognised else ())
    )
    return replace(subject, notes=notes, alternatives=alternatives)


FAMILIES.add("modular", modular_subject)


def _subject(trial: Trial, task: ModularTask, operation: str | None) -> Subject:
    """Return a network with the operation that it computes, and how that was found."""
    imported, found = trial.imported, trial.found
    name = imported.source.name
    if operation is not None:
        known = replace(imported, operation=operation)
        return Subject(name, imported.model, task, imported=known)
    chance = f"chance: {1 / task.p:.2%}"
    if found.agreement >= RECOGNISED or found.stands_out:
        note = (
            f"operation {found.operation} found by trying: {found.agreement:.2%} of the pairs agree, the next best "
            f"candidate has {found.runner_up:.2%} ({chance})"
        )
        computed = task_on_pairs(imported, found.operation)
        return Subject(
            name, imported.model, computed, notes=(note,), imported=replace(imported, operation=found.operation)
        )
    logits = all_pairs_table(imported.model, task).logits
    answers = logits.argmax(2)
    if int(answers.max()) < task.p and find_coordinates(answers) is not None:
        note = (
            "the network's answers are addition modulo a number under other names of the residues (permuted tokens): "
            "no formula gives them, and they are explained in the coordinates in which they are a sum"
        )
        renamed = replace(task_on_pairs(imported, PERMUTED, answers), name=f"permuted addition mod {task.p}")
        return Subject(name, imported.model, renamed, notes=(note,), imported=imported)
    note = (
        f"no operation recognised: the best candidate, {found.operation}, agrees on {found.agreement:.2%} of the pairs "
        f"({chance})"
    )
    return Subject(
        name, imported.model, task_on_pairs(imported, found.operation), recognised=False,
        notes=(note, *_own_table(logits)), imported=imported,
    )  # fmt: skip


def _own_table(logits: Float[Tensor, "p p p"]) -> tuple[str, ...]:
    """Return what the network answers, of which no candidate makes sense."""
    probabilities = logits.softmax(2)
    surest = float(probabilities.max(2).values.mean())
    p = probabilities.shape[0]
    if surest < LEARNED / p:
        return (
            f"its answers have a probability of {formatting.percent(surest)} on average, where guessing has "
            f"{formatting.percent(1 / p)}: it has learned little, with any of the settings that weights do not show",
        )
    facts = table_facts(probabilities.argmax(2))
    return (
        f"its own table of answers is {facts.in_words}; its answers have a probability of "
        f"{formatting.percent(surest)} on average. That none of our candidates fits does not say that it is wrong: "
        f"state what it computes with --operation, as an expression in a, b and p",
    )


def _settings_in_words(result: SearchResult) -> list[str]:
    best, usual = result.best, result.usual
    notes = []
    if best is not usual:
        next_ = "" if result.next_loss is None else f", with the next best {result.next_loss:.2g}"
        notes.append(
            f"{_named(best)} inferred, which weights do not show: the loss is {best.loss:.2g}, with the usual "
            f"{_usual_of(best)} {usual.loss:.2g}{next_}; state it to be sure"
        )
    notes += [
        f"with {_named(trial)} it fits alike (loss {trial.loss:.2g} against {best.loss:.2g}): both are judged; state "
        f"what is right to be sure"
        for trial in result.alike
    ]
    return notes


def _named(trial: Trial) -> str:
    parts = [
        f"{name} {value:.4g}" if type(value) is float else f"{name} {value}" for name, value in trial.settings.items()
    ]
    return formatting.listed(parts) if parts else "the usual settings"


def _usual_of(trial: Trial) -> str:
    return formatting.listed(f"{name} {USUAL[name]}" for name in trial.settings)
