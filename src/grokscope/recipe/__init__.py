"""Named recipes: the published runs and their published numbers, as data."""

from grokscope.recipe.recipe import Recipe as Recipe
from grokscope.recipe.registry import Data as Data
from grokscope.recipe.registry import published_of as published_of
from grokscope.recipe.registry import recipe as recipe
from grokscope.recipe.registry import recipe_names as recipe_names
from grokscope.recipe.registry import register_recipe as register_recipe
