"""The named experiments: what each is for, what it takes, and what was published of it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from grokscope.errors import ConfigError
from grokscope.recipe import modular, sequences
from grokscope.recipe.definition import Recipe
from grokscope.recipe.names import names_a_file
from grokscope.registry import Registry
from grokscope.run import Experiment, load_experiment

Data = Literal["infinite", "finite"]

RECIPES = Registry[Callable[[], Recipe]]("recipe", "; see 'grokscope recipes'")

_PACKAGE: dict[str, Callable[[], Recipe]] = {
    "mainline": modular.mainline,
    "fast": modular.fast,
    "fastest": modular.fastest,
    "small": modular.small,
    "random-labels": modular.random_labels,
    "five-digit-addition": sequences.five_digit_addition,
    "five-digit-addition-small": sequences.five_digit_addition_small,
    "five-digit-addition-finite": sequences.five_digit_addition_finite,
    "repeated-subsequences": sequences.repeated_subsequences,
    "repeated-subsequences-finite": sequences.repeated_subsequences_finite,
    "repeated-subsequences-finite-short": sequences.repeated_subsequences_finite_short,
    "skip-trigrams": sequences.skip_trigrams,
    "skip-trigrams-finite": sequences.skip_trigrams_finite,
    "mainline-infinite": modular.mainline_infinite,
    **modular.variants(),
}
for _name, _make in _PACKAGE.items():
    RECIPES.add(_name, _make)


def register_recipe(name: str) -> Callable[[Callable[[], Recipe]], Callable[[], Recipe]]:
    """Return a decorator that registers the function which makes a recipe, under ``name``.

    Raises:
        ConfigError: another recipe has that name.

    Example:
        >>> @register_recipe("parity")
        ... def parity() -> Recipe:
        ...     return Recipe(Experiment(name="parity", task=ParityConfig()), duration="1 minute")
    """
    return lambda make: RECIPES.add(name, make)


def recipe_names() -> list[str]:
    """Return the names that :func:`recipe` knows."""
    return RECIPES.names


def recipe(name: str, data: Data | None = None) -> Recipe:
    """Return the recipe of that name.

    Args:
        name: as :func:`recipe_names` lists it.
        data: the same task with infinite or with finite data, which is a recipe of its own.

    Raises:
        ConfigError: there is none.
    """
    chosen = RECIPES[name]()
    if data is None or chosen.experiment.task.data.kind == data:
        return chosen
    other = f"{name}-{data}"
    if other not in RECIPES:
        raise ConfigError(
            f"{name} has {chosen.experiment.task.data.kind} data and no counterpart with {data} data; change it with "
            f"--set task.data.kind={data}"
        )
    return RECIPES[other]()


def experiment_called(name: str | os.PathLike[str], folder: Path = Path()) -> Experiment:
    """Return the experiment of a recipe, or the one in a YAML file.

    Args:
        name: of the recipe, or the path of the file.
        folder: from where a relative path leads.

    Raises:
        ConfigError: there is no such recipe, or the file holds no experiment.
        RunError: the file cannot be read.
    """
    if isinstance(name, str) and not names_a_file(name):
        return recipe(name).experiment
    return load_experiment(folder / name)


def published_of(experiment: Experiment) -> dict[str, object]:
    """Return the published numbers that a run of ``experiment`` must reproduce: those of the recipe it is, or none.

    A recipe's numbers hold for its own settings only; when to stop and what to keep may differ.
    """
    free = ("stop.", "evaluate_every", "checkpoint", "description", "name")
    for name in RECIPES:
        chosen = recipe(name)
        if chosen.published and all(key.startswith(free) for key in chosen.experiment.differences(experiment)):
            return chosen.published
    return {}
