"""``grokscope sweep``: many runs as one experiment."""

import re
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from grokscope.analysis.many_runs.arms import arms_of
from grokscope.cli.options import assignments
from grokscope.cli.render.sweep import print_outcome, print_plan
from grokscope.config import load_yaml
from grokscope.errors import ConfigError, RunError
from grokscope.recipe import recipe_names
from grokscope.reports.sweep.write import PAGE, write_page
from grokscope.sweeps import Sweep, SweepFolder, expected_cost, run_sweep, way_of
from grokscope.sweeps.files import seeds_in, sweep_of
from grokscope.sweeps.progress import show_sweep
from grokscope.sweeps.run import TABLE

Option = typer.Option


def sweep(
    what: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="An experiment ('grokscope experiments') or a sweep's YAML file.")
    ],
    seeds: Annotated[str | None, Option(metavar="SEEDS", help="0:64 is 0 to 63; also 7 or 0,3,10:20 [0].")] = None,
    vary: Annotated[
        list[str] | None,
        Option(metavar="NAME=VALUE,…", help="A setting's values; of several, every combination is trained."),
    ] = None,
    draw: Annotated[
        list[str] | None,
        Option(metavar="NAME=LOW:HIGH", help="Draw a setting at random; NAME=log:LOW:HIGH draws its logarithm."),
    ] = None,
    samples: Annotated[int | None, Option(metavar="INT", min=1, help="How often all of --draw are drawn [1].")] = None,
    set_: Annotated[
        list[str] | None, Option("--set", "-s", metavar="NAME=VALUE", help="A setting of all runs; may be repeated.")
    ] = None,
    measure: Annotated[
        list[str] | None, Option(metavar="NAME", help="A column with a measure of each last network; may be repeated.")
    ] = None,
    explain: Annotated[bool, Option(help="Test the explanation of each last network, for the verdict.")] = True,
    engine: Annotated[
        str | None, Option(help="here, processes, ensembles or ray [processes; with a GPU ensembles].")
    ] = None,
    workers: Annotated[int | None, Option(metavar="INT", min=1, help="Runs at a time [one a CPU core].")] = None,
    together: Annotated[
        int | None, Option(metavar="INT", min=1, help="Runs trained as one ensemble [as many as pay].")
    ] = None,
    address: Annotated[str | None, Option(help="Of a Ray cluster [a new one on this machine].")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], Option(help="Of each worker.")] = "auto",
    out: Annotated[
        str | None, Option("--out", "-o", metavar="FOLDER", help="A folder, or s3://…, gs://… [runs/sweep-NAME].")
    ] = None,
    resume: Annotated[
        bool, Option("--resume", help="Go on with the sweep in the folder, also with more runs.")
    ] = False,
    report: Annotated[bool, Option(help="Write sweep.html at the end.")] = True,
    dry_run: Annotated[bool, Option("--dry-run", help="Show the plan, and train nothing.")] = False,
) -> int | None:
    """Train many runs: seeds, every combination of values, random samples.

    Each run is kept in a folder of its own. What fails is tried again and listed; after Ctrl-C or a crash, --resume
    goes on and repeats nothing. results.parquet has a row a run; sweep.html compares the arms.

    Times to grok are compared as survival data: a run that did not grok counts as not yet grokked at its last step.

    Examples:

    \b
      grokscope sweep small --seeds 0:64
      grokscope sweep mainline --seeds 0:64 --vary weight_decay=0.3,1,3 --dry-run
      grokscope sweep small --seeds 0:8 --vary d_mlp=64,256 --vary lr=1e-3,3e-3 --measure gini_W_E
      grokscope sweep small --draw weight_decay=log:0.1:10 --samples 100
      grokscope sweep mine.yaml --resume
      grokscope sweep mainline --seeds 0:256 --engine ray --address auto -o s3://bucket/mainline

    A file:

    \b
      base: small                    # a name, an experiment's file, or its settings
      set: {stop.steps: 3000}
      seeds: 0:64
      vary: {weight_decay: [0.3, 1, 3]}
      cases: [{p: 53}, {p: 59, d_mlp: 512}]
      draw: {lr: {kind: log-uniform, low: 1e-4, high: 1e-2}}
      samples: 10
    """
    planned = _sweep(what, seeds, vary or [], draw or [], samples, set_ or [])
    runs, folder = planned.runs(), SweepFolder(out or _folder(what))
    for text in planned.dropped():
        _note(text)
    way = way_of(engine, workers=workers, together=together, device=device, address=address)
    measures = measure or []
    folder.require_free(planned, resume=resume)
    ended = {each.folder for each in folder.ended(runs, measures, explained=explain)}
    left = [run for run in runs if run.folder not in ended]
    console = Console()
    cost = expected_cost(left, way)
    print_plan(console, planned, runs, folder.place, way, cost)
    if dry_run:
        return None
    again = ["grokscope", *sys.argv[1:], *([] if resume else ["--resume"])]
    try:
        with show_sweep(Console(stderr=True)) as watcher:
            table = run_sweep(
                planned, folder, way, watcher=watcher, measures=measures, explained=explain, resume=resume
            )
    except KeyboardInterrupt:
        return _stopped(console, folder, again)
    if len(table) < len(runs):
        return _stopped(console, folder, again)
    arms = arms_of(table, planned.chosen_settings())
    if arms:
        print_outcome(console, arms)
        if report:
            with console.status("writing the page"):
                write_page(folder, planned, table)
            _say(console, f"Page: {folder.place / PAGE}")
    _say(console, f"Table: {folder.place / TABLE}")
    failed = table["status"].tolist().count("failed")
    if failed:
        _say(console, f"{failed} of {len(runs)} runs failed; try them again with:\n  {shlex.join(again)}")
    return 1 if failed else None


def _sweep(
    what: str, seeds: str | None, vary: list[str], draw: list[str], samples: int | None, set_: list[str]
) -> Sweep:
    fields: dict[str, Any] = {}
    if seeds is not None:
        fields["seeds"] = seeds_in(seeds)
    if vary:
        fields["vary"] = dict(_values(text) for text in vary)
    if draw:
        fields["draw"] = dict(_distribution(text) for text in draw)
    if samples is not None:
        fields["samples"] = samples
    if what not in recipe_names() and not what.endswith((".yaml", ".yml")) and Path(what).is_file():
        raise ConfigError(f"{what} is a file but not called .yaml; rename it, or give an experiment's name")
    base = Path(what) if what.endswith((".yaml", ".yml")) and what not in recipe_names() else what
    return sweep_of(base, changes=assignments(set_), note=_note, **fields)


def _note(text: str) -> None:
    typer.echo(text, err=True)


def _values(text: str) -> tuple[str, list[Any]]:
    name, equals, values = text.partition("=")
    try:
        parts = load_yaml(f"[{values}]")  # a value may be a list itself: betas=[0.9,0.98],[0.9,0.999]
    except RunError:
        parts = []
    if not equals or not name or not parts:
        raise ConfigError(f"--vary {text!r}: expected NAME=VALUE,VALUE, for example --vary weight_decay=0.3,1,3")
    return name.strip(), parts


def _distribution(text: str) -> tuple[str, dict[str, Any]]:
    found = re.fullmatch(r"\s*([\w.]+)\s*=\s*(log:)?([^:]+):([^:]+)", text)
    if not found:
        raise ConfigError(f"--draw {text!r}: expected NAME=LOW:HIGH or NAME=log:LOW:HIGH, like lr=log:1e-4:1e-2")
    name, log, low, high = found.groups()
    return name, {"kind": "log-uniform" if log else "uniform", "low": low, "high": high}


def _folder(what: str) -> Path:
    return Path("runs") / f"sweep-{Path(what).stem if what.endswith(('.yaml', '.yml')) else what}"


def _stopped(console: Console, folder: SweepFolder, again: list[str]) -> int:
    _say(console, f"Stopped; all is kept in {folder.place}. Go on with:\n  {shlex.join(again)}")
    return 130


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
