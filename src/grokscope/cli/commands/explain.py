"""``grokscope explain``: what a network computes, with the evidence."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grokscope.cli.options import (
    Every,
    Frequencies,
    Index,
    JsonOption,
    Modulus,
    Operation,
    Settings,
    StepOption,
    ThreadsOption,
    assignments,
    frequencies_in,
    run_folders,
    set_threads,
)
from grokscope.cli.output import destination, say
from grokscope.errors import ConfigError

if TYPE_CHECKING:
    pass


def explain(
    subject: Annotated[
        Path,
        typer.Argument(metavar="X", help="A run's folder, or a file with weights.", autocompletion=run_folders),
    ],
    step: StepOption = None,
    every: Every = None,
    as_json: JsonOption = False,
    program: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the algorithm as a Python file that needs NumPy only.")
    ] = None,
    frequencies: Frequencies = None,
    p: Modulus = None,
    operation: Operation = None,
    index: Index = None,
    set_: Settings = None,
    seed: Annotated[int, typer.Option(metavar="INT", help="Seed of the controls.")] = 0,
    threads: ThreadsOption = None,
) -> None:
    """Say what a network computes, and prove it: modular arithmetic, sums of digits, induction, skip trigrams.

    X is a run, or a checkpoint that somebody else trained (.pt, .pth, .safetensors). Every claim is tested by an
    intervention and against controls that could have refuted it.

    With --every, says when each claim became true, and keeps the history in the run's claims.csv.

    Examples:

    \b
      grokscope explain runs/mainline
      grokscope explain runs/mainline --step 9000
      grokscope explain runs/mainline --every 1000
      grokscope explain runs/repeated-subsequences
      grokscope explain model.pth --json
      grokscope explain induction.pth --set residual_scale=2
      grokscope explain model.pt --set attention_coefficient=0 --program pizza.py
    """
    chosen, stated = frequencies_in(frequencies), assignments(set_ or [])
    if program is not None:
        destination(program, (".py",), "--program")
    if every is not None and step is not None:
        raise ConfigError("--every looks at many steps and --step at one; give one of them")

    from rich.console import Console

    from grokscope.cli.render.explanation import print_explanation
    from grokscope.explanation import explain as explain_network
    from grokscope.explanation import open_subject
    from grokscope.progress import displayed

    set_threads(threads)
    if every is not None:
        _explain_history(subject, every, chosen, as_json=as_json, seed=seed, program=program)
        return
    with displayed() as progress:
        progress.message("reading weights")
        opened = open_subject(subject, step=step, p=p, operation=operation, index=index, **stated)
        explanation = explain_network(opened, frequencies=chosen, seed=seed, progress=progress)
    if program is not None:
        explanation.write_program(program)
    if as_json:
        typer.echo(json.dumps(explanation.to_dict(), indent=2, allow_nan=False, ensure_ascii=False))
        return
    print_explanation(explanation, Console())
    if program is not None:
        say(f"Program: {program}")


def _explain_history(
    path: Path, every: int, frequencies: list[int] | None, *, as_json: bool, seed: int, program: Path | None
) -> None:
    if not path.is_dir():
        raise ConfigError(f"--every needs a run with checkpoints; {path} is one network")

    from rich.console import Console

    from grokscope.cli.render.explanation import print_timeline
    from grokscope.explanation import explain_over_training
    from grokscope.progress import displayed
    from grokscope.run import Run
    from grokscope.run.atomic import write_atomically

    run = Run(path)
    with displayed() as progress:
        timeline = explain_over_training(run, every=every, frequencies=frequencies, seed=seed, progress=progress)
    write_atomically(run.folder.claims, timeline.table.to_csv(index=False).encode())
    if program is not None:
        timeline.final.write_program(program)
    if as_json:
        first = {claim.name: step for claim, step in timeline.first_steps().items()}
        whole = {**timeline.final.to_dict(), "holds_from_step": first}
        typer.echo(json.dumps(whole, indent=2, allow_nan=False, ensure_ascii=False))
        return
    print_timeline(timeline, Console())
    say(f"History: {run.folder.claims}")
