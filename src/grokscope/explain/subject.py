"""What is to be explained: a run at a step, or a network that somebody else trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool
from pydantic import ValidationError
from torch import Tensor

from grokscope.analysis.measures import train_mask
from grokscope.analysis.operation import FoundOperation, find_operation
from grokscope.analysis.whole_table import whole_table
from grokscope.errors import CheckpointError, ConfigError, RunError
from grokscope.interop import Imported, import_network
from grokscope.models import MLP, Transformer
from grokscope.runs import Run
from grokscope.runs.experiment import explain_validation
from grokscope.tasks import FiniteData, ModularConfig, ModularTask
from grokscope.tasks.modular import modular_task

Stated = Mapping[str, Any]
"""Settings of a file's network by name, as :class:`grokscope.models.TransformerConfig` has them."""

RECOGNISED = 0.5
"""An operation is taken for the network's if at least this share of its answers agree with it."""

MEMORISED = 0.1
"""A checkpoint that knows its training set has memorised, and no more, below this share of the test pairs: with more,
the circuit may be in it already."""

_UNSEEN: tuple[dict[str, Any], ...] = (
    {"attention_coefficient": 0.0},
    {"causal": False},
    {"activation": "gelu"},
    {"activation": "quadratic"},
)
"""What weights cannot show, in the order in which it is tried in place of the usual."""

_CONVERGED = 1e-4
"""A network that was trained to generalise has a smaller loss than this, in nats, with its own settings."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A network with the task that it is said to do."""

    name: str
    model: Transformer | MLP
    task: ModularTask
    operation: str | None
    """As ``task.operation`` takes it; None where no candidate was recognised, and ``task`` has the nearest one."""
    step: int | None = None
    train: Bool[Tensor, "p p"] | None = None
    """The pairs that it was trained on; None where that is not known."""
    memorised: Transformer | MLP | None = None
    """A network that has memorised the same training set and not generalised, as a control."""
    notes: tuple[str, ...] = ()
    """What was inferred, for people."""
    imported: Imported | None = None
    """Where it came from, if it is somebody else's."""


def open_subject(
    path: Path,
    *,
    step: int | None = None,
    p: int | None = None,
    operation: str | None = None,
    stated: Stated | None = None,
) -> Subject:
    """Return the network in ``path``: a run's folder, or a file with weights.

    Args:
        path: the folder or file.
        step: which checkpoint of a run [the last].
        p: the modulus of a file's network, where shapes do not say it.
        operation: what a file's network computes [found by trying].
        stated: what weights in a file do not show: attention_coefficient, activation, residual_scale, causal.

    Raises:
        GrokscopeError: there is nothing to read there, or it is no network on pairs of residues.
    """
    if path.is_dir():
        for name, value in {"p": p, "operation": operation, **(stated or {})}.items():
            if value is not None:
                raise ConfigError(f"{name} is recorded in the run {path}; it can be stated for a file only")
        return subject_of_run(Run(path), step)
    if step is not None:
        raise ConfigError(f"{path} is a file with one network, which has no step {step}; leave the step out")
    imported = import_network(path, p=p, **(stated or {}))
    return subject_of_import(imported, operation=operation, stated=stated)


def subject_of_run(run: Run, step: int | None = None) -> Subject:
    """Return a run's network after ``step`` updates (the last checkpoint if None).

    Raises:
        RunError: there is no such checkpoint, or its weights are not finite.
    """
    model, task = run.model(step), run.task
    at = run.steps[-1] if step is None else step
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            bad = int((~torch.isfinite(weight)).sum())
            raise RunError(
                f"{bad} of the weights of {name} in {run.path} at step {at} are not finite; take an earlier --step"
            )
    memorised = _memorising_step(run)
    return Subject(
        name=f"{run.path}, step {at:,}",
        model=model,
        task=task,
        operation=run.experiment.task.operation,
        step=at,
        train=train_mask(task),
        memorised=run.model(memorised) if memorised is not None and memorised != at else None,
    )


def _memorising_step(run: Run) -> int | None:
    """Return the checkpoint at which the run knew its training set and least of the rest; None if there is none."""
    kept = set(run.steps)
    rows = run.metrics[["test_accuracy", "train_accuracy", "step"]].dropna().to_numpy().tolist()
    known = [(test, int(step)) for test, train, step in rows if train >= 0.99 and test < MEMORISED and step in kept]
    return min(known)[1] if known else None


def subject_of_import(imported: Imported, *, operation: str | None = None, stated: Stated | None = None) -> Subject:
    """Return somebody else's network with the operation that it computes.

    Weights do not show everything. Where the usual settings give no operation, others are tried; an attention
    coefficient of 0 also where the loss is not that of a trained network (a pizza keeps its answers with a wrong
    coefficient, but not its loss), and taken if the loss is a tenth or less with it.

    Args:
        imported: the network.
        operation: what it computes [as stored with it, or found by trying].
        stated: settings that :func:`grokscope.interop.import_network` was given.

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
        other = _try(import_network(imported.source, p=imported.p, **{**(stated or {}), **settings}), operation)
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
    return Subject(
        imported.source.name, best.imported.model, task, recognised, notes=tuple(notes), imported=best.imported
    )


@dataclass(frozen=True, eq=False)
class _Trial:
    imported: Imported
    found: FoundOperation
    loss: float
    """Mean cross-entropy for the best operation, in nats."""


@torch.no_grad()
def _try(imported: Imported, operation: str | None) -> _Trial:
    logits = whole_table(imported.model, _task(imported, "add")).logits.double()
    answers = logits.argmax(2)
    if operation is None:
        found = find_operation(answers)
    else:
        table = _task(imported, operation).table
        found = FoundOperation(operation, table, float((answers == table).double().mean()), 0.0)
    right = logits.gather(2, found.table.unsqueeze(2)).squeeze(2)
    return _Trial(imported, found, float((logits.logsumexp(2) - right).mean()))


def _task(imported: Imported, operation: str) -> ModularTask:
    if imported.p is None:
        raise CheckpointError(
            f"{imported.source} is a network on {imported.model.n_ctx} tokens of {imported.model.d_vocab}, not on "
            f"pairs of residues (two tokens of p, or three with '='); only modular arithmetic can be explained so far"
        )
    try:
        config = ModularConfig(
            p=imported.p, operation=operation, equals_token=imported.equals_token, data=FiniteData(train_fraction=1)
        )
    except ValidationError as error:
        raise ConfigError(explain_validation(error)) from error
    return modular_task(config)
