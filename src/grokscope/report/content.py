"""Everything that a report says, computed before anything is rendered."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from grokscope.analysis import find_phases, read_circuit
from grokscope.explain import Explanation, explain, subject_of_run
from grokscope.explain.explaining import LARGEST
from grokscope.models import MLP, Transformer
from grokscope.report import wording
from grokscope.report.evidence import Evidence, evidence
from grokscope.report.findings import findings
from grokscope.report.history import (
    History,
    phases_by_measures,
    read_history,
    verdicts_over_training,
    what_is_missing,
)
from grokscope.report.making import Facts, how_it_was_made, interruption
from grokscope.report.outcome import outcome
from grokscope.report.pictures import Picture, pictures
from grokscope.report.published import Comparison, Measured, compare
from grokscope.report.setting import what_was_trained
from grokscope.runs import Run
from grokscope.tasks import EndlessData

MAX_EXPLAINED = 256
"""Modulus up to which a page explains: time and memory grow with its cube, from 6 s at 113 to minutes beyond."""


@dataclass(frozen=True, eq=False)
class Content:
    """What a page says, in its order; texts are plain, not HTML."""

    title: str
    description: str
    headline: str
    """How training went, in a few words."""
    warning: str | None
    """What must be known first, of a run that did not finish."""
    setting: str
    """What was trained."""
    outcome: tuple[str, ...]
    """How training went."""
    evidence: Evidence | None
    """What the network computes, and how sure that is; None without a network."""
    findings: tuple[str, ...]
    """What the network's Fourier picture shows, and its caveats."""
    comparisons: tuple[Comparison, ...]
    """Published and measured numbers; empty where none were given."""
    pictures: tuple[Picture, ...]
    making: Facts
    """Status, time, command, versions, machine."""
    yaml: str
    """The experiment with every setting."""


def read_content(run: Run, step: int | None = None, published: Mapping[str, object] | None = None) -> Content:
    """Return what there is to say of ``run``.

    Args:
        run: finished or not.
        step: the checkpoint whose network is analysed; the last if None.
        published: numbers to compare with, see :func:`grokscope.report.published.compare`.

    Raises:
        RunError: there is no checkpoint at ``step``, or a file of the run is damaged.
        ConfigError: ``published`` has an unknown name.
    """
    experiment, task, metrics, steps = run.experiment, run.task, run.metrics, run.steps
    phases, history = find_phases(metrics, task.p), read_history(run)
    if step is None and not steps:
        circuit = explanation = told = None
        found = ("No checkpoint was written, so there is no network to look at.",)
    else:
        model = run.model(step)
        circuit = read_circuit(model, task)
        shown = steps[-1] if step is None else step
        explanation, told = _explained(run, model, shown, history)
        pictured = findings(circuit, experiment.task.operation, tested=explanation is not None)
        found = (f"The network is that of {wording.step(shown)}.", *pictured)
    went = outcome(metrics, phases, task.p, endless=isinstance(experiment.task.data, EndlessData))
    return Content(
        title=experiment.name,
        description=experiment.description,
        headline=went.headline,
        warning=interruption(run),
        setting=what_was_trained(experiment, task),
        outcome=(*went.sentences, *phases_by_measures(history)),
        evidence=told,
        findings=found,
        comparisons=compare(published or {}, Measured(metrics, phases, circuit, explanation)),
        pictures=pictures(metrics, phases, circuit, task.p, history),
        making=how_it_was_made(run),
        yaml=experiment.to_yaml(),
    )


def _explained(
    run: Run, model: Transformer | MLP, step: int, history: History
) -> tuple[Explanation | None, Evidence | None]:
    """Return the explanation of the network and the words for it; words that say why where there is none."""
    tested = verdicts_over_training(history)
    if not all(bool(torch.isfinite(weights).all()) for weights in model.parameters()):
        return None, Evidence("Some of its weights are not finite numbers, so it computes nothing.", history=tested)
    p = run.task.p
    if p > MAX_EXPLAINED:
        why = f"Modulo {p} the tests take minutes and gigabytes, so this page leaves them out."
        why += " “grokscope explain RUN” makes them." if p <= LARGEST else ""
        return None, Evidence(why, history=tested)
    explanation = explain(subject_of_run(run, step))
    more = (*tested, *what_is_missing(run, explanation, history))
    return explanation, replace(evidence(explanation), history=more)
