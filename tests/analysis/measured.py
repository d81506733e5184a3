"""All measures of a network by the names of their columns."""

from dataclasses import replace

import torch
from torch import Tensor

from grokscope.analysis.measures import as_columns, measure_network
from grokscope.models import MLP, Transformer
from grokscope.tasks import ModularTask


def measure(
    model: Transformer | MLP, task: ModularTask, frequencies: list[int], train: Tensor | None = None
) -> dict[str, float]:
    """Return the measures of a network whose training pairs are ``train``; without, as on infinite data."""
    if train is None:
        task = replace(task, train=None)
    else:
        assert task.train is not None
        assert torch.equal(train.nonzero().unique(dim=0), task.train.tokens[:, :2].unique(dim=0))
    return as_columns(measure_network(task, model, frequencies=frequencies))
