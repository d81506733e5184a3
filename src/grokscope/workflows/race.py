"""``gs.race``: optimisers and tricks by one protocol, from names to standings."""

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grokscope.errors import ConfigError
from grokscope.progress import SILENT, Progress
from grokscope.races import Entry, Race, Standings, run_race
from grokscope.races.naming import division_called, entries_called, is_installed, standard_entries
from grokscope.races.run import Announce
from grokscope.run.experiment import explain_validation
from grokscope.sweeps import SweepBackend, sweep_backend


def plan_race(
    entries: Sequence[str | Entry] = (),
    *,
    division: str = "transformer",
    steps: int | None = None,
    n_trials: int | None = None,
    tuning_seeds: Iterable[int] | None = None,
    seeds: Iterable[int] | None = None,
) -> tuple[Race, list[Entry]]:
    """Return a race, and the standard entries that are left out of it as their package is not installed.

    Args:
        entries: names, YAML files, paths of optimisers, or entries; all standard ones of the division if empty.
        division: ``transformer``, ``mlp`` or ``small``.
        steps: of every run; as the division has it if None.
        n_trials: of each entry; 16 if None.
        tuning_seeds: on which trials are run; 1000 and 1001 if None.
        seeds: that are scored; 100 to 115 if None.

    Raises:
        ConfigError: a name or a value is not possible.
    """
    chosen = division_called(division)
    base = chosen.experiment
    if steps is not None:
        every = max(1, min(base.evaluate_every, steps // 20))
        base = base.override(
            {
                "stop.steps": steps,
                "checkpoint_every": steps,
                "evaluate_every": every,
                "schedule.decay_from": 2 * steps // 3,
                "schedule.decay_to": steps,
            }
        )
    missing: list[Entry] = []
    if entries:
        named = [each for each in entries if isinstance(each, str)]
        found = [*entries_called(named), *(each for each in entries if isinstance(each, Entry))]
    else:
        standard = standard_entries(base.model.kind)
        missing = [entry for entry in standard if not is_installed(entry)]
        found = [entry for entry in standard if entry not in missing]
    given: dict[str, Any] = {
        "n_trials": n_trials,
        "tuning_seeds": None if tuning_seeds is None else tuple(tuning_seeds),
        "seeds": None if seeds is None else tuple(seeds),
    }
    try:
        race = Race(
            base=base, entries=tuple(found), **{key: value for key, value in given.items() if value is not None}
        )
    except ValidationError as error:
        raise ConfigError(explain_validation(error)) from error
    return race, missing


def race(
    entries: Sequence[str | Entry] = (),
    *,
    division: str = "transformer",
    steps: int | None = None,
    n_trials: int | None = None,
    tuning_seeds: Iterable[int] | None = None,
    seeds: Iterable[int] | None = None,
    out: str | PathLike[str] | None = None,
    resume: bool = False,
    backend: SweepBackend | None = None,
    progress: Progress = SILENT,
    announce: Announce = lambda text: None,
) -> Standings:
    """Race optimisers and tricks to grokking: each tuned alike, then scored on other seeds, with controls.

    In a script this belongs below ``if __name__ == "__main__":``, as worker processes import the script.

    Args:
        entries: see :func:`plan_race`, as are the next five.
        division: the network and the data.
        steps: of every run.
        n_trials: of each entry.
        tuning_seeds: on which trials are run.
        seeds: that are scored.
        out: the race's folder; ``runs/race-DIVISION`` if None.
        resume: go on with the race in the folder, also with more entries.
        backend: where to train; processes, or a GPU, if None.
        progress: shows how far each part is.
        announce: is told what each entry reached.

    Raises:
        ConfigError: a name or a value is not possible, or an entry is refused.
        RunError: the folder is taken, or cannot be written.

    Example:
        >>> standings = gs.race(["adamw", "torch.optim:RAdam"], division="small", out="runs/mine")
        >>> standings.table[["entry", "kept_95", "kept_95_low", "kept_95_high"]]
    """
    planned, _ = plan_race(
        entries, division=division, steps=steps, n_trials=n_trials, tuning_seeds=tuning_seeds, seeds=seeds
    )
    folder = Path(out) if out is not None else default_folder(division)
    return run_race(planned, folder, backend or sweep_backend(), progress=progress, announce=announce, resume=resume)


def default_folder(division: str) -> Path:
    """Return the folder of a race that is given none."""
    return Path("runs") / f"race-{division}"
