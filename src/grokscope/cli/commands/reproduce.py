"""``grokscope reproduce``: published numbers and ours."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grokscope.cli.output import say

if TYPE_CHECKING:
    from rich.console import Console

    from grokscope.reproduction.plan import Plan
    from grokscope.reproduction.results import Reproduction
    from grokscope.sweeps import SweepBackend

Option = typer.Option


def reproduce(
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ITEM…]",
            help="Published numbers (mainline/key_frequencies), experiments (mainline), patterns ('fraction-*') [all].",
        ),
    ] = None,
    seeds: Annotated[
        int | None, Option(metavar="INT", min=1, help="Seeds of each experiment [5; with --quick 1].")
    ] = None,
    quick: Annotated[bool, Option("--quick", help="Only what is short: about 40 minutes on two CPU cores.")] = False,
    engine: Annotated[str | None, Option(help="serial, processes or ray [processes; with a GPU serial].")] = None,
    workers: Annotated[int | None, Option(metavar="INT", min=1, help="Runs at a time [one per CPU core].")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], Option(help="Device for each worker.")] = "auto",
    out: Annotated[Path | None, Option("--out", "-o", metavar="FOLDER", help="Its folder [runs/reproduction].")] = None,
    resume: Annotated[
        bool, Option("--resume", help="Go on in the folder, also with other items, more seeds or longer runs.")
    ] = False,
    list_: Annotated[bool, Option("--list", help="List the published numbers, and do nothing.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Show what would be trained and how long, and stop.")] = False,
) -> int | None:
    """Reproduce published results: train what they are of, measure, and say of each number whether ours agrees.

    Every number of the post and the paper is there with its source, its definition, and the rule by which ours agrees
    with it. What has been trained is used again. After Ctrl-C or a crash, --resume continues.

    reproduction.csv has a row per number: published, measured with the lowest and highest of the seeds, verdict, rule
    and its reason. reproduction.html has all of it, with the published figures drawn of our runs.

    Examples:

    \b
      grokscope reproduce --list
      grokscope reproduce --quick
      grokscope reproduce mainline --seeds 1
      grokscope reproduce 'fraction-*' skip-trigrams --seeds 3 -o runs/some
      grokscope reproduce all --dry-run
      grokscope reproduce all --resume
    """
    from rich.console import Console

    from grokscope.reproduction.plan import plan_of

    console = Console()
    if list_:
        _print_items(console)
        return None

    from grokscope.progress import displayed
    from grokscope.sweeps import sweep_backend
    from grokscope.workflows.reproduce import FOLDER
    from grokscope.workflows.reproduce import reproduce as reproduced

    plan = plan_of(items or [], seeds=seeds, quick=quick)
    backend = sweep_backend(engine, workers=workers, device=device)
    folder = out or FOLDER
    _print_plan(console, plan, folder, backend)
    if dry_run:
        return None
    again = shlex.join(["grokscope", *sys.argv[1:], *([] if resume else ["--resume"])])
    try:
        with displayed() as progress:
            found = reproduced(
                items or [], seeds=seeds, quick=quick, out=folder, resume=resume, backend=backend, progress=progress
            )
    except KeyboardInterrupt:
        say(f"Stopped; everything is kept in {folder}. Resume it with:\n  {again}")
        return 130
    _print_results(console, found, folder)
    if not found.is_complete:
        say(f"Stopped; everything is kept in {folder}. Resume it with:\n  {again}")
        return 130
    return None


def _print_items(console: "Console") -> None:
    from rich.text import Text

    from grokscope.cli.render.tables import name_table
    from grokscope.reproduction.catalogue import ITEMS

    table = name_table()
    for item in ITEMS.values():
        told = f"{item.measurement.what}: {item.measurement.told(item.published)} ({item.source})"
        table.add_row(Text(item.id), Text(told))
    console.print(table, highlight=False)


def _print_plan(console: "Console", plan: "Plan", folder: Path, backend: "SweepBackend") -> None:
    from rich.text import Text

    from grokscope.cli.render.amounts import size_in_words, time_in_words
    from grokscope.cli.render.tables import name_table
    from grokscope.reproduction.run import missing_runs
    from grokscope.sweeps import expected_cost

    runs, missing = plan.runs(), missing_runs(plan, folder)
    table = name_table()
    table.add_row("items", Text(f"{len(plan.items)} published numbers"))
    table.add_row("experiments", Text(", ".join(arm.name for arm in plan.arms)))
    table.add_row("runs", Text(f"{len(runs)}, of which {len(missing)} are missing"))
    if missing:
        cost = expected_cost(missing, backend)
        took = time_in_words(cost.seconds)
        table.add_row("trained", Text(backend.summary))
        table.add_row("time", Text(f"at most about {took} of training, at this machine's present speed"))
        table.add_row("disk", Text(f"at most about {size_in_words(cost.bytes)} in {folder}"))
    console.print(table, highlight=False)


def _print_results(console: "Console", found: "Reproduction", folder: Path) -> None:
    from grokscope.cli.render.tables import print_whole
    from grokscope.reports.reproduction.page import PAGE
    from grokscope.reports.reproduction.tables import MEANING, in_words
    from grokscope.reproduction.run import TABLE

    rows = [
        (
            result.item.id,
            result.item.measurement.told(result.item.published),
            result.measured or "–",
            result.verdict,
            result.why if result.verdict != "agrees" else str(result.item.rule),
        )
        for result in found.results
    ]
    console.print()
    print_whole(console, ("item", "published", "measured", "verdict", "rule, or why"), rows)
    console.print()
    console.print(MEANING, highlight=False, markup=False)
    say(f"{in_words(found)}\nPage: {folder / PAGE}\nTable: {folder / TABLE}")
