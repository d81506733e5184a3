"""A race from its plan to its standings: tuning, scoring, controls and costs, each kept so that it can be resumed."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from grokscope.config import dump_yaml, load_yaml, read_file
from grokscope.errors import ConfigError, RunError
from grokscope.progress import SILENT, Progress
from grokscope.races.blindness import is_foreign, require_blind
from grokscope.races.cost import StepCost, step_costs
from grokscope.races.entry import Entry
from grokscope.races.plan import LEVELS, Race
from grokscope.races.standings import Scored, ScoredRun, Standings
from grokscope.races.tuning import Tuned, choose
from grokscope.run import Run
from grokscope.run.atomic import write_atomically
from grokscope.sweeps import SweepBackend, SweepFolder, SweepOutcomes, run_sweep
from grokscope.sweeps.folder import RUNS
from grokscope.sweeps.storage import LocalStorage

PLAN, TABLE, RUN_TABLE, COSTS = "race.yaml", "standings.csv", "runs.csv", "costs.json"
"""What is in a race's folder, beside a folder for the tuning, the scored runs and the control of each entry."""
MEASURES = ("margin_mean",)
"""Of the scored networks."""
Announce = Callable[[str], None]
"""Is told, in a sentence, what has been found of an entry."""


def run_race(
    race: Race,
    folder: Path,
    backend: SweepBackend,
    *,
    progress: Progress = SILENT,
    announce: Announce = lambda text: None,
    resume: bool = False,
) -> Standings:
    """Tune every entry, score it on other seeds, run its controls, and return the standings.

    The tables are written as entries are scored. Called again with ``resume``, also with more entries, it goes on.

    Args:
        race: what takes part, and how it is tuned.
        folder: of the race; must not hold anything yet, unless ``resume``.
        backend: where the networks are trained (:func:`grokscope.sweeps.sweep_backend`).
        progress: shows the steps of each part.
        announce: is told what each entry reached.
        resume: go on with the race in ``folder``; start it if there is none.

    Returns:
        After Ctrl-C, the standings of the entries that had been scored.

    Raises:
        RunError: the folder is taken by something else, or by a race with another protocol.
        ConfigError: an entry is refused, as it looks at the test set; every trial of an entry failed.
    """
    storage = LocalStorage(str(folder))
    race = _joined(race, folder, storage, resume=resume)
    storage.require_reachable()
    with storage.locked():
        return _raced(race, folder, backend, progress, announce)


def _raced(race: Race, folder: Path, backend: SweepBackend, progress: Progress, announce: Announce) -> Standings:
    write_atomically(folder / PLAN, dump_yaml(race.model_dump(mode="json")).encode())
    scored: list[Scored] = []
    for entry in race.entries:
        reached = _scored(race, entry, folder, backend, progress)
        if reached is None:  # it was asked to stop
            return _written(Standings(race, tuple(scored), is_complete=False), folder)
        scored.append(reached)
        announce(_in_words(reached))
        _written(Standings(race, tuple(scored), is_complete=False), folder)
    costs = _costs(race, folder, scored, progress)
    final = tuple(replace(each, cost=costs[each.entry.name]) for each in scored)
    return _written(Standings(race, final), folder)


def _joined(race: Race, folder: Path, storage: LocalStorage, *, resume: bool) -> Race:
    """Return the race that is to be run in ``folder``: with the entries that are in it already."""
    if storage.read(PLAN) is None:
        if not storage.is_empty():
            raise RunError(f"{folder} exists and is not an empty folder; use another --out")
        return race
    if not resume:
        raise RunError(f"{folder} already holds a race; use --resume to go on with it, or another --out")
    before = read_race(folder)
    for name in ("n_trials", "tuning_seeds", "seeds"):
        if getattr(before, name) != getattr(race, name):
            raise RunError(
                f"{folder} holds a race with {name} {getattr(before, name)}, not {getattr(race, name)}; give the same, "
                f"or use another --out"
            )
    changed = before.base.differences(race.base)
    if changed:
        text = "; ".join(f"{name} is {new!r}, the race has {old!r}" for name, (old, new) in changed.items())
        raise RunError(f"{folder} holds a race in another division: {text}; use another --out")
    known = {entry.name: entry for entry in before.entries}
    for entry in race.entries:
        if known.setdefault(entry.name, entry) != entry:
            raise RunError(f"{folder} has another entry called {entry.name}; rename one of them")
    return race.model_copy(update={"entries": tuple(known.values())})


def read_race(folder: Path) -> Race:
    """Return the plan of the race in ``folder``.

    Raises:
        RunError: there is none, or its file is damaged.
    """
    path = folder / PLAN
    try:
        return Race.model_validate(load_yaml(read_file(path), source=str(path)))
    except ValueError as error:
        raise RunError(f"{path} is damaged: {' '.join(str(error).split())}") from error


def _scored(race: Race, entry: Entry, folder: Path, backend: SweepBackend, progress: Progress) -> Scored | None:
    """Return what an entry reached, without its cost; None if the work was asked to stop."""
    tuned = _tuned(race, entry, folder, backend, progress)
    if tuned is None:
        return None
    experiment = race.experiment(entry, tuned.settings).override({"seed": race.seeds[0]})
    seen = folder / "blind" / entry.name
    if is_foreign(experiment.optimizer) and not seen.exists():
        require_blind(experiment, progress=progress)
        seen.parent.mkdir(exist_ok=True)
        write_atomically(seen, b"the weights are the same with another test set\n")
    parts: dict[str, tuple[SweepOutcomes, Path]] = {}
    for name, sweep in (
        ("scored", race.scoring(entry, tuned.settings)),
        ("control", race.control(entry, tuned.settings)),
    ):
        place = folder / name / entry.name
        outcomes = run_sweep(
            sweep,
            SweepFolder(place),
            backend,
            progress=progress,
            measures=MEASURES if name == "scored" else (),
            explained=name == "scored",
            resume=True,
            label=f"{entry.name}, {name}",
        )
        if not outcomes.is_complete:
            return None
        parts[name] = outcomes, place / RUNS
    found, runs = parts["scored"]
    failed = [each for each in found.outcomes if each.status == "failed"]
    if failed:
        raise ConfigError(f"{entry.name}: {failed[0].run} failed: {failed[0].error}; mend it and go on with --resume")
    [control] = parts["control"][0].outcomes
    return Scored(
        entry,
        tuned,
        tuple(ScoredRun.of(Run(runs / each.run), each) for each in found.outcomes),
        StepCost(float("nan"), float("nan")),
        float("nan") if control.test_accuracy is None else control.test_accuracy,
    )


def _tuned(race: Race, entry: Entry, folder: Path, backend: SweepBackend, progress: Progress) -> Tuned | None:
    """Return the best settings of an entry; of its trials, the table is kept and not the networks."""
    place = folder / "tuning" / entry.name
    kept = place / "tuned.json"
    if not kept.exists():
        sweep = race.tuning(entry)
        outcomes = run_sweep(
            sweep,
            SweepFolder(place),
            backend,
            progress=progress,
            explained=False,
            resume=True,
            label=f"{entry.name}, tuning",
        )
        if not outcomes.is_complete:
            return None
        write_atomically(kept, json.dumps(asdict(choose(outcomes.outcomes)), indent=1).encode())
    shutil.rmtree(place / RUNS, ignore_errors=True)
    try:
        return Tuned(**json.loads(read_file(kept)))
    except (ValueError, TypeError) as error:
        raise RunError(f"{kept} is damaged: {error}; delete it, and the entry is tuned again") from error


def _costs(race: Race, folder: Path, scored: list[Scored], progress: Progress) -> dict[str, StepCost]:
    """Return the cost of a step of each entry; all are measured together, or not again."""
    path = folder / COSTS
    if path.exists():
        try:
            known = {name: StepCost(**cost) for name, cost in json.loads(read_file(path)).items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise RunError(f"{path} is damaged: {error}; delete it, and steps are timed again") from error
        if {each.entry.name for each in scored} <= known.keys():
            return known
    experiments = {each.entry.name: race.experiment(each.entry, each.tuned.settings) for each in scored}
    costs = step_costs(experiments, progress=progress)
    write_atomically(path, json.dumps({name: asdict(cost) for name, cost in costs.items()}, indent=1).encode())
    return costs


def _written(standings: Standings, folder: Path) -> Standings:
    if standings.scored:
        write_atomically(folder / TABLE, standings.table.to_csv(index=False).encode())
        write_atomically(folder / RUN_TABLE, standings.runs.to_csv(index=False).encode())
    return standings


def _in_words(scored: Scored) -> str:
    middle, n = scored.median(LEVELS[0], kept=True), len(scored.runs)
    kept = scored.count(LEVELS[0], kept=True)
    when = f"at step {middle.estimate:,.0f} in the median" if middle.estimate < float("inf") else "by fewer than half"
    return f"{scored.entry.name}: {100 * LEVELS[0]:g} % of the test set for good by {kept} of {n} runs, {when}"
