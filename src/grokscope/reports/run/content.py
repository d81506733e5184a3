"""Everything that a report says, computed before anything is rendered."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from grokscope import formatting
from grokscope.analysis import find_phases
from grokscope.errors import NotApplicableError
from grokscope.explanation import Explanation, explain, subject_of_run
from grokscope.figures.catalogue import Picture, pictures
from grokscope.figures.source import NO_PHASES, RunSource
from grokscope.models import MLP, Transformer
from grokscope.progress import SILENT, Progress
from grokscope.reports.provenance import Facts, how_it_was_made, interruption
from grokscope.reports.replay.collect import collect_frames
from grokscope.reports.replay.player import Player, make_player
from grokscope.reports.run.evidence import Evidence, FoundTable, evidence
from grokscope.reports.run.family import describe_network, why_not_explained, with_network
from grokscope.reports.run.history import (
    History,
    phases_by_measures,
    read_history,
    verdicts_over_training,
    what_is_missing,
)
from grokscope.reports.run.outcome import Data, outcome
from grokscope.reports.run.phase_changes import changes_in_words
from grokscope.reports.run.training_setup import what_was_trained
from grokscope.reproduction.measurement import Comparison, Measured
from grokscope.reproduction.network import compare
from grokscope.run import Run
from grokscope.tasks import Task


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
    """What the network looks like, and the caveats."""
    tables: tuple[FoundTable, ...]
    """What was found of each head, digit or token; empty for modular arithmetic."""
    comparisons: tuple[Comparison, ...]
    """Published and measured numbers; empty where none were given."""
    player: Player | None
    """The pictures over training that one slider moves; None where there are none."""
    of_training: tuple[Picture, ...]
    """The figures of how training went."""
    of_network: tuple[Picture, ...]
    """The figures of what it looks like."""
    making: Facts
    """Status, time, command, versions, machine, hashes."""
    yaml: str
    """The experiment with every setting."""

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All that do not move, in the order of the page."""
        return self.of_training + self.of_network


def read_content(
    run: Run,
    step: int | None = None,
    published: Mapping[str, object] | None = None,
    *,
    progress: Progress = SILENT,
) -> Content:
    """Return what there is to say of ``run``.

    Args:
        run: finished or not.
        step: the checkpoint whose network is analysed; the last if None.
        published: numbers to compare with, see :func:`grokscope.reproduction.network.compare`.
        progress: shows how many checkpoints are read.

    Raises:
        RunError: there is no checkpoint at ``step``, or a file of the run is damaged.
        ConfigError: ``published`` has an unknown name.
    """
    experiment, task, metrics, steps = run.experiment, run.task, run.metrics, run.checkpoints
    infinite = task.train is None
    phases, history = find_phases(metrics, task.chance_loss), read_history(run)
    shown = step if step is not None or not steps else steps[-1]
    looked = _Looked(("No checkpoint was written, so there is no network to look at.",))
    if shown is not None:
        looked = _look(RunSource(run, shown), shown, history)
    does_task = looked.explanation is not None and looked.explanation.does_task
    measured = Measured(metrics, phases, task=task)
    if looked.source is not None:
        measured = with_network(task, measured, looked.source, looked.explanation)
    went = outcome(metrics, phases, Data(task.chance_loss, infinite, does_task))
    banded = NO_PHASES if infinite else phases
    replay = None
    if shown is not None and not metrics.empty:
        with contextlib.suppress(NotApplicableError):
            replay = collect_frames(run, shown, progress=progress)
    return Content(
        title=experiment.name,
        description=experiment.description,
        headline=went.headline,
        warning=interruption(run),
        setting=what_was_trained(experiment, task),
        outcome=(*went.sentences, *changes_in_words(metrics, task), *phases_by_measures(history)),
        evidence=looked.evidence,
        findings=looked.found,
        tables=() if looked.evidence is None else looked.evidence.tables,
        comparisons=compare(published or {}, measured),
        player=None if replay is None else make_player(replay, metrics, history.measures, banded),
        of_training=pictures(RunSource(run), "training"),
        of_network=looked.pictures,
        making=how_it_was_made(run),
        yaml=experiment.to_yaml(),
    )


@dataclass(frozen=True, eq=False)
class _Looked:
    """What was seen in a network."""

    found: tuple[str, ...]
    evidence: Evidence | None = None
    explanation: Explanation | None = None
    source: RunSource | None = None
    pictures: tuple[Picture, ...] = ()


def _look(source: RunSource, step: int, history: History) -> _Looked:
    run, task = source.run, source.task
    explanation, told = _explained(run, source.model, step, history)
    source.explanation = explanation
    drawn = pictures(source, "network")
    of = f"The network is that of {formatting.step(step)}."
    said = describe_network(task, source, explained=explanation is not None, has_tables=bool(told.tables))
    return _Looked((of, *said), told, explanation, source, drawn)


def _explained(run: Run, model: Transformer | MLP, step: int, history: History) -> tuple[Explanation | None, Evidence]:
    """Return the explanation of the network and the words for it; words that say why where there is none."""
    tested = verdicts_over_training(history)
    why = _why_not(run.task, model)
    if why is not None:
        return None, Evidence(why, history=tested)
    explanation = explain(subject_of_run(run, step))
    more = (*tested, *what_is_missing(run, explanation, history))
    return explanation, replace(evidence(explanation), history=more)


def _why_not(task: Task, model: Transformer | MLP) -> str | None:
    """Return why a page does not explain a network; None where it does."""
    if not all(bool(torch.isfinite(weights).all()) for weights in model.parameters()):
        return "Some of its weights are not finite numbers, so it computes nothing."
    return why_not_explained(task, model)
