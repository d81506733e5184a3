"""Named recipes: the published runs and their published numbers, as data."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:  # loaded on first use: the names of the recipes are known without PyTorch
    from grokscope.recipe.definition import Recipe as Recipe
    from grokscope.recipe.names import names_a_file as names_a_file
    from grokscope.recipe.registry import Data as Data
    from grokscope.recipe.registry import experiment_called as experiment_called
    from grokscope.recipe.registry import published_of as published_of
    from grokscope.recipe.registry import recipe as recipe
    from grokscope.recipe.registry import recipe_names as recipe_names
    from grokscope.recipe.registry import register_recipe as register_recipe

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "definition": ["Recipe"],
        "names": ["names_a_file"],
        "registry": ["Data", "experiment_called", "published_of", "recipe", "recipe_names", "register_recipe"],
    },
)
