"""Everything that a report says, computed before anything is rendered."""

from collections.abc import Mapping
from dataclasses import dataclass

from grokscope.analysis import find_phases, read_circuit
from grokscope.report import wording
from grokscope.report.findings import findings
from grokscope.report.making import Facts, how_it_was_made, interruption
from grokscope.report.outcome import outcome
from grokscope.report.pictures import Picture, pictures
from grokscope.report.published import Comparison, compare
from grokscope.report.setting import what_was_trained
from grokscope.runs import Run
from grokscope.tasks import EndlessData


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
    phases = find_phases(metrics, task.p)
    if step is None and not steps:
        circuit, found = None, ("No checkpoint was written, so there is no network to look at.",)
    else:
        circuit = read_circuit(run.model(step), task)
        shown = steps[-1] if step is None else step
        found = (f"The network is that of {wording.step(shown)}.", *findings(circuit, experiment.task.operation))
    told = outcome(metrics, phases, task.p, endless=isinstance(experiment.task.data, EndlessData))
    return Content(
        title=experiment.name,
        description=experiment.description,
        headline=told.headline,
        warning=interruption(run),
        setting=what_was_trained(experiment, task),
        outcome=told.sentences,
        findings=found,
        comparisons=compare(published or {}, metrics, phases, circuit),
        pictures=pictures(metrics, phases, circuit, task.p),
        making=how_it_was_made(run),
        yaml=experiment.to_yaml(),
    )
