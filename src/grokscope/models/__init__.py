"""What learns: networks with named parameters and named activations."""

from grokscope.models.build import build_model as build_model
from grokscope.models.config import MLPConfig as MLPConfig
from grokscope.models.config import ModelConfig as ModelConfig
from grokscope.models.config import TransformerConfig as TransformerConfig
from grokscope.models.mlp import MLP as MLP
from grokscope.models.network import Network as Network
from grokscope.models.stacking import member as member
from grokscope.models.stacking import stack as stack
from grokscope.models.transformer import Transformer as Transformer
