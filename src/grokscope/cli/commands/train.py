"""``grokscope train``."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from grokscope.cli.options import assignments, value_of
from grokscope.cli.progress import frame_bar
from grokscope.cli.render.summary import print_summary
from grokscope.errors import ConfigError
from grokscope.recipe import Data, published_of, recipe, recipe_names
from grokscope.run import Execution, Experiment, load_experiment
from grokscope.run.experiment import explain_validation
from grokscope.workflows import default_folder
from grokscope.workflows import train as train_and_record

Option = typer.Option


def train(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="An experiment ('grokscope experiments') or a YAML file.")
    ],
    data: Annotated[
        Data | None, Option(help="The same task with fresh examples in every step, or with a finite training set.")
    ] = None,
    seed: Annotated[str | None, Option(metavar="INT", help="Seed of weights, split, data and noise.")] = None,
    steps: Annotated[str | None, Option(metavar="INT", help="Updates at most.")] = None,
    p: Annotated[str | None, Option(metavar="INT", help="Modulus, 2 to 997.")] = None,
    operation: Annotated[
        str | None,
        Option(help="add, subtract, multiply, x2xyy2, random, an expression in a, b, p, or file.py:function."),
    ] = None,
    train_fraction: Annotated[
        str | None, Option(metavar="SHARE", help="Share of the pairs that is trained on.")
    ] = None,
    lr: Annotated[str | None, Option(metavar="RATE", help="Learning rate.")] = None,
    weight_decay: Annotated[str | None, Option(metavar="DECAY", help="AdamW's decoupled weight decay.")] = None,
    set_: Annotated[
        list[str] | None,
        Option(
            "--set",
            "-s",
            metavar="NAME=VALUE",
            help="Any other setting, as --dry-run names it; may be repeated.",
        ),
    ] = None,
    out: Annotated[Path | None, Option("--out", "-o", metavar="FOLDER", help="The run's folder [runs/NAME…].")] = None,
    resume: Annotated[
        bool, Option("--resume", help="Go on with the run in the folder; begin it if there is none.")
    ] = False,
    report: Annotated[bool, Option(help="Write report.html at the end.")] = True,
    tensorboard: Annotated[
        bool, Option("--tensorboard", help="Write TensorBoard events too; pip install 'grokscope[tensorboard]'.")
    ] = False,
    device: Annotated[str | None, Option(help="auto, cpu or cuda [auto].")] = None,
    threads: Annotated[str | None, Option(metavar="INT", help="CPU threads [PyTorch's choice].")] = None,
    compile: Annotated[bool, Option("--compile", help="Use torch.compile: faster on runs of many minutes.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Print the experiment as YAML and train nothing.")] = False,
) -> int | None:
    """Train a network and keep everything in one folder.

    Examples:

    \b
      grokscope train fast                     the paper's network, grokked in seconds
      grokscope train mainline --seed 1        the paper's own run, another seed
      grokscope train fast --p 59 --set model.d_mlp=256 --set model.activation=gelu
      grokscope train fast --operation 'a*a + 3*a*b'
      grokscope train five-digit-addition      a phase change for each digit; also: --data finite
      grokscope train repeated-subsequences    induction heads form
      grokscope train skip-trigrams --data finite
      grokscope train mainline --dry-run > mine.yaml
      grokscope train mine.yaml                settings from a file
      grokscope train mainline --resume        go on after Ctrl-C, to the same bits
      grokscope train mainline --tensorboard   then: tensorboard --logdir runs
    """
    base = _base(name, data)
    daily = {
        "seed": seed,
        "stop.steps": steps,
        "task.p": p,
        "task.operation": operation,
        "task.data.train_fraction": train_fraction,
        "optimizer.lr": lr,
        "optimizer.weight_decay": weight_decay,
    }
    settings = {key: value_of(text) for key, text in daily.items() if text is not None} | assignments(set_ or [])
    chosen = base.override(settings, note=lambda text: typer.echo(text, err=True))
    if dry_run:
        Console(soft_wrap=True).print(chosen.to_yaml(), end="", markup=False, highlight=False)
        return None
    folder = out or default_folder(base, chosen)
    execution = _execution(device, threads, compile)
    run = train_and_record(chosen, out=folder, resume=resume, execution=execution, tensorboard=tensorboard)
    console = Console()
    if run.status == "interrupted":
        again = ["grokscope", *sys.argv[1:], *([] if resume else ["--resume"])]
        console.print(
            f"Stopped at step {run.record['step']:,}; all is kept in {folder}. Go on with:\n  {shlex.join(again)}",
            markup=False,
            highlight=False,
        )
        return 130
    print_summary(run, console)
    if report:
        from grokscope.reports import write_report  # only now: drawing is heavy to import

        with frame_bar("looking at checkpoints", Console(stderr=True)) as (begin, advance):
            path = write_report(run, published=published_of(run.experiment), begin=begin, advance=advance)
        console.print(f"Report: {path}", markup=False, highlight=False, soft_wrap=True)
    return None


def _base(name: str, data: Data | None) -> Experiment:
    if name.endswith((".yaml", ".yml")):
        if data is not None:
            raise ConfigError(f"--data {data} chooses between named experiments; in {name}, change task.data.kind")
        return load_experiment(Path(name))
    if name not in recipe_names() and Path(name).is_file():
        raise ConfigError(f"{name} is a file but not called .yaml; rename it, or give an experiment's name")
    return recipe(name, data).experiment


def _execution(device: str | None, threads: str | None, compile: bool) -> Execution | None:
    """Return what was asked for, or None if nothing was: a resumed run then goes on as before."""
    if device is None and threads is None and not compile:
        return None
    settings = {
        "device": device or "auto",
        "threads": None if threads is None else value_of(threads),
        "compile": compile,
    }
    try:
        return Execution.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(explain_validation(error)) from error
