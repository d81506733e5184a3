"""The option ``--plugin``, which every command has."""

import os
from pathlib import Path
from typing import Annotated

import typer

from grokscope import plugins

_OPTION = "--plugin"


def plugins_first(arguments: list[str]) -> list[str]:
    """Return the arguments with every ``--plugin FILE`` before the command, wherever it stood."""
    first: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":  # what follows are no options
            return [*first, *rest, argument, *waiting]
        if argument == _OPTION and waiting:
            first += [argument, waiting.pop(0)]
        else:
            (first if argument.startswith(f"{_OPTION}=") else rest).append(argument)
    return [*first, *rest]


def load_plugins(
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            _OPTION, metavar="FILE", help="Python file that registers tasks, recipes, measures, …; may be repeated."
        ),
    ] = None,
) -> None:
    """Load the user's own files before the command runs."""
    if plugin or os.environ.get(plugins.VARIABLE):
        plugins.load_plugins(plugin or ())
