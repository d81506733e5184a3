"""``grokscope grid``: a sweep over train fraction and weight decay, and its phase diagram."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from grokscope.cli.commands.sweep import note, say_failures, train_planned
from grokscope.cli.options import assignments, require_known
from grokscope.cli.output import say
from grokscope.errors import ConfigError

FRACTIONS, DECAYS = "0.3,0.4,0.5,0.6,0.7,0.8", "0,0.3,1,3"
"""Of the pairs, and of AdamW."""
DIAGRAM = "phase-diagram.png"


def grid(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A recipe, or an experiment's YAML file, with a train fraction and a weight decay."
        ),
    ] = "small",
    fractions: Annotated[str, typer.Option(metavar="SHARE,…", help="Train fractions.")] = FRACTIONS,
    decays: Annotated[str, typer.Option(metavar="DECAY,…", help="Weight decays.")] = DECAYS,
    seed: Annotated[int, typer.Option(metavar="INT", help="Seed of every run.")] = 0,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="The sweep's folder.")] = Path("runs/grid"),
    workers: Annotated[int | None, typer.Option(metavar="INT", min=1, help="Processes [one per CPU core].")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", "-s", metavar="NAME=VALUE", help="Other settings.")] = None,
) -> int | None:
    """Map where networks memorise, grok or generalise at once, over train fraction and weight decay.

    This is short for a sweep of two settings and its phase diagram; called again after Ctrl-C, it is resumed:

    \b
      grokscope sweep NAME --vary train_fraction=… --vary weight_decay=… --no-explain -o runs/grid
      grokscope figure phase-diagram runs/grid -o phase-diagram.png

    A run has grokked if it knew 95 % of the test set for good, but took at least twice as many steps to that as to
    99 % of its training set; with fewer it generalised at once.

    Examples:

    \b
      grokscope grid
      grokscope grid --fractions 0.3,0.5 --decays 0.3,1,3 --seed 1 -o runs/grid-seed1
      grokscope grid mainline --set stop.steps=20000
    """
    vary = {"train_fraction": _numbers("--fractions", fractions), "weight_decay": _numbers("--decays", decays)}
    require_known(name)

    import pandas as pd
    from rich.console import Console

    from grokscope.cli.render.tables import frame_table
    from grokscope.recipe import experiment_called
    from grokscope.reports.sweep.write import write_page
    from grokscope.sweeps import SweepFolder, sweep_backend
    from grokscope.sweeps.folder import TABLE
    from grokscope.workflows.sweep import plan_sweep

    if "train_fraction" not in type(experiment_called(name).task.data).model_fields:
        other = f"grokscope sweep {name} --vary NAME=VALUE,…"
        raise ConfigError(f"{name} has no train fraction to vary; vary other settings with '{other}'")
    planned, _ = plan_sweep(name, changes=assignments(set_ or []), note=note, seeds=(seed,), vary=vary)
    folder, console = SweepFolder(out), Console()
    backend = sweep_backend("processes", workers=workers, ensemble_size=1)
    found = train_planned(console, planned, folder, backend, measures=[], explained=False, resume=True)
    again = shlex.join(["grokscope", *sys.argv[1:]])
    if found is None or not found.is_complete:
        say(f"Stopped; everything is kept in {folder.storage}. Resume it with:\n  {again}")
        return 130
    if found.groups:
        from grokscope.figures import phase_diagram, save_figure
        from grokscope.figures.many_runs.phase_diagram import most_common_outcome

        decay, fraction = sorted(found.chosen)
        save_figure(phase_diagram(found.groups, fraction, decay), out / DIAGRAM)
        rows = [(each.settings[decay], each.settings[fraction], most_common_outcome(each)) for each in found.groups]
        shown = pd.DataFrame(rows, columns=["decay", "fraction", "outcome"])
        shown = shown.pivot(index="decay", columns="fraction", values="outcome").sort_index(ascending=False)
        console.print(frame_table(shown.reset_index()))
        say(f"Phase diagram: {out / DIAGRAM}\nPage: {write_page(folder, found)}")
    say(f"Table: {folder.storage / TABLE}")
    return say_failures(found, again)


def _numbers(option: str, text: str) -> list[float]:
    try:
        return sorted({float(part) for part in text.split(",")})
    except ValueError as error:
        raise ConfigError(f"{option} {text!r}: expected numbers with commas, like 0.3,0.5") from error
