"""Many runs: grids of experiments, and what came of them."""

from grokscope.sweeps.outcomes import measures_of as measures_of
from grokscope.sweeps.outcomes import outcome_row as outcome_row
from grokscope.sweeps.phase_grid import GridPoint as GridPoint
from grokscope.sweeps.phase_grid import outcome_of as outcome_of
from grokscope.sweeps.phase_grid import train_grid as train_grid
from grokscope.sweeps.plan import LogUniform as LogUniform
from grokscope.sweeps.plan import PlannedRun as PlannedRun
from grokscope.sweeps.plan import Sweep as Sweep
from grokscope.sweeps.plan import Uniform as Uniform
