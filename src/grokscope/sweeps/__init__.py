"""Many runs: what a sweep consists of, where and how it is trained, and what came of it."""

from grokscope.sweeps.cost import Cost as Cost
from grokscope.sweeps.cost import expected_cost as expected_cost
from grokscope.sweeps.destination import Destination as Destination
from grokscope.sweeps.engines import Engine as Engine
from grokscope.sweeps.engines import InProcess as InProcess
from grokscope.sweeps.engines import Processes as Processes
from grokscope.sweeps.jobs import Result as Result
from grokscope.sweeps.outcomes import measures_of as measures_of
from grokscope.sweeps.outcomes import outcome_row as outcome_row
from grokscope.sweeps.phase_grid import GridPoint as GridPoint
from grokscope.sweeps.phase_grid import outcome_of as outcome_of
from grokscope.sweeps.phase_grid import train_grid as train_grid
from grokscope.sweeps.plan import LogUniform as LogUniform
from grokscope.sweeps.plan import PlannedRun as PlannedRun
from grokscope.sweeps.plan import Sweep as Sweep
from grokscope.sweeps.plan import Uniform as Uniform
from grokscope.sweeps.sweeping import SweepFolder as SweepFolder
from grokscope.sweeps.sweeping import Watcher as Watcher
from grokscope.sweeps.sweeping import run_sweep as run_sweep
from grokscope.sweeps.ways import Way as Way
from grokscope.sweeps.ways import way_of as way_of
