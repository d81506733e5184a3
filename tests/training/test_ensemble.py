"""Runs trained together against the same runs trained one by one."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from grokscope.errors import ConfigError
from grokscope.recipe import recipe
from grokscope.run import Experiment
from grokscope.run.build import initial_model
from grokscope.tasks import Task
from grokscope.tasks.batches import FullBatch
from grokscope.training import EnsembleTrainer, Member, Trainer

TINY = {"task.p": 13, "model.d_model": 16, "model.n_heads": 2, "model.d_head": 8, "model.d_mlp": 24}


def experiment(**changes) -> Experiment:
    return recipe("mainline").experiment.override({**TINY, "task.data.train_fraction": 0.5, **changes})


KINDS = {
    "mainline": experiment(),
    "two layers of everything": experiment(
        **{"model.n_layers": 2, "model.layer_norm": True, "model.biases": "all", "model.dropout": 0.2}
    ),
    "attention only, sgd, l1": experiment(**{"model.attention_only": True, "optimizer.kind": "sgd", "l1": 1e-4}),
    "tied, adam, float64 loss": experiment(
        **{"model.tied_embeddings": True, "optimizer.kind": "adam", "optimizer.l2": 0.01, "loss": "float64"}
    ),
    "constant attention": experiment(**{"model.attention_coefficient": 0.0}),
    "mlp": experiment().override({"model.kind": "mlp", "model.d_model": 16, "model.d_mlp": 24}),
    "infinite": experiment().override({"task.data.kind": "infinite", "task.data.batch_size": 50}),
    "mini-batches": experiment(**{"task.data.batch_size": 30}),
    "skip-trigrams": recipe("skip-trigrams").experiment.override(
        {"task.data.batch_size": 20, "task.data.test_size": 50, "stop.steps": 10}
    ),
    "five-digit-addition": recipe("five-digit-addition").experiment.override(
        {
            "task.data.batch_size": 20,
            "task.data.test_size": 50,
            "model.d_model": 16,
            "model.d_head": 4,
            "model.d_mlp": 8,
        }
    ),
}


def own_rates(base: Experiment) -> list[Experiment]:
    """Three members that differ in all that members may differ in."""
    rate = base.optimizer.lr
    changes: list[dict] = [
        {"seed": 0},
        {"seed": 1, "optimizer.lr": 3 * rate, "schedule.warmup_steps": 3, "model.init_scale": 1.5},
        {"seed": 2, "l1": 1e-3, "schedule.decay": "cosine", "schedule.decay_to": 15},
    ]
    match base.optimizer.kind:
        case "adamw":
            changes[1] |= {"optimizer.weight_decay": 30.0, "optimizer.betas": [0.8, 0.9], "optimizer.eps": 1e-5}
        case "adam":
            changes[1] |= {"optimizer.l2": 0.1}
        case _:
            changes[1] |= {"optimizer.momentum": 0.0, "optimizer.l2": 0.1}
    return [base.override({"dtype": "float64", **change}) for change in changes]


def parts_of(experiment: Experiment) -> tuple:
    seeds = experiment.seeds
    task = experiment.task.build(split_seed=seeds.split, data_seed=seeds.data)
    return initial_model(experiment, task), task


def alone(experiment: Experiment, task: Task | None = None) -> Trainer:
    model, own = parts_of(experiment)
    return Trainer(
        model,
        task or own,
        optimizer=experiment.optimizer,
        schedule=experiment.schedule,
        loss=experiment.loss,
        l1=experiment.l1,
        noise_seed=experiment.seeds.noise,
    )


def together(experiments: Sequence[Experiment]) -> EnsembleTrainer:
    members = [
        Member(*parts_of(each), each.optimizer, each.schedule, each.l1, each.seeds.noise) for each in experiments
    ]
    return EnsembleTrainer(members, loss=experiments[0].loss)


def losses_of(trainer: Trainer, steps: int) -> Tensor:
    losses = []
    for _ in range(steps):
        losses.append(trainer.gradient().loss.item())
        trainer.update()
    return torch.tensor(losses, dtype=torch.float64)


def losses_of_all(ensemble: EnsembleTrainer, steps: int) -> Tensor:
    losses = []
    for _ in range(steps):
        losses.append(ensemble.gradient(with_losses=True).losses)
        ensemble.update()
    return torch.tensor(losses, dtype=torch.float64).T


def same_state(one: dict[str, Tensor], other: dict[str, Tensor], tolerance: float = 1e-9) -> None:
    assert one.keys() == other.keys()
    for name, value in other.items():
        assert one[name].shape == value.shape
        assert one[name].dtype == value.dtype
        if name.endswith(
            "b_K"
        ):  # adds the same to all scores of a query: its gradient is rounding, which Adam blows up
            continue
        torch.testing.assert_close(one[name], value, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_every_member_learns_what_it_learns_alone(kind):
    """In float64: from the same weights, on the same examples, along the same schedule, to the same state."""
    experiments = own_rates(KINDS[kind])
    ensemble = together(experiments)
    losses = losses_of_all(ensemble, 20)
    tests = ensemble.test()
    assert tests is not None
    found = ensemble.gradient(with_evaluations=True).evaluations
    assert found is not None
    for run, each in enumerate(experiments):
        trainer = alone(each)
        torch.testing.assert_close(losses[run], losses_of(trainer, 20), rtol=1e-9, atol=0)
        same_state(ensemble.state(run), trainer.state())
        train, test = trainer.gradient(with_evaluation=True).evaluation, trainer.test()
        assert train is not None
        assert test is not None
        for got, expected in ((tests[run], test), (found[run], train)):
            assert got.loss == pytest.approx(expected.loss, rel=1e-7)
            assert got.accuracy == pytest.approx(expected.accuracy, abs=1e-7)  # alone, a mean in float32
            assert got.subtasks == pytest.approx(expected.subtasks, rel=1e-9, nan_ok=True)


def test_it_begins_at_exactly_the_same_weights_and_data():
    experiments = own_rates(KINDS["mainline"])
    ensemble = together(experiments)
    for run, each in enumerate(experiments):
        expected = alone(each).state()
        state = ensemble.state(run)
        assert state.keys() == expected.keys()
        assert all(torch.equal(state[name], value) for name, value in expected.items())


@pytest.mark.slow
def test_in_float32_losses_differ_by_rounding_for_a_hundred_steps():
    """The control: the same run alone with its examples in another order, which changes nothing but rounding."""
    base = recipe("small").experiment.override({"optimizer.lr": 1e-3, "task.p": 31})
    experiments = [base.override({"seed": seed, "optimizer.weight_decay": 1.0 + seed}) for seed in range(2)]
    together_losses = losses_of_all(together(experiments), 101)
    apart, reordered = [], []
    for run, each in enumerate(experiments):
        own = losses_of(alone(each), 101)
        _, task = parts_of(each)
        for seed in range(3):
            order = torch.randperm(len(task.train), generator=torch.Generator().manual_seed(seed))
            shuffled = task.train.select(order)
            control = losses_of(alone(each, replace(task, train=shuffled, batches=FullBatch(shuffled))), 101)
            reordered.append(float(((control - own).abs() / own).max()))
        difference = (together_losses[run] - own).abs() / own
        assert float(difference[:31].max()) < 5e-7
        apart.append(float(difference.max()))
    assert max(apart) <= 2 * max(reordered)
    assert max(apart) < 1e-3


@pytest.mark.parametrize("kind", ["mainline", "infinite", "five-digit-addition", "two layers of everything"])
def test_members_leave_and_the_rest_go_on(kind):
    experiments = own_rates(KINDS[kind])
    whole, shrinking = together(experiments), together(experiments)
    losses_of_all(whole, 5)
    losses_of_all(shrinking, 5)
    shrinking.keep([2, 0])
    assert shrinking.n_members == 2
    more, fewer = losses_of_all(whole, 5), losses_of_all(shrinking, 5)
    torch.testing.assert_close(fewer, more[[2, 0]], rtol=1e-9, atol=0)
    same_state(shrinking.state(0), whole.state(2))
    shrinking.keep([1])
    more, fewer = losses_of_all(whole, 5), losses_of_all(shrinking, 5)
    torch.testing.assert_close(fewer, more[[0]], rtol=1e-9, atol=0)
    assert shrinking.test()[0].loss == pytest.approx(whole.test()[0].loss, rel=1e-9)  # type: ignore[index]


@pytest.mark.parametrize("kind", ["mainline", "attention only, sgd, l1", "tied, adam, float64 loss"])
def test_either_goes_on_from_the_others_state(kind):
    experiments = own_rates(KINDS[kind])
    trainers = [alone(each) for each in experiments]
    for trainer in trainers:
        losses_of(trainer, 7)
    ensemble = together(experiments)
    ensemble.load_states([trainer.state() for trainer in trainers])
    assert ensemble.step == 7
    for run, trainer in enumerate(trainers):
        same_state(ensemble.state(run), trainer.state(), 0.0)
    losses = losses_of_all(ensemble, 5)
    for run, (each, trainer) in enumerate(zip(experiments, trainers, strict=True)):
        torch.testing.assert_close(losses[run], losses_of(trainer, 5), rtol=1e-9, atol=0)
        back = alone(each)
        back.load_state(ensemble.state(run))
        torch.testing.assert_close(losses_of(back, 3), losses_of(trainer, 3), rtol=1e-9, atol=0)


def test_a_state_aliases_nothing():
    ensemble = together(own_rates(KINDS["mainline"]))
    losses_of_all(ensemble, 2)
    state = ensemble.state(1)
    before = {name: value.clone() for name, value in state.items()}
    losses_of_all(ensemble, 2)
    assert all(torch.equal(state[name], value) for name, value in before.items())


def test_one_that_diverges_leaves_the_others_alone():
    base = KINDS["mainline"]
    wild = base.override({"seed": 1, "optimizer.lr": 1e30, "schedule.warmup_steps": 0})
    losses = losses_of_all(together([base, wild]), 6)
    assert not losses[1].isfinite().all()
    torch.testing.assert_close(losses[0], losses_of(alone(base), 6), rtol=1e-6, atol=0)


def test_runs_that_do_not_fit_together_are_refused():
    base = KINDS["mainline"]
    with pytest.raises(ConfigError, match=r"network 1 is .* only networks of one shape are stacked"):
        together([base, base.override({"model.d_mlp": 25})])
    with pytest.raises(ConfigError, match=r"run 1 has examples of shape \(50, 3\), run 0 of \(84, 3\); train"):
        together([base, base.override({"task.data.train_fraction": 0.3})])
    with pytest.raises(ConfigError, match="one kind of optimiser, got adamw, sgd"):
        together([base, base.override({"optimizer.kind": "sgd"})])
    with pytest.raises(ConfigError, match="others have none; train them apart"):
        together([base, KINDS["infinite"]])
    ensemble, later = together([base, base]), alone(base)
    losses_of(later, 2)
    with pytest.raises(ConfigError, match=r"go in step, and these are at \[0, 2\]; train them apart"):
        ensemble.load_states([alone(base).state(), later.state()])


def test_larger_initial_weights_are_the_same_numbers_times_the_scale():
    base = KINDS["mainline"]
    plain, scaled = alone(base).state(), alone(base.override({"model.init_scale": 4.0})).state()
    for name, value in plain.items():
        torch.testing.assert_close(scaled[name], value if name == "step" else 4 * value, rtol=0, atol=0)
    assert any(bool(value.any()) for name, value in plain.items() if name.startswith("model."))
