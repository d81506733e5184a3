"""The commands that ask what a network computes: ``explain``, ``measure`` and ``import``."""

import contextlib
import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console

from grokscope.analysis.trajectories.measure_run import measure_run
from grokscope.cli.options import assignments
from grokscope.cli.render.explanation import print_explanation, print_import, print_measures, print_timeline
from grokscope.errors import CheckpointError, ConfigError, RunError
from grokscope.explanation import explain as explain_network
from grokscope.explanation import explain_over_training, identify, open_subject
from grokscope.interop import load_network, save_network
from grokscope.progress import displayed
from grokscope.run import Run
from grokscope.run.atomic import write_atomically

Frequencies = Annotated[
    str | None,
    typer.Option(metavar="K,K,…", help="The key frequencies, instead of those read off the (last) network."),
]
Modulus = Annotated[int | None, typer.Option(metavar="INT", help="A file's modulus, where shapes do not say it.")]
Operation = Annotated[
    str | None, typer.Option(help="What a file's network computes: add, subtract, 'a + 2*b' … [found by trying].")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="NAME=VALUE",
        help="What weights in a file do not show: attention_coefficient, activation, residual_scale, causal.",
    ),
]
Every = Annotated[
    int | None, typer.Option(metavar="STEPS", min=1, help="Checkpoints at multiples of this step, and the last.")
]


def explain(
    subject: Annotated[Path, typer.Argument(metavar="X", help="A run's folder, or a file with weights.")],
    step: Annotated[int | None, typer.Option(help="A run's checkpoint [the last].")] = None,
    every: Every = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    program: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the algorithm as a Python file that needs NumPy only.")
    ] = None,
    frequencies: Frequencies = None,
    p: Modulus = None,
    operation: Operation = None,
    set_: Settings = None,
    seed: Annotated[int, typer.Option(metavar="INT", help="Draws the controls.")] = 0,
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
    chosen = _frequencies(frequencies)
    if every is not None:
        if step is not None:
            raise ConfigError("--every looks at many steps and --step at one; give one of them")
        _explain_history(subject, every, chosen, as_json=as_json, seed=seed, program=program)
        return
    with displayed() as progress:
        progress.message("reading weights")
        opened = open_subject(subject, step=step, p=p, operation=operation, **assignments(set_ or []))
        explanation = explain_network(opened, frequencies=chosen, seed=seed, progress=progress)
    if program is not None:
        explanation.write_program(program)
    if as_json:
        typer.echo(json.dumps(explanation.to_dict(), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        print_explanation(explanation, Console())
        if program is not None:
            Console(soft_wrap=True).print(f"Program: {program}", markup=False, highlight=False)


def _explain_history(
    path: Path, every: int, frequencies: list[int] | None, *, as_json: bool, seed: int, program: Path | None
) -> None:
    if not path.is_dir():
        raise ConfigError(f"--every needs a run with checkpoints; {path} is one network")
    run = Run(path)
    with displayed() as progress:
        timeline = explain_over_training(run, every=every, frequencies=frequencies, seed=seed, progress=progress)
    _write_table(timeline.table, run.folder.claims)
    if program is not None:
        timeline.final.write_program(program)
    if as_json:
        first = {claim.name: step for claim, step in timeline.first_steps().items()}
        whole = {**timeline.final.to_dict(), "holds_from_step": first}
        typer.echo(json.dumps(whole, indent=2, allow_nan=False, ensure_ascii=False))
        return
    print_timeline(timeline, Console())
    Console(soft_wrap=True).print(f"History: {run.folder.claims}", markup=False, highlight=False)


def measure(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
    every: Every = None,
    frequencies: Frequencies = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where to write the table [RUN/measures.csv].")
    ] = None,
) -> None:
    """Measure every checkpoint of a run: what forms inside the network while it learns.

    Modulo p: excluded and restricted loss, Gini, weight norms, margins and more, and the phases that they show. On
    sequences: head scores, accuracy of each digit by the carry that it needs, what the weights say of each trigger.
    Writes one row for each step, measure and index, as CSV; 'grokscope changes' then finds where each measure changes.

    Examples:

    \b
      grokscope measure runs/mainline
      grokscope measure runs/repeated-subsequences
      grokscope measure runs/mainline --every 500 --frequencies 14,35,41,42,52 -o measures.csv
    """
    opened = Run(run)
    with displayed() as progress:
        table = measure_run(opened, frequencies=_frequencies(frequencies), every=every, progress=progress)
    path = out or opened.folder.measures
    _write_table(table, path)
    print_measures(table, opened, Console())
    Console(soft_wrap=True).print(f"Measures: {path}", markup=False, highlight=False)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights: .pt, .pth or .safetensors.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where to write it [FILE.grokscope.safetensors].")
    ] = None,
    p: Modulus = None,
    operation: Operation = None,
    set_: Settings = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if there is one.")] = False,
) -> None:
    """Turn somebody else's checkpoint into one safetensors file with TransformerLens's names.

    Says what was found: layout, sizes, modulus, operation. A PyTorch file is read without running code in it.

    Examples:

    \b
      grokscope import model.pth
      grokscope import model.pt --set attention_coefficient=0 -o pizza.safetensors
    """
    stated = assignments(set_ or [])
    imported = load_network(file, p=p, **stated)
    subject = None
    with contextlib.suppress(CheckpointError):  # a network for none of our tasks can be converted all the same
        subject = identify(imported, operation=operation)
        imported = subject.imported or imported
    path = out or file.with_name(f"{file.stem}.grokscope.safetensors")
    save_network(imported, path, operation=imported.operation, overwrite=overwrite)
    print_import(imported, subject, path, Console())


def _frequencies(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise ConfigError(f"--frequencies {text!r}: expected whole numbers with commas, like 14,35,41") from error


def _write_table(table: pd.DataFrame, path: Path) -> None:
    if not path.parent.is_dir():
        raise RunError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    write_atomically(path, table.to_csv(index=False).encode())
