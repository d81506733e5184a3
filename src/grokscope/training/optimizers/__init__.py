"""Optimisers: the settings of each, and its rule for one network and for a stack of them; a module for each family."""

from grokscope.training.optimizers.adam import AdamConfig as AdamConfig
from grokscope.training.optimizers.adam import AdamWConfig as AdamWConfig
from grokscope.training.optimizers.base import OptimizerConfig as OptimizerConfig
from grokscope.training.optimizers.constrained import ConstrainedConfig as ConstrainedConfig
from grokscope.training.optimizers.external import ExternalConfig as ExternalConfig
from grokscope.training.optimizers.muon import MuonConfig as MuonConfig
from grokscope.training.optimizers.registry import OPTIMIZERS as OPTIMIZERS
from grokscope.training.optimizers.registry import AnyOptimizerConfig as AnyOptimizerConfig
from grokscope.training.optimizers.registry import register_optimizer as register_optimizer
from grokscope.training.optimizers.sgd import SGDConfig as SGDConfig
from grokscope.training.optimizers.stacked import SlotOptimizer as SlotOptimizer
from grokscope.training.optimizers.stacked import StackedOptimizer as StackedOptimizer
from grokscope.training.optimizers.switched import SwitchedConfig as SwitchedConfig
