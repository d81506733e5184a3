"""Many runs: grids of experiments, and what came of them."""

from grokscope.sweeps.phase_grid import GridPoint as GridPoint
from grokscope.sweeps.phase_grid import outcome_of as outcome_of
from grokscope.sweeps.phase_grid import train_grid as train_grid
