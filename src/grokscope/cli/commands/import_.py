"""``grokscope import``: somebody else's checkpoint as one safetensors file."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from grokscope.cli.options import Index, Modulus, Operation, Settings, assignments
from grokscope.cli.output import destination
from grokscope.errors import CheckpointError


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Weights: .pt, .pth or .safetensors.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The file to write [FILE.grokscope.safetensors].")
    ] = None,
    p: Modulus = None,
    operation: Operation = None,
    index: Index = None,
    set_: Settings = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Convert somebody else's checkpoint to one safetensors file with TransformerLens's names.

    Prints what the file holds: layout, sizes, modulus, operation. A PyTorch file is read without running code in it.

    Examples:

    \b
      grokscope import model.pth
      grokscope import model.pt --set attention_coefficient=0 -o pizza.safetensors
    """
    stated = assignments(set_ or [])
    path = destination(out or file.with_name(f"{file.stem}.grokscope.safetensors"))

    from rich.console import Console

    from grokscope.cli.render.explanation import print_import
    from grokscope.explanation import identify
    from grokscope.interop import load_network, save_network

    imported = load_network(file, p=p, index=index, **stated)
    subject = None
    with contextlib.suppress(CheckpointError):  # a network for none of our tasks can be converted all the same
        subject = identify(imported, operation=operation)
        imported = subject.imported or imported
    save_network(imported, path, operation=imported.operation, overwrite=overwrite)
    print_import(imported, subject, path, Console())
