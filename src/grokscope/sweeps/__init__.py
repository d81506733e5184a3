"""Many runs: what a sweep consists of, where and how it is trained, and what came of it."""

from grokscope.sweeps.backend import Way as Way
from grokscope.sweeps.backend import way_of as way_of
from grokscope.sweeps.engines.local import Engine as Engine
from grokscope.sweeps.engines.local import InProcess as InProcess
from grokscope.sweeps.engines.local import Processes as Processes
from grokscope.sweeps.estimate import Cost as Cost
from grokscope.sweeps.estimate import expected_cost as expected_cost
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
from grokscope.sweeps.run import SweepFolder as SweepFolder
from grokscope.sweeps.run import Watcher as Watcher
from grokscope.sweeps.run import run_sweep as run_sweep
from grokscope.sweeps.storage import Destination as Destination
