"""How a network learns: loss, optimisers, schedules, stop rules, and the step that puts them together."""

from grokscope.training.ensemble import EnsembleTrainer as EnsembleTrainer
from grokscope.training.ensemble import Member as Member
from grokscope.training.evaluation import Evaluation as Evaluation
from grokscope.training.evaluation import Evaluator as Evaluator
from grokscope.training.loss import LossKind as LossKind
from grokscope.training.loss import relative_cross_entropy as relative_cross_entropy
from grokscope.training.optimizers import AdamConfig as AdamConfig
from grokscope.training.optimizers import AdamWConfig as AdamWConfig
from grokscope.training.optimizers import AnyOptimizerConfig as AnyOptimizerConfig
from grokscope.training.optimizers import ConstrainedConfig as ConstrainedConfig
from grokscope.training.optimizers import ExternalConfig as ExternalConfig
from grokscope.training.optimizers import MuonConfig as MuonConfig
from grokscope.training.optimizers import OptimizerConfig as OptimizerConfig
from grokscope.training.optimizers import SGDConfig as SGDConfig
from grokscope.training.optimizers import SwitchedConfig as SwitchedConfig
from grokscope.training.optimizers import register_optimizer as register_optimizer
from grokscope.training.schedules import Schedule as Schedule
from grokscope.training.stopping import Stop as Stop
from grokscope.training.trainer import Trainer as Trainer
