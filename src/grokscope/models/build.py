"""From settings to a network."""

import torch

from grokscope.models.config import ModelConfig, TransformerConfig
from grokscope.models.mlp import MLP
from grokscope.models.transformer import Transformer
from grokscope.randomness import init_generator


def build_model(
    config: ModelConfig,
    *,
    d_vocab: int,
    d_vocab_out: int,
    n_ctx: int,
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> Transformer | MLP:
    """Return the network that ``config`` describes, with the initial weights of ``seed``."""
    sizes = {"d_vocab": d_vocab, "d_vocab_out": d_vocab_out, "n_ctx": n_ctx}
    generator = init_generator(seed)
    if isinstance(config, TransformerConfig):
        return Transformer(config, **sizes, generator=generator, dtype=dtype)
    return MLP(config, **sizes, generator=generator, dtype=dtype)
