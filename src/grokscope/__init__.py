"""grokscope: train small networks until they grok, watch the circuit form, and prove what they learned.

>>> import grokscope as gs
>>> run = gs.train("fast", seed=1)
>>> run.metrics            # a data frame
>>> run.model(step=100)    # the network at that step
"""

from grokscope.analysis import find_phases as find_phases
from grokscope.analysis import fourier_summary as fourier_summary
from grokscope.errors import ConfigError as ConfigError
from grokscope.errors import DivergenceError as DivergenceError
from grokscope.errors import GrokscopeError as GrokscopeError
from grokscope.errors import HookError as HookError
from grokscope.errors import RunError as RunError
from grokscope.models import MLP as MLP
from grokscope.models import MLPConfig as MLPConfig
from grokscope.models import Transformer as Transformer
from grokscope.models import TransformerConfig as TransformerConfig
from grokscope.recipe import recipe as recipe
from grokscope.recipe import recipe_names as recipe_names
from grokscope.run import Execution as Execution
from grokscope.run import Experiment as Experiment
from grokscope.run import Run as Run
from grokscope.run import Seeds as Seeds
from grokscope.run import find_runs as find_runs
from grokscope.run import load_experiment as load_experiment
from grokscope.tasks import FiniteData as FiniteData
from grokscope.tasks import InfiniteData as InfiniteData
from grokscope.tasks import ModularConfig as ModularConfig
from grokscope.tasks import Task as Task
from grokscope.training import AdamConfig as AdamConfig
from grokscope.training import AdamWConfig as AdamWConfig
from grokscope.training import Schedule as Schedule
from grokscope.training import SGDConfig as SGDConfig
from grokscope.training import Stop as Stop
from grokscope.training import Trainer as Trainer
from grokscope.workflows import train as train

__version__ = "0.1.0"
