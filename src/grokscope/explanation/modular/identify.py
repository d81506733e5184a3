"""Which operation somebody else's network computes, and with which settings that its weights do not show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import ValidationError

from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.modular.operation import FoundOperation, find_operation
from grokscope.errors import CheckpointError, ConfigError
from grokscope.explanation.subject import ModularSubject
from grokscope.interop import ImportedNetwork, load_network
from grokscope.run.experiment import explain_validation
from grokscope.tasks import FiniteData, ModularConfig, ModularTask
from grokscope.tasks.modular.task import modular_task

Stated = Mapping[str, Any]
"""Settings of a file's network by name, as :class:`grokscope.models.TransformerConfig` has them."""

RECOGNISED = 0.5
"""An operation is taken for the network's if at least this share of its answers agree with it."""

_UNSEEN: tuple[dict[str, Any], ...] = (
    {"attention_coefficient": 0.0},
    {"causal": False},
    {"activation": "gelu"},
    {"activation": "quadratic"},
)
"""What weights cannot show, in the order in which it is tried in place of the usual."""

_CONVERGED = 1e-4
"""A network that was trained to generalise has a smaller loss than this, in nats, with its own settings."""


def modular_subject(
    imported: ImportedNetwork, *, operation: str | None = None, stated: Stated | None = None
) -> ModularSubject:
    """Return somebody else's network with the operation that it computes.

    Weights do not show everything. Where the usual settings give no operation, others are tried; an attention
    coefficient of 0 also where the loss is not that of a trained network (a pizza keeps its answers with a wrong
    coefficient, but not its loss), and taken if the loss is a tenth or less with it.

    Args:
        imported: the network.
        operation: what it computes [as stored with it, or found by trying].
        stated: settings that :func:`grokscope.interop.load_network` was given.

    Raises:
        CheckpointError: it is no network on pairs of residues.
    """
    operation = operation or imported.operation
    best, notes = _try(imported, operation), list(imported.notes)
    for settings in () if imported.layout == "grokscope" else _UNSEEN:
        ((name, value),) = settings.items()
        unclear = best.found.agreement < RECOGNISED or (name == "attention_coefficient" and best.loss > _CONVERGED)
        if not unclear or name in (stated or {}) or name not in type(imported.model.config).model_fields:
            continue
        other = _try(load_network(imported.source, p=imported.p, **{**(stated or {}), **settings}), operation)
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
            f"the pairs (chance: {1 / (imported.p or 1):.2%})"
        )
    task = _task(best.imported, recognised or found.operation)
    return ModularSubject(
        imported.source.name, best.imported.model, task, recognised, notes=tuple(notes), imported=best.imported
    )


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
    right = logits.gather(2, found.table.unsqueeze(2)).squeeze(2)
    return _Trial(imported, found, float((logits.logsumexp(2) - right).mean()))


def _task(imported: ImportedNetwork, operation: str) -> ModularTask:
    if imported.p is None:
        raise CheckpointError(
            f"{imported.source} is a network on {imported.model.n_ctx} tokens of {imported.model.d_vocab}, not on "
            f"pairs of residues (two tokens of p, or three with '=')"
        )
    try:
        config = ModularConfig(
            p=imported.p, operation=operation, equals_token=imported.equals_token, data=FiniteData(train_fraction=1)
        )
    except ValidationError as error:
        raise ConfigError(explain_validation(error)) from error
    return modular_task(config)
