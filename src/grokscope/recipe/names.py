"""The names of the recipes, known without importing PyTorch: a misspelt one is refused at once."""

from grokscope.errors import ConfigError, nearest

_FRACTIONS = ("0.95", "0.9", "0.8", "0.7", "0.6", "0.5", "0.4", "0.3", "0.28", "0.25")
_WIDTHS = (8, 16, 32, 64, 128, 256, 512, 1024)

RECIPES = (
    "mainline",
    "fast",
    "fastest",
    "small",
    "random-labels",
    "five-digit-addition",
    "five-digit-addition-small",
    "five-digit-addition-finite",
    "repeated-subsequences",
    "repeated-subsequences-finite",
    "repeated-subsequences-finite-short",
    "skip-trigrams",
    "skip-trigrams-finite",
    "mainline-infinite",
    *(f"mainline-fraction-{fraction}" for fraction in _FRACTIONS),
    *(f"mainline-decay-{decay}" for decay in ("0.1", "0.3", "3")),
    "mainline-no-regularisation",
    "mainline-no-regularisation-90",
    *(f"mainline-dropout-{rate}" for rate in ("0.2", "0.5")),
    "mainline-l1",
    *(f"mainline-width-{width}" for width in _WIDTHS),
)
"""In the order in which they are listed; :mod:`grokscope.recipe.registry` has what they mean."""


def names_a_file(name: str) -> bool:
    """Return whether ``name`` is that of a YAML file: it ends like one, and is no recipe's."""
    return name.endswith((".yaml", ".yml")) and name not in RECIPES


def unknown_recipe(name: str) -> ConfigError:
    """Return the error about a recipe that does not exist."""
    return ConfigError(f"no recipe is called {name!r}{nearest(name, RECIPES)}; see 'grokscope recipes'")
