"""``grokscope grid``: train fraction × weight decay."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from grokscope.cli.options import assignments
from grokscope.cli.render.tables import frame_table
from grokscope.errors import ConfigError, RunError
from grokscope.recipe import recipe
from grokscope.run.atomic import write_atomically
from grokscope.sweeps import GridPoint, train_grid

FRACTIONS, DECAYS = "0.3,0.4,0.5,0.6,0.7,0.8", "0,0.3,1,3"


def grid(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An experiment on modular arithmetic.")] = "small",
    fractions: Annotated[str, typer.Option(metavar="SHARE,…", help="Train fractions.")] = FRACTIONS,
    decays: Annotated[str, typer.Option(metavar="DECAY,…", help="Weight decays.")] = DECAYS,
    seed: Annotated[int, typer.Option(metavar="INT", help="Seed of every run.")] = 0,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the runs go.")] = Path("runs/grid"),
    workers: Annotated[int | None, typer.Option(metavar="INT", min=1, help="Processes [one a CPU core].")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", "-s", metavar="NAME=VALUE", help="Other settings.")] = None,
) -> None:
    """Train a network at every train fraction and weight decay, and map where it memorises, groks or generalises.

    Each run is kept in a folder of its own; called again after Ctrl-C, it goes on. Writes grid.csv and grid.png.

    A run has grokked if it knew 95 % of the test set for good, but took at least twice as many steps to that as to
    99 % of its training set; with less it generalised at once.

    Examples:

    \b
      grokscope grid
      grokscope grid --fractions 0.3,0.5 --decays 0.3,1,3 --seed 1 -o runs/grid-seed1
      grokscope grid mainline --set stop.steps=20000
    """
    base = recipe(name).experiment.override({"seed": seed, **assignments(set_ or [])})
    shares, values = _numbers("--fractions", fractions), _numbers("--decays", decays)
    console, done, total = Console(stderr=True), 0, len(shares) * len(values)

    def tell(point: GridPoint) -> None:
        nonlocal done
        done += 1
        steps = "" if point.generalised is None else f" at step {point.generalised:,}"
        console.print(
            f"{done} of {total}: fraction {point.train_fraction:g}, decay {point.weight_decay:g}: "
            f"{point.outcome}{steps}",
            highlight=False,
            soft_wrap=True,
        )

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make {out}: {error.strerror}; use another --out") from error
    table = train_grid(
        base, out, train_fractions=shares, weight_decays=values, workers=workers or os.cpu_count() or 1, on_point=tell
    )
    from grokscope.figures import phase_grid, save_figure  # only now: drawing is heavy to import

    write_atomically(out / "grid.csv", table.to_csv(index=False).encode())
    save_figure(phase_grid(table), out / "grid.png")
    shown = table.pivot(index="weight_decay", columns="train_fraction", values="outcome").sort_index(ascending=False)
    Console().print(frame_table(shown.reset_index().rename(columns={"weight_decay": "decay"})))
    Console(soft_wrap=True).print(f"Table: {out / 'grid.csv'}\nMap: {out / 'grid.png'}", markup=False, highlight=False)


def _numbers(option: str, text: str) -> list[float]:
    try:
        return sorted({float(part) for part in text.split(",")})
    except ValueError as error:
        raise ConfigError(f"{option} {text!r}: expected numbers with commas, like 0.3,0.5") from error
