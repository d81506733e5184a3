"""Named recipes: the published runs and their published numbers, as data."""

from grokscope.experiments.recipe import Recipe as Recipe
from grokscope.experiments.recipes import Data as Data
from grokscope.experiments.recipes import published_of as published_of
from grokscope.experiments.recipes import recipe as recipe
from grokscope.experiments.recipes import recipe_names as recipe_names
from grokscope.experiments.train import default_folder as default_folder
from grokscope.experiments.train import train as train
