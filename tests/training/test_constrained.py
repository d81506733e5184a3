"""Bounds on the norms of weights, against norms computed otherwise."""

import pytest
import torch
from torch import nn

from grokscope.models import TransformerConfig
from grokscope.run import Experiment
from grokscope.run.build import initial_model, task_of, trainer_of
from grokscope.tasks import FiniteData, ModularConfig
from grokscope.training import AdamWConfig, ConstrainedConfig, SGDConfig
from grokscope.training.optimizers.constrained import spectral_norms, vector_norms


def trained(config: ConstrainedConfig, steps: int = 20) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The weights of a small network before and after some steps that would let them grow."""
    experiment = Experiment(
        name="tiny",
        task=ModularConfig(p=11, data=FiniteData(train_fraction=0.5)),
        model=TransformerConfig(d_model=16, n_heads=2, d_head=8, d_mlp=24),
        optimizer=config,
        dtype="float64",
    )
    task = task_of(experiment)
    model = initial_model(experiment, task)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer = trainer_of(experiment, model, task)
    for _ in range(steps):
        trainer.gradient()
        trainer.update()
    return before, dict(model.state_dict())


INNER = AdamWConfig(lr=0.05, weight_decay=0.0)


def norm(weights: dict[str, torch.Tensor]) -> float:
    return float(torch.cat([each.flatten() for each in weights.values()]).norm())


def test_without_a_bound_the_weights_grow():
    """The control of all others."""
    before, after = trained(ConstrainedConfig(inner=INNER, bound=1e6))
    assert norm(after) > 1.2 * norm(before)
    plain = trained(ConstrainedConfig(inner=INNER, bound=1e6, constraint="spectral"))[1]
    assert all(torch.equal(after[name], plain[name]) for name in after)


@pytest.mark.parametrize("bound", [0.6, 1.0])
def test_the_norm_of_all_weights_is_clamped(bound):
    before, after = trained(ConstrainedConfig(inner=INNER, bound=bound))
    assert norm(after) == pytest.approx(bound * norm(before))


@pytest.mark.parametrize("bound", [0.6, 1.0])
def test_every_matrix_is_within_its_spectral_norm(bound):
    before, after = trained(ConstrainedConfig(inner=INNER, bound=bound, constraint="spectral"))
    for name, weights in after.items():
        if weights.ndim >= 2:
            allowed = bound * torch.linalg.matrix_norm(before[name], ord=2)
            assert (torch.linalg.matrix_norm(weights, ord=2) <= allowed * (1 + 1e-9)).all(), name
    assert norm(after) != pytest.approx(norm(before))


def test_every_row_is_held_at_one_norm():
    before, after = trained(ConstrainedConfig(inner=INNER, bound=0.5, constraint="vectors"))
    for name, weights in after.items():
        if weights.ndim >= 2:
            held = 0.5 * before[name].square().sum(-1).mean(-1, keepdim=True).sqrt()
            torch.testing.assert_close(weights.norm(dim=-1), held.expand(weights.shape[:-1]))


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (3, 7, 4)])
def test_norms_are_those_of_linear_algebra(shape):
    matrix = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(spectral_norms(matrix)[..., 0, 0], torch.linalg.matrix_norm(matrix, ord=2))
    torch.testing.assert_close(vector_norms(matrix)[..., 0], torch.linalg.vector_norm(matrix, dim=-1))


def test_the_rate_multiplies_the_inner_one():
    weight = nn.Parameter(torch.ones(2, 2))
    config = ConstrainedConfig(inner=SGDConfig(lr=0.1, momentum=0.0), lr=0.5, bound=100.0)
    optimizer = config.build([weight])
    optimizer.param_groups[0]["lr"] = config.lr
    weight.grad = torch.ones(2, 2)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.full((2, 2), 1 - 0.05))
