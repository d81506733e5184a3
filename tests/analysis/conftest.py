"""Tiny networks whose neurons have known frequencies."""

import math
from collections.abc import Callable

import pytest
import torch

from grokscope.analysis.modular.measures import coordinates_of
from grokscope.models import MLP, MLPConfig
from grokscope.randomness import init_generator
from grokscope.tasks import ModularTask

PER_KEY = 4


@pytest.fixture
def planted() -> Callable[..., MLP]:
    """Return an MLP of planted neurons: ReLU(cos(wi + φ) + cos(wj + φ)), four phases a frequency, random read-out."""
    return _planted


def _planted(task: ModularTask, keys: list[int]) -> MLP:
    config = MLPConfig(d_model=2 * len(keys), d_mlp=PER_KEY * len(keys), shared_embedding=False)
    sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
    model = MLP(config, **sizes, generator=init_generator(0))
    coordinates = coordinates_of(task)
    i = torch.arange(coordinates.n)
    first = model.blocks[0].mlp.W_in
    with torch.no_grad():
        model.embed.W_E.zero_()
        first.zero_()
        for place, k in enumerate(keys):
            angle = 2 * math.pi * k / coordinates.n * i
            for position, axis in enumerate((coordinates.a, coordinates.b)):
                model.embed.W_E[position, axis, 2 * place] = angle.cos()
                model.embed.W_E[position, axis, 2 * place + 1] = angle.sin()
                for neuron in range(PER_KEY):
                    phase, m = 2 * math.pi * (neuron + 0.5) / PER_KEY, PER_KEY * place + neuron
                    row = position * config.d_model + 2 * place
                    first[row, m], first[row + 1, m] = math.cos(phase), math.sin(phase)
    return model.requires_grad_(False)
