"""``grokscope sweep``: many runs as one experiment."""

import re
import shlex
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from grokscope.cli.options import assignments, require_known
from grokscope.cli.output import say
from grokscope.errors import ConfigError, RunError

if TYPE_CHECKING:
    from rich.console import Console

    from grokscope.sweeps import Sweep, SweepBackend, SweepFolder, SweepOutcomes

Option = typer.Option
MOST_FAILURES = 8
"""So many failed runs are named; the table has all."""


def _renamed(old: str, new: str) -> Callable[[Any], Any]:
    """Return the callback of a hidden option, which says what the option is called now."""

    def refuse(value: Any) -> Any:
        if value:
            raise ConfigError(f"{old} is called {new} now")
        return value

    return refuse


def sweep(
    what: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A recipe ('grokscope recipes') or a sweep's YAML file.")
    ],
    seeds: Annotated[str | None, Option(metavar="SEEDS", help="0:64 is 0 to 63; also 7 or 0,3,10:20 [0].")] = None,
    vary: Annotated[
        list[str] | None,
        Option(metavar="NAME=VALUE,…", help="A setting's values; of several, every combination is trained."),
    ] = None,
    sample: Annotated[
        list[str] | None,
        Option(metavar="NAME=LOW:HIGH", help="Sample a setting at random; NAME=log:LOW:HIGH samples its logarithm."),
    ] = None,
    n_samples: Annotated[
        int | None, Option(metavar="INT", min=1, help="Number of samples of all --sample [1].")
    ] = None,
    set_: Annotated[
        list[str] | None, Option("--set", "-s", metavar="NAME=VALUE", help="A setting of all runs; may be repeated.")
    ] = None,
    measure: Annotated[
        list[str] | None, Option(metavar="NAME", help="A column with a measure of each last network; may be repeated.")
    ] = None,
    explain: Annotated[bool, Option(help="Test the explanation of each last network, for the verdict.")] = True,
    engine: Annotated[str | None, Option(help="serial, processes or ray [processes; with a GPU serial].")] = None,
    workers: Annotated[int | None, Option(metavar="INT", min=1, help="Runs at a time [one per CPU core].")] = None,
    ensemble_size: Annotated[
        int | None, Option(metavar="INT", min=1, help="Runs trained as one ensemble [as many as speed it up].")
    ] = None,
    address: Annotated[str | None, Option(help="Address of a Ray cluster [a new one on this machine].")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], Option(help="Device for each worker.")] = "auto",
    out: Annotated[
        str | None, Option("--out", "-o", metavar="FOLDER", help="A folder, or s3://…, gs://… [runs/sweep-NAME].")
    ] = None,
    resume: Annotated[bool, Option("--resume", help="Resume the sweep in the folder, also with more runs.")] = False,
    report: Annotated[bool, Option(help="Write sweep.html at the end.")] = True,
    dry_run: Annotated[bool, Option("--dry-run", help="Show the plan, and train nothing.")] = False,
    draw: Annotated[list[str] | None, Option(hidden=True, callback=_renamed("--draw", "--sample"))] = None,
    samples: Annotated[str | None, Option(hidden=True, callback=_renamed("--samples", "--n-samples"))] = None,
    together: Annotated[str | None, Option(hidden=True, callback=_renamed("--together", "--ensemble-size"))] = None,
) -> int | None:
    """Train many runs: seeds, every combination of values, random samples.

    Each run is kept in a folder of its own. A run that fails is tried again and listed; after Ctrl-C or a crash,
    --resume continues and repeats nothing. results.parquet has a row per run; sweep.html compares the groups of runs
    that differ only by their seeds.

    Times to grok are treated as survival data: a run that did not grok counts as not yet grokked at its last step.

    Examples:

    \b
      grokscope sweep small --seeds 0:64
      grokscope sweep mainline --seeds 0:64 --vary weight_decay=0.3,1,3 --dry-run
      grokscope sweep small --seeds 0:8 --vary d_mlp=64,256 --vary lr=1e-3,3e-3 --measure gini_W_E
      grokscope sweep small --sample weight_decay=log:0.1:10 --n-samples 100
      grokscope sweep mine.yaml --resume
      grokscope sweep mainline --seeds 0:256 --engine ray --address auto -o s3://bucket/mainline

    A file:

    \b
      base: small                    # a recipe, an experiment's file, or its settings
      set: {stop.steps: 3000}
      seeds: 0:64
      vary: {weight_decay: [0.3, 1, 3]}
      cases: [{p: 53}, {p: 59, d_mlp: 512}]
      sample: {lr: {kind: log-uniform, low: 1e-4, high: 1e-2}}
      n_samples: 10
    """
    require_known(what)

    from rich.console import Console

    from grokscope.cli.render.sweep import print_outcomes
    from grokscope.reports.sweep.write import write_page
    from grokscope.sweeps import SweepFolder, sweep_backend
    from grokscope.sweeps.folder import TABLE
    from grokscope.workflows.sweep import default_folder

    planned, name = _plan(what, seeds, vary or [], sample or [], n_samples, set_ or [])
    for text in planned.dropped():
        note(text)
    backend = sweep_backend(engine, workers=workers, ensemble_size=ensemble_size, device=device, address=address)
    folder = SweepFolder(out or default_folder(name))
    console = Console()
    found = train_planned(
        console, planned, folder, backend, measures=measure or [], explained=explain, resume=resume, dry_run=dry_run
    )
    if found is None:
        return None
    again = shlex.join(["grokscope", *sys.argv[1:], *([] if resume else ["--resume"])])
    if not found.is_complete:
        say(f"Stopped; everything is kept in {folder.storage}. Resume it with:\n  {again}")
        return 130
    if found.groups:
        print_outcomes(console, found)
        if report:
            with console.status("writing the page"):
                page = write_page(folder, found)
            say(f"Page: {page}")
    say(f"Table: {folder.storage / TABLE}")
    return say_failures(found, again)


def train_planned(
    console: "Console",
    planned: "Sweep",
    folder: "SweepFolder",
    backend: "SweepBackend",
    *,
    measures: list[str],
    explained: bool,
    resume: bool,
    dry_run: bool = False,
) -> "SweepOutcomes | None":
    """Print the plan of a sweep and train it; return what its runs reached, or None after a dry run."""
    from grokscope.cli.render.sweep import print_plan
    from grokscope.progress import displayed
    from grokscope.sweeps import SweepOutcomes, expected_cost, run_sweep

    runs = planned.runs()
    folder.require_free(planned, resume=resume)
    ended = {each.folder for each in folder.ended(runs, measures, explained=explained)}
    left = [run for run in runs if run.folder not in ended]
    print_plan(console, planned, runs, folder.storage, backend, expected_cost(left, backend))
    if dry_run:
        return None
    try:
        with displayed() as progress:
            return run_sweep(
                planned, folder, backend, progress=progress, measures=measures, explained=explained, resume=resume
            )
    except KeyboardInterrupt:
        return SweepOutcomes(planned, ())


def say_failures(found: "SweepOutcomes", again: str) -> int | None:
    """Print which runs failed, and why; return the exit status of the command."""
    failed = [each for each in found.outcomes if each.status == "failed"]
    for each in failed[:MOST_FAILURES]:
        note(f"{each.run} failed: {each.error}")
    if failed:
        say(f"{len(failed)} of {len(found.outcomes)} runs failed; try them again with:\n  {again}")
    return 1 if failed else None


def note(text: str) -> None:
    """Print a sentence on standard error."""
    typer.echo(text, err=True)


def _plan(
    what: str, seeds: str | None, vary: list[str], sample: list[str], n_samples: int | None, set_: list[str]
) -> "tuple[Sweep, str]":
    from grokscope.sweeps.files import seeds_in
    from grokscope.workflows.sweep import plan_sweep

    fields: dict[str, Any] = {}
    if seeds is not None:
        fields["seeds"] = seeds_in(seeds)
    if vary:
        fields["vary"] = dict(_values(text) for text in vary)
    if sample:
        fields["sample"] = dict(_distribution(text) for text in sample)
    if n_samples is not None:
        fields["n_samples"] = n_samples
    return plan_sweep(what, changes=assignments(set_), note=note, **fields)


def _values(text: str) -> tuple[str, list[Any]]:
    from grokscope.config import load_yaml

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
        raise ConfigError(f"--sample {text!r}: expected NAME=LOW:HIGH or NAME=log:LOW:HIGH, like lr=log:1e-4:1e-2")
    name, log, low, high = found.groups()
    return name, {"kind": "log-uniform" if log else "uniform", "low": low, "high": high}
