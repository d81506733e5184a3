"""``grokscope train``: one network, trained and recorded."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grokscope.cli.options import assignments, recipe_names, require_known, value_of
from grokscope.cli.output import say
from grokscope.errors import ConfigError

if TYPE_CHECKING:
    from grokscope.run import Execution, Experiment

Option = typer.Option


def train(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A recipe ('grokscope recipes') or a YAML file.", autocompletion=recipe_names
        ),
    ],
    data: Annotated[
        Literal["infinite", "finite"] | None,
        Option(help="The same task with fresh examples at every step, or with a finite training set."),
    ] = None,
    seed: Annotated[str | None, Option(metavar="INT", help="Seed of weights, split, data and noise.")] = None,
    steps: Annotated[str | None, Option(metavar="INT", help="Maximum number of updates.")] = None,
    p: Annotated[str | None, Option(metavar="INT", help="Modulus, 2 to 997.")] = None,
    operation: Annotated[
        str | None,
        Option(help="add, subtract, multiply, x2xyy2, random, an expression in a, b, p, or file.py:function."),
    ] = None,
    train_fraction: Annotated[str | None, Option(metavar="SHARE", help="Share of the pairs to train on.")] = None,
    lr: Annotated[str | None, Option(metavar="RATE", help="Learning rate.")] = None,
    weight_decay: Annotated[str | None, Option(metavar="DECAY", help="AdamW's decoupled weight decay.")] = None,
    set_: Annotated[
        list[str] | None,
        Option("--set", "-s", metavar="NAME=VALUE", help="Any other setting, as --dry-run names it; may be repeated."),
    ] = None,
    out: Annotated[Path | None, Option("--out", "-o", metavar="FOLDER", help="The run's folder [runs/NAME…].")] = None,
    resume: Annotated[
        bool, Option("--resume", help="Resume the run in the folder; start it if there is none.")
    ] = False,
    report: Annotated[bool, Option(help="Write report.html after training.")] = True,
    tensorboard: Annotated[
        bool, Option("--tensorboard", help="Write TensorBoard events too; pip install 'grokscope[tensorboard]'.")
    ] = False,
    device: Annotated[str | None, Option(help="auto, cpu or cuda [auto].")] = None,
    threads: Annotated[
        str | None, Option(metavar="INT", help="CPU threads [as many as are fastest: a few steps are timed].")
    ] = None,
    compile: Annotated[bool, Option("--compile", help="Use torch.compile: faster for runs of many minutes.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Print the experiment as YAML and train nothing.")] = False,
) -> int | None:
    """Train a network and keep everything about it in one folder.

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
      grokscope train mainline --resume        resume after Ctrl-C, to the same bits
      grokscope train mainline --tensorboard   then: tensorboard --logdir runs
    """
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
    require_known(name)

    from rich.console import Console

    from grokscope.cli.render.summary import print_summary
    from grokscope.progress import displayed
    from grokscope.recipe import published_of
    from grokscope.workflows.train import default_folder
    from grokscope.workflows.train import train as train_and_record

    base = _base(name, data)
    chosen = base.override(settings, note=lambda text: typer.echo(text, err=True))
    if dry_run:
        Console(soft_wrap=True).print(chosen.to_yaml(), end="", markup=False, highlight=False)
        return None
    folder = out or default_folder(base, chosen)
    execution = _execution(device, threads, compile)
    run = train_and_record(chosen, out=folder, resume=resume, execution=execution, tensorboard=tensorboard)
    if run.status == "interrupted":
        again = ["grokscope", *sys.argv[1:], *([] if resume else ["--resume"])]
        say(f"Stopped at step {run.record['step']:,}; everything is kept in {folder}. Resume with:")
        say(f"  {shlex.join(again)}")
        return 130
    print_summary(run, Console())
    if report:
        from grokscope.reports import write_report

        with displayed() as progress:
            path = write_report(run, published=published_of(run.experiment), progress=progress)
        say(f"Report: {path}")
    return None


def _base(name: str, data: Literal["infinite", "finite"] | None) -> "Experiment":
    from grokscope.recipe import experiment_called, names_a_file, recipe

    if data is None:
        return experiment_called(name)
    if names_a_file(name):
        raise ConfigError(f"--data {data} chooses between recipes; in {name}, change task.data.kind")
    return recipe(name, data).experiment


def _execution(device: str | None, threads: str | None, compile: bool) -> "Execution | None":
    """Return what was asked for, or None if nothing was: a resumed run then keeps its own."""
    if device is None and threads is None and not compile:
        return None

    from pydantic import ValidationError

    from grokscope.run import Execution
    from grokscope.run.experiment import explain_validation

    settings = {
        "device": device or "auto",
        "threads": None if threads is None else value_of(threads),
        "compile": compile,
    }
    try:
        return Execution.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(explain_validation(error)) from error
