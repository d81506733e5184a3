"""Which operation somebody else's network computes, and with which settings that its weights do not show."""

from dataclasses import dataclass, replace

import torch
from pydantic import ValidationError

from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.modular.operation import FoundOperation, find_operation
from grokscope.analysis.modular.progress_measures import answer_losses
from grokscope.errors import ConfigError
from grokscope.explanation.identify import FAMILIES
from grokscope.explanation.subject import Subject
from grokscope.interop import ImportedNetwork, UnseenSettings
from grokscope.run.experiment import explain_validation
from grokscope.tasks import FiniteData, ModularConfig, ModularTask

RECOGNISED = 0.5
"""An operation is taken for the network's if at least this share of its answers agree with it."""

_GUESSES: tuple[UnseenSettings, ...] = (
    {"attention_coefficient": 0.0},
    {"causal": False},
    {"activation": "gelu"},
    {"activation": "quadratic"},
)
"""What weights cannot show, in the order in which it is tried in place of the usual."""

_CONVERGED = 1e-4
"""A network that was trained to generalise has a smaller loss than this, in nats, with its own settings."""


def modular_subject(imported: ImportedNetwork, *, operation: str | None) -> Subject | None:
    """Return somebody else's network with the operation that it computes; None where it is not on pairs of residues.

    Weights do not show everything. Where the usual settings give no operation, others are tried; an attention
    coefficient of 0 also where the loss is not that of a trained network (a pizza keeps its answers with a wrong
    coefficient, but not its loss), and taken if the loss is a tenth or less with it.

    Args:
        imported: the network.
        operation: what it computes [as stored with it, or found by trying].

    Raises:
        ConfigError: ``operation`` is none.
    """
    if imported.p is None:
        return None
    operation = operation or imported.operation
    best, notes = _try(imported, operation), list(imported.notes)
    for settings in _GUESSES:
        ((name, value),) = settings.items()
        unclear = best.found.agreement < RECOGNISED or (name == "attention_coefficient" and best.loss > _CONVERGED)
        if not unclear or name not in imported.open_settings:
            continue
        other = _try(imported.with_settings(**settings), operation)
        if other.loss < best.loss / 10 and other.found.agreement >= max(RECOGNISED, best.found.agreement):
            notes.append(
                f"{name} {value} inferred, which weights do not show: with it the loss is {other.loss:.2g}, with the "
                f"usual {getattr(imported.model.config, name)} it is {best.loss:.2g}; state it to be sure"
            )
            best = other
            break
    found = best.found
    recognised = operation or (found.operation if found.agreement >= RECOGNISED else None)
    if operation is None:
        notes.append(
            f"operation {found.operation} found by trying: {found.agreement:.2%} of the pairs agree, the next best "
            f"candidate has {found.runner_up:.2%}"
            if recognised
            else f"no operation recognised: the best candidate, {found.operation}, agrees on {found.agreement:.2%} of "
            f"the pairs (chance: {1 / imported.p:.2%})"
        )
    return Subject(
        imported.source.name,
        best.imported.model,
        _task(best.imported, recognised or found.operation),
        recognised=recognised is not None,
        notes=tuple(notes),
        imported=replace(best.imported, operation=recognised),
    )


FAMILIES.add("modular", modular_subject)


@dataclass(frozen=True, eq=False)
class _Trial:
    imported: ImportedNetwork
    found: FoundOperation
    loss: float
    """Mean cross-entropy for the best operation, in nats."""


@torch.no_grad()
def _try(imported: ImportedNetwork, operation: str | None) -> _Trial:
    logits = all_pairs_table(imported.model, _task(imported, "add")).logits.double()
    answers = logits.argmax(2)
    if operation is None:
        found = find_operation(answers)
    else:
        table = _task(imported, operation).table
        found = FoundOperation(operation, table, float((answers == table).double().mean()), 0.0)
    return _Trial(imported, found, float(answer_losses(logits, found.table).mean()))


def _task(imported: ImportedNetwork, operation: str) -> ModularTask:
    try:
        every_pair, equals = FiniteData(train_fraction=1), imported.equals_token
        config = ModularConfig(p=imported.p or 0, operation=operation, equals_token=equals, data=every_pair)
    except ValidationError as error:
        raise ConfigError(explain_validation(error)) from error
    return config.build()
