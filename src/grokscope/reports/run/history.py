"""How the circuit and the claims came over training, in words, and which command adds what is missing."""

from dataclasses import dataclass

import pandas as pd

from grokscope import formatting
from grokscope.analysis import Phases
from grokscope.analysis.measure_table import read_measures
from grokscope.explanation import Explanation
from grokscope.explanation.timeline import holds_from
from grokscope.figures.axes import phase_bands
from grokscope.figures.source import every_suggested
from grokscope.reports.run.family import needed_measures, phases_of_measures
from grokscope.run import Run
from grokscope.run.tables import read_claims


@dataclass(frozen=True, eq=False)
class History:
    """What other commands found at a run's checkpoints."""

    measures: pd.DataFrame | None
    """Of ``grokscope measure``, tidy."""
    claims: pd.DataFrame | None
    """Of ``grokscope explain --every``."""
    phases: Phases | None
    """By the measures, of modular arithmetic."""


def read_history(run: Run) -> History:
    """Return the tables in a run's folder.

    Raises:
        RunError: one is damaged.
    """
    measures = read_measures(run.folder.measures, needed_measures(run.task))
    phases = None if measures is None else phases_of_measures(run.task, measures)
    return History(measures, read_claims(run.folder.claims), phases)


def phases_in_words(phases: Phases, first_step: int, source: str) -> str:
    """Return the complete phases as a sentence; empty where there is none."""
    bands = phase_bands(phases, first_step)
    parts = [f"{name} from {formatting.step(begin)} to {end:,}" for name, (begin, end) in bands.items()]
    return f"Phases, read off {source}: {formatting.listed(parts)}." if parts else ""


def phases_by_measures(history: History) -> tuple[str, ...]:
    """Return the phases that the progress measures show, or that they show none; nothing without measures."""
    if history.measures is None or history.phases is None:
        return ()
    steps = history.measures["step"].drop_duplicates()
    n = len(steps)
    source = f"the progress measures at {n:,} checkpoint{'s' if n != 1 else ''}"
    told = phases_in_words(history.phases, int(steps.iloc[0]), source)
    none = f"No phases can be read off {source}: the excluded loss did not rise as it does while a circuit forms."
    return (told or none,)


def verdicts_over_training(history: History) -> tuple[str, ...]:
    """Return the verdicts over training, and from when on each claim holds; nothing where that was not tested."""
    claims = history.claims
    if claims is None:
        return ()
    by_step = claims.drop_duplicates("step")
    changed = by_step[by_step["verdict"] != by_step["verdict"].shift()]
    verdicts = formatting.listed(
        f"{verdict} from {formatting.step(step)}"
        for verdict, step in zip(changed["verdict"], changed["step"].tolist(), strict=True)
    )
    tested = f"Tested at {len(by_step):,} step{'s' if len(by_step) != 1 else ''} of training"
    return (f"{tested}, the network is {verdicts} on.{_holding(claims)}",)


def _holding(claims: pd.DataFrame) -> str:
    last = claims.loc[claims["step"] == claims["step"].iloc[-1], "claim"]
    since = {name: holds_from(claims, name) for name in last}
    if all(step is None for step in since.values()):
        return " No claim holds at the end."
    parts = []
    for first in sorted({step for step in since.values() if step is not None}):
        names = formatting.listed(f"“{name}”" for name, step in since.items() if step == first)
        parts.append(f"{names} from {formatting.step(first)}")
    never = [f"“{name}”" for name, step in since.items() if step is None]
    return f" True for good: {'; '.join(parts)}.{f' Not at the end: {formatting.listed(never)}.' if never else ''}"


def what_is_missing(run: Run, explanation: Explanation, history: History) -> tuple[str, ...]:
    """Return which commands add what the page could say of the run's history; nothing where they add nothing."""
    steps = run.checkpoints
    if len(steps) < 2 or not explanation.has_circuit:
        return ()
    commands = []
    if history.measures is None:
        command = f"grokscope measure RUN{explanation.measure_options}"
        commands.append(f"{explanation.measures_noun} over training are added by “{command}”")
    if history.claims is None:
        commands.append(f"when each claim became true by “grokscope explain RUN --every {every_suggested(run)}”")
    return (f"Not in this page: {', and '.join(commands)}; then make the report again.",) if commands else ()
