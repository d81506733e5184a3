"""Many runs: what a sweep consists of, where and how it is trained, and what its runs reached."""

from grokscope.sweeps.backend import SweepBackend as SweepBackend
from grokscope.sweeps.backend import sweep_backend as sweep_backend
from grokscope.sweeps.engines.local import Engine as Engine
from grokscope.sweeps.engines.local import Processes as Processes
from grokscope.sweeps.engines.local import Serial as Serial
from grokscope.sweeps.estimate import Cost as Cost
from grokscope.sweeps.estimate import expected_cost as expected_cost
from grokscope.sweeps.folder import SweepFolder as SweepFolder
from grokscope.sweeps.jobs import Result as Result
from grokscope.sweeps.outcomes import measures_of as measures_of
from grokscope.sweeps.plan import LogUniform as LogUniform
from grokscope.sweeps.plan import PlannedRun as PlannedRun
from grokscope.sweeps.plan import Sweep as Sweep
from grokscope.sweeps.plan import Uniform as Uniform
from grokscope.sweeps.results import SweepOutcomes as SweepOutcomes
from grokscope.sweeps.run import run_sweep as run_sweep
from grokscope.sweeps.storage import Storage as Storage
from grokscope.sweeps.storage import storage_at as storage_at
