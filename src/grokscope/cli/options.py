"""Arguments and options that several commands have, and what became of renamed ones."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from grokscope.errors import ConfigError, RunError

RENAMED_COMMANDS = {"experiments": "recipes"}
"""Old names and new ones: whoever types an old one is told the new one."""


def recipe_names(incomplete: str) -> Iterator[str]:
    """Yield names of recipes, for completion in a shell."""
    from grokscope.recipe.names import RECIPES

    return (name for name in RECIPES if name.startswith(incomplete))


def run_folders(incomplete: str) -> Iterator[str]:
    """Yield folders of runs below ``runs``, or below what has been typed, for completion in a shell."""
    typed = Path(incomplete or "runs")
    folder = typed if typed.is_dir() else typed.parent
    if not folder.is_dir():
        return
    for child in sorted(folder.iterdir()):
        if child.is_dir() and str(child).startswith(incomplete):
            yield str(child)


RunArgument = Annotated[
    Path,
    typer.Argument(metavar="RUN", help="A run's folder, for example runs/mainline.", autocompletion=run_folders),
]
StepOption = Annotated[int | None, typer.Option(help="The checkpoint to look at [the last].")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", "-s", metavar="NAME=VALUE", help="Another setting; may be repeated.")
]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
ThreadsOption = Annotated[
    int | None, typer.Option(metavar="INT", min=1, max=1024, help="CPU threads [PyTorch's choice].")
]
Frequencies = Annotated[
    str | None,
    typer.Option(metavar="K,K,…", help="The key frequencies, instead of those read off the (last) network."),
]
Modulus = Annotated[int | None, typer.Option(metavar="INT", help="A file's modulus, where shapes do not show it.")]
Index = Annotated[
    int | None, typer.Option(metavar="INT", help="Which network of a file that has a list of them [the last].")
]
Operation = Annotated[
    str | None,
    typer.Option(help="What a file's network computes: add, subtract, 'a + 2*b' … [inferred from its answers]."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="NAME=VALUE",
        help="What a file's weights do not show: attention_coefficient, activation, residual_scale, causal.",
    ),
]
Every = Annotated[
    int | None,
    typer.Option(metavar="STEPS", min=1, help="Only checkpoints at multiples of this step, and the last."),
]


def require_known(name: str) -> None:
    """Refuse a name that is neither a recipe's nor a YAML file's, before anything heavy is imported.

    Raises:
        ConfigError: there is no such recipe, or the file is not called .yaml.
    """
    from grokscope.plugins import plugins_are_expected
    from grokscope.recipe.names import RECIPES, names_a_file, unknown_recipe

    if name in RECIPES or names_a_file(name) or plugins_are_expected():
        return
    if Path(name).is_file():
        raise ConfigError(f"{name} is a file but not called .yaml; rename it, or give a recipe's name")
    raise unknown_recipe(name)


def assignments(texts: list[str]) -> dict[str, Any]:
    """Return the settings that ``--set NAME=VALUE`` gives, by name.

    Raises:
        ConfigError: a text has no name or no ``=``.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {text!r}: expected NAME=VALUE, for example --set model.d_mlp=256")
        settings[name.strip()] = value_of(value)
    return settings


def value_of(text: str) -> Any:
    """Return the value of ``text`` in YAML; the experiment's own validation names the setting if it is wrong."""
    from grokscope.config import load_yaml

    try:
        return load_yaml(text)
    except RunError:
        return text


def frequencies_in(text: str | None) -> list[int] | None:
    """Return the frequencies of an option like ``14,35,41``.

    Raises:
        ConfigError: they are not whole numbers.
    """
    if text is None:
        return None
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError as error:
        raise ConfigError(f"--frequencies {text!r}: expected whole numbers with commas, like 14,35,41") from error


def set_threads(threads: int | None) -> None:
    """Let PyTorch use so many CPU threads; its own choice if None."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
