"""``grokscope race``: optimisers and tricks to grokking, by one protocol."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grokscope.cli.output import say

if TYPE_CHECKING:
    from rich.console import Console

    from grokscope.races import Entry, Race, Standings
    from grokscope.sweeps import SweepBackend

Option = typer.Option


def race(
    entries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ENTRY…]",
            help="Names (--list), a YAML file of entries, or an optimiser's path: package:Class, file.py:Class [all].",
        ),
    ] = None,
    division: Annotated[
        Literal["transformer", "mlp", "small"], Option("--division", "-d", help="The network and the data.")
    ] = "transformer",
    trials: Annotated[int | None, Option(metavar="INT", min=1, help="Random trials of each entry [16].")] = None,
    seeds: Annotated[str | None, Option(metavar="SEEDS", help="Seeds that are scored [100:116].")] = None,
    tuning_seeds: Annotated[str | None, Option(metavar="SEEDS", help="Seeds of the trials [1000:1002].")] = None,
    steps: Annotated[int | None, Option(metavar="INT", min=10, help="Steps of every run [600; small: 1,500].")] = None,
    engine: Annotated[str | None, Option(help="serial, processes or ray [processes; with a GPU serial].")] = None,
    workers: Annotated[int | None, Option(metavar="INT", min=1, help="Runs at a time [one per CPU core].")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], Option(help="Device for each worker.")] = "auto",
    out: Annotated[
        Path | None, Option("--out", "-o", metavar="FOLDER", help="Its folder [runs/race-DIVISION].")
    ] = None,
    resume: Annotated[
        bool, Option("--resume", help="Go on with the race in the folder, also with more entries.")
    ] = False,
    list_: Annotated[bool, Option("--list", help="List the entries, and do nothing.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Show the plan, and train nothing.")] = False,
) -> int | None:
    """Race optimisers and tricks to grokking: which needs the fewest steps, and what its networks have learned.

    One protocol for all: the same network, initial weights and data; the same number of random trials, on seeds that
    are not scored; then the best settings on 16 other seeds. Counted are the steps to 95 % and 99 % test accuracy, at
    first and for good, with intervals; runs that never get there count as censored.

    Controls: every entry is run on random labels too, and one whose code is not grokscope's is trained a second time
    with other labels on the test set: if it learns other weights, it looks at the test set, and is refused.

    After Ctrl-C or a crash, --resume continues. standings.csv has a row per entry, runs.csv one per scored run, and
    race.html all of it. Some entries need a package: pip install 'grokscope[race]'.

    Examples:

    \b
      grokscope race --list
      grokscope race adamw muon --division small
      grokscope race adamw torch.optim:RAdam mine.py:MyOptimizer --division small -o runs/mine
      grokscope race --dry-run
      grokscope race --trials 8 --workers 2
      grokscope race my-entries.yaml --resume

    A file of entries:

    \b
      entries:
        - name: adamw-gelu
          settings: {model.activation: gelu}
          search:
            optimizer.lr: {kind: log-uniform, low: 1e-3, high: 5e-2}
            optimizer.weight_decay: {kind: log-uniform, low: 0.3, high: 10}
    """
    from rich.console import Console

    console = Console()
    if list_:
        _print_entries(console)
        return None

    from grokscope.progress import displayed
    from grokscope.races import run_race
    from grokscope.sweeps import sweep_backend
    from grokscope.sweeps.files import seeds_in
    from grokscope.workflows.race import default_folder, plan_race

    planned, missing = plan_race(
        entries or [],
        division=division,
        steps=steps,
        n_trials=trials,
        tuning_seeds=None if tuning_seeds is None else seeds_in(tuning_seeds),
        seeds=None if seeds is None else seeds_in(seeds),
    )
    if missing:
        names = ", ".join(entry.name for entry in missing)
        typer.echo(f"Left out, as {missing[0].package} is not installed: {names}", err=True)
    backend = sweep_backend(engine, workers=workers, device=device)
    folder = out or default_folder(division)
    _print_plan(console, planned, folder, backend)
    if dry_run:
        return None
    again = shlex.join(["grokscope", *sys.argv[1:], *([] if resume else ["--resume"])])
    try:
        with displayed() as progress:
            found = run_race(
                planned,
                folder,
                backend,
                progress=progress,
                announce=lambda text: typer.echo(text, err=True),
                resume=resume,
            )
    except KeyboardInterrupt:
        say(f"Stopped; everything is kept in {folder}. Resume it with:\n  {again}")
        return 130
    if found.scored:
        _print_standings(console, found, folder)
    if not found.is_complete:
        say(f"Stopped; everything is kept in {folder}. Resume it with:\n  {again}")
        return 130
    return None


def _print_standings(console: "Console", found: "Standings", folder: Path) -> None:
    from grokscope.cli.render.tables import print_whole
    from grokscope.races.run import TABLE
    from grokscope.reports.race.page import PAGE, write_race_page
    from grokscope.reports.race.tables import MEANING, learned_table, standings_table

    console.print()
    for table in (standings_table(found), learned_table(found)):
        print_whole(console, table.columns, table.rows)
        console.print()
    console.print(MEANING, highlight=False, markup=False)
    write_race_page(found, folder / PAGE)
    say(f"Page: {folder / PAGE}\nTable: {folder / TABLE}")


def _print_entries(console: "Console") -> None:
    from grokscope.cli.render.tables import name_table
    from grokscope.races import ENTRIES
    from grokscope.races.naming import is_installed

    table = name_table()
    for entry in ENTRIES.values():
        needs = "" if is_installed(entry) else f"; needs {entry.package}"
        only = "" if len(entry.networks) > 1 else f"; for a {' or '.join(entry.networks)}"
        table.add_row(entry.name, f"{entry.in_words}{only}{needs}")
    console.print(table, highlight=False)


def _print_plan(console: "Console", race: "Race", folder: Path, backend: "SweepBackend") -> None:
    from grokscope.cli.render.tables import name_table

    table = name_table()
    table.add_row("division", f"{race.base.name}: {race.base.task.summary}, {race.base.stop.steps:,} steps")
    table.add_row("entries", ", ".join(map(_named, race.entries)))
    table.add_row("tuned", f"{race.n_trials} random trials of each, on seeds {_seeds(race.tuning_seeds)}")
    table.add_row("scored", f"on seeds {_seeds(race.seeds)}; one run of each on random labels")
    table.add_row("runs", f"{race.n_runs:,}, {backend.summary}")
    table.add_row("folder", str(folder))
    console.print(table, highlight=False)


def _named(entry: "Entry") -> str:
    return f"{entry.name}*" if entry.changes_network else entry.name


def _seeds(seeds: Sequence[int]) -> str:
    in_a_row = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]} to {seeds[-1]}" if in_a_row else ", ".join(map(str, seeds))
