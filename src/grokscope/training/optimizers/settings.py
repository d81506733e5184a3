"""Optimisers, as settings."""

from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from grokscope.config import Config

Beta = Annotated[float, Field(ge=0, lt=1)]


class AdamWConfig(Config):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019); the defaults are the paper's."""

    kind: Literal["adamw"] = "adamw"
    lr: float = Field(default=1e-3, gt=0, description="learning rate")
    weight_decay: float = Field(
        default=1.0, ge=0, description="each step multiplies every weight by 1 − lr·weight_decay"
    )
    betas: tuple[Beta, Beta] = (0.9, 0.98)
    eps: float = Field(default=1e-8, gt=0)


class AdamConfig(Config):
    """Adam (Kingma & Ba 2015) with an L2 penalty added to the gradient."""

    kind: Literal["adam"] = "adam"
    lr: float = Field(default=1e-3, gt=0, description="learning rate")
    l2: float = Field(default=0.0, ge=0, description="adds l2·w to the gradient of every weight w")
    betas: tuple[Beta, Beta] = (0.9, 0.98)
    eps: float = Field(default=1e-8, gt=0)


class SGDConfig(Config):
    """Stochastic gradient descent with momentum and an L2 penalty."""

    kind: Literal["sgd"] = "sgd"
    lr: float = Field(default=0.1, gt=0, description="learning rate")
    l2: float = Field(default=0.0, ge=0, description="adds l2·w to the gradient of every weight w")
    momentum: float = Field(default=0.9, ge=0, lt=1)
    nesterov: bool = False


OptimizerConfig = Annotated[AdamWConfig | AdamConfig | SGDConfig, Field(discriminator="kind")]


def build_optimizer(config: OptimizerConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimiser that ``config`` describes, in its fused form; it decays every parameter, biases too."""
    match config:
        case AdamWConfig():
            return torch.optim.AdamW(
                parameters, config.lr, config.betas, config.eps, weight_decay=config.weight_decay, fused=True
            )
        case AdamConfig():
            return torch.optim.Adam(parameters, config.lr, config.betas, config.eps, weight_decay=config.l2, fused=True)
        case SGDConfig():
            return torch.optim.SGD(
                parameters,
                config.lr,
                config.momentum,
                weight_decay=config.l2,
                nesterov=config.nesterov,
                fused=True,
            )
