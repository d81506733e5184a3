"""Every registered optimiser alone against itself in an ensemble, and optimisers that a user adds."""

from collections.abc import Iterable, Sequence
from typing import Literal

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from grokscope.errors import ConfigError
from grokscope.models import TransformerConfig
from grokscope.run import Execution, Experiment, ensemble_key, record_ensemble, record_run
from grokscope.run.build import initial_model, member_of, task_of
from grokscope.run.experiment import experiment_from
from grokscope.tasks import FiniteData, ModularConfig
from grokscope.training import (
    AdamConfig,
    AdamWConfig,
    EnsembleTrainer,
    MuonConfig,
    OptimizerConfig,
    SGDConfig,
    Stop,
    SwitchedConfig,
    Trainer,
    register_optimizer,
)
from grokscope.training.optimizers import OPTIMIZERS, SlotOptimizer

BASE = Experiment(
    name="tiny",
    task=ModularConfig(p=11, data=FiniteData(train_fraction=0.5)),
    model=TransformerConfig(d_model=16, n_heads=2, d_head=8, d_mlp=24),
    dtype="float64",
    stop=Stop(steps=12),
    checkpoint_every=6,
)
VARIED = {
    "adamw": {
        "optimizer.weight_decay": 30.0,
        "optimizer.betas": [0.8, 0.9],
        "optimizer.eps": 1e-5,
        "optimizer.rates": {"embed.W_E": 2.0, "blocks.0.mlp.b_in": 0.0},
    },
    "adam": {"optimizer.l2": 0.1, "optimizer.betas": [0.8, 0.9], "optimizer.eps": 1e-5},
    "sgd": {"optimizer.momentum": 0.0, "optimizer.l2": 0.1},
    "muon": {"optimizer.momentum": 0.5, "optimizer.rates": {"embed.W_E": 2.0}},
    "constrained": {"optimizer.bound": 0.7, "optimizer.inner.weight_decay": 3.0},
    "external": {"optimizer.arguments": {"weight_decay": 3.0}},
    "switched": {"optimizer.at": 5, "optimizer.first.momentum": 0.5, "optimizer.second.weight_decay": 3.0},
}
"""Of each kind, settings in which the members of an ensemble may differ beside the learning rate."""


def members_of(kind: str) -> list[Experiment]:
    base = BASE.override({"optimizer.kind": kind}) if kind != BASE.optimizer.kind else BASE
    rate = base.optimizer.lr
    return [
        base,
        base.override({"seed": 1, "optimizer.lr": 3 * rate, "schedule.warmup_steps": 3, **VARIED.get(kind, {})}),
        base.override({"seed": 2, "l1": 1e-3, "schedule.decay": "cosine", "schedule.decay_to": 15}),
    ]


def alone(experiment: Experiment) -> Trainer:
    task = task_of(experiment)
    return Trainer(
        initial_model(experiment, task),
        task,
        optimizer=experiment.optimizer,
        schedule=experiment.schedule,
        l1=experiment.l1,
    )


def together(experiments: Sequence[Experiment]) -> EnsembleTrainer:
    return EnsembleTrainer([member_of(each, task_of(each), torch.device("cpu")) for each in experiments])


def train(trainer: Trainer | EnsembleTrainer, steps: int) -> None:
    for _ in range(steps):
        trainer.gradient()
        trainer.update()


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in other.items():
        assert one[name].dtype == value.dtype
        torch.testing.assert_close(one[name], value, rtol=1e-9, atol=1e-9)


@register_optimizer
class SignConfig(OptimizerConfig):
    """A user's own, of which nothing but the step of one network is written."""

    kind: Literal["sign"] = "sign"
    shrink: float = 0.0

    @property
    def summary(self) -> str:
        return f"sign descent, learning rate {self.lr:g}"

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return SignDescent(parameters, self.lr, self.shrink)


class SignDescent(torch.optim.Optimizer):
    """Steps along the sign of a running mean, of matrices and of vectors in groups of their own."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, shrink: float) -> None:
        parameters = list(parameters)
        groups = [
            {"params": [each for each in parameters if (each.ndim < 2) == is_vector]} for is_vector in (True, False)
        ]
        super().__init__(groups, {"lr": lr, "shrink": shrink})

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for group in self.param_groups:
            for weights in group["params"]:
                mean = self.state[weights].setdefault("mean", torch.zeros_like(weights))
                mean.lerp_(weights.grad, 0.1)
                weights.mul_(1 - group["lr"] * group["shrink"]).sub_(group["lr"] * mean.sign())


class StackedUnit(SlotOptimizer["UnitConfig"]):
    """The same on rows; lengths are of each parameter, not of the whole row."""

    slots = ("travelled",)

    def move(self, gradient: Tensor, lr: Tensor) -> None:
        moved = self.layout.split(self.weights)
        for name, each in self.layout.split(gradient).items():
            length = each.flatten(1).norm(dim=1).clamp(min=1e-12).view(-1, *(1,) * (each.ndim - 1))
            moved[name].sub_(each / length * self.as_weights(lr).view(length.shape))
        self.memory["travelled"].add_(self.as_weights(lr))


@register_optimizer
class UnitConfig(OptimizerConfig):
    """A user's own with a stacked step: every parameter moves by the learning rate, whatever its gradient's size."""

    kind: Literal["unit"] = "unit"

    stacked = StackedUnit

    @property
    def summary(self) -> str:
        return f"unit steps, learning rate {self.lr:g}"

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return UnitSteps(parameters, {"lr": self.lr})


class UnitSteps(torch.optim.Optimizer):
    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for group in self.param_groups:
            for weights in group["params"]:
                weights.sub_(weights.grad / weights.grad.norm().clamp(min=1e-12) * group["lr"])
                self.state[weights].setdefault("travelled", torch.zeros_like(weights)).add_(group["lr"])


@pytest.fixture(autouse=True, scope="module")
def _only_here():
    """Take the test's own optimisers out of the registry again."""
    yield
    for kind in ("sign", "unit"):
        OPTIMIZERS._entries.pop(kind, None)


KINDS = OPTIMIZERS.names


@pytest.mark.parametrize("kind", KINDS)
class TestEveryOptimizer:
    def test_alone_is_the_same_as_in_an_ensemble(self, kind):
        experiments = members_of(kind)
        ensemble = together(experiments)
        train(ensemble, 15)
        for place, experiment in enumerate(experiments):
            trainer = alone(experiment)
            train(trainer, 15)
            assert_same(ensemble.state(place), trainer.state())

    def test_each_goes_on_from_the_others_state(self, kind):
        experiments = members_of(kind)
        trainers = [alone(each) for each in experiments]
        for trainer in trainers:
            train(trainer, 6)
        ensemble = together(experiments)
        ensemble.load_states([trainer.state() for trainer in trainers])
        train(ensemble, 4)
        for place, (experiment, trainer) in enumerate(zip(experiments, trainers, strict=True)):
            train(trainer, 4)
            assert_same(ensemble.state(place), trainer.state())
            back = alone(experiment)
            back.load_state(ensemble.state(place))
            train(back, 4)
            train(trainer, 4)
            assert_same(back.state(), trainer.state())

    def test_a_member_that_leaves_changes_nothing_for_the_others(self, kind):
        experiments = members_of(kind)
        ensemble = together(experiments)
        train(ensemble, 5)
        ensemble.keep([2, 1])
        train(ensemble, 5)
        for place, number in enumerate((2, 1)):
            trainer = alone(experiments[number])
            train(trainer, 10)
            assert_same(ensemble.state(place), trainer.state())

    def test_at_the_beginning_nothing_is_remembered(self, kind):
        experiments = members_of(kind)
        ensemble, trainer = together(experiments), alone(experiments[0])
        assert ensemble.state(0).keys() == trainer.state().keys()
        assert not any(name.startswith("optimizer.") for name in trainer.state())

    def test_recorded_and_resumed_to_the_same_bits(self, kind, tmp_path):
        experiment = members_of(kind)[1].override({"schedule.decay": "none"})
        execution = Execution(device="cpu", threads=1)
        whole = record_run(experiment, tmp_path / "whole", execution=execution)
        record_run(experiment.override({"stop.steps": 6}), tmp_path / "halves", execution=execution)
        halves = record_run(experiment, tmp_path / "halves", execution=execution, resume=True)
        assert (halves.folder.resume.read_bytes()) == whole.folder.resume.read_bytes()
        assert halves.experiment == experiment, "as read back from its file"

    def test_says_itself_with_its_rate(self, kind):
        config = OPTIMIZERS[kind](lr=0.25)
        assert "0.25" in config.summary
        assert experiment_from({"optimizer": config.model_dump(mode="json")}).optimizer == config

    def test_members_may_differ_in_all_but_what_must_be_alike(self, kind):
        first, second, third = members_of(kind)
        assert ensemble_key(first) == ensemble_key(second) == ensemble_key(third)


def test_kinds_have_keys_of_their_own():
    assert len({ensemble_key(members_of(kind)[0]) for kind in KINDS}) == len(KINDS)


def test_what_must_be_alike_is_checked():
    nesterov = members_of("sgd")[0].override({"optimizer.nesterov": True})
    assert ensemble_key(nesterov) != ensemble_key(members_of("sgd")[0])
    with pytest.raises(ConfigError, match=r"one value of optimizer\.nesterov; train them apart"):
        together([members_of("sgd")[0], nesterov])


def test_a_users_own_is_recorded_in_an_ensemble(tmp_path):
    """By its name alone: the steps of its networks are taken one after the other."""
    experiments = [BASE.override({"optimizer.kind": "sign", "seed": seed, "stop.steps": 6 + seed}) for seed in range(3)]
    runs = record_ensemble(experiments, [tmp_path / str(seed) for seed in range(3)])
    for seed, run in enumerate(runs):
        trainer = alone(experiments[seed])
        train(trainer, 6 + seed)
        assert run.status == "finished"
        torch.testing.assert_close(run.weights()["embed.W_E"], trainer.state()["model.embed.W_E"])


class TestSwitched:
    """The change falls on step 6, between two halves of a run, or elsewhere."""

    @pytest.mark.parametrize("at", [1, 5, 6, 7, 100])
    def test_resumed_on_either_side_of_the_change_to_the_same_bits(self, at, tmp_path):
        experiment = BASE.override({"optimizer.kind": "switched", "optimizer.at": at})
        whole = record_run(experiment, tmp_path / "whole")
        record_run(experiment.override({"stop.steps": 6}), tmp_path / "halves")
        halves = record_run(experiment, tmp_path / "halves", resume=True)
        assert halves.folder.resume.read_bytes() == whole.folder.resume.read_bytes()

    def test_updates_are_counted_where_the_first_remembers_nothing(self, tmp_path):
        both = SwitchedConfig(first=SGDConfig(momentum=0), second=AdamWConfig(), at=9)
        experiment = BASE.model_copy(update={"optimizer": both})
        whole = record_run(experiment, tmp_path / "whole")
        record_run(experiment.override({"stop.steps": 6}), tmp_path / "halves")
        halves = record_run(experiment, tmp_path / "halves", resume=True)
        assert halves.folder.resume.read_bytes() == whole.folder.resume.read_bytes()

    def test_is_the_first_and_then_the_second_begun_afresh(self):
        muon, adamw = MuonConfig(lr=0.1), AdamWConfig(lr=0.01, weight_decay=3.0)
        both = SwitchedConfig(first=muon, second=adamw, at=4)
        switched = alone(BASE.model_copy(update={"optimizer": both}))
        train(switched, 7)
        first = alone(BASE.model_copy(update={"optimizer": muon}))
        train(first, 4)
        second = Trainer(first.model, task_of(BASE), optimizer=adamw, schedule=BASE.schedule)
        second.step = 4
        train(second, 3)
        weights = dict(second.model.named_parameters())
        for name, value in switched.model.named_parameters():
            torch.testing.assert_close(value, weights[name])

    def test_the_first_is_annealed_and_the_second_warmed_up_linearly(self):
        descent = SGDConfig(momentum=0)
        plain, changing = (
            alone(BASE.model_copy(update={"optimizer": SwitchedConfig(first=descent, second=descent, at=4, **over)}))
            for over in ({}, {"anneal": 4, "warmup": 2})
        )
        name = "model.embed.W_E"
        for share in (1.0, 0.75, 0.5, 0.25, 0.5, 1.0, 1.0):
            before = changing.state()[name]
            plain.load_state(changing.state())
            train(plain, 1)
            train(changing, 1)
            whole = plain.state()[name] - before
            torch.testing.assert_close(changing.state()[name] - before, share * whole)

    def test_annealing_longer_than_it_moves(self):
        with pytest.raises(ValidationError, match="anneal is 7, and the first one makes 4 updates only"):
            SwitchedConfig(at=4, anneal=7)

    def test_a_parameter_that_is_not_there(self):
        with pytest.raises(ConfigError, match=r"rates: the network has no parameter 'embed\.W_X'; did you mean"):
            alone(BASE.override({"optimizer.kind": "switched", "optimizer.first.rates": {"embed.W_X": 2.0}}))


class TestRefusals:
    def test_an_unknown_kind_names_those_that_are_known(self):
        with pytest.raises(ConfigError, match=r"optimizer.*no optimiser is called 'adamv'; did you mean adam"):
            BASE.override({"optimizer.kind": "adamv"})
        with pytest.raises(
            ConfigError, match="no optimiser is called 'xyz'; known: adamw, adam, constrained, external, muon"
        ):
            experiment_from({"optimizer": {"kind": "xyz"}})

    def test_settings_without_a_kind(self):
        with pytest.raises(ConfigError, match="kind is missing; known: adamw, adam, constrained, external, muon"):
            experiment_from({"optimizer": {"lr": 0.1}})

    def test_a_setting_that_is_wrong_is_named_as_it_is_written(self):
        with pytest.raises(ConfigError, match=r"optimizer\.momentum: input should be less than 1, got 2"):
            experiment_from({"optimizer": {"kind": "sgd", "momentum": 2}})

    def test_nesterov_without_momentum(self):
        with pytest.raises(ValidationError, match="nesterov needs a momentum above 0"):
            SGDConfig(momentum=0, nesterov=True)

    def test_one_that_nobody_registered_cannot_be_recorded(self):
        class Mine(AdamConfig):
            pass

        with pytest.raises(ValidationError, match="Mine is not registered, so that it could not be read back"):
            Experiment(optimizer=Mine())

    def test_a_kind_that_is_taken(self):
        with pytest.raises(ConfigError, match="'adamw' is taken by another optimiser"):

            @register_optimizer
            class Other(SignConfig):
                kind: Literal["adamw"] = "adamw"

        assert OPTIMIZERS["adamw"] is AdamWConfig

    def test_a_kind_without_a_name(self):
        with pytest.raises(ConfigError, match=r"Nameless\.kind has no value"):

            @register_optimizer
            class Nameless(SignConfig):
                kind: str

    def test_memory_that_cannot_be_saved(self):
        trainer = alone(BASE)
        train(trainer, 1)
        for slots in trainer._optimizer.state.values():
            slots["count"] = 3
        with pytest.raises(ConfigError, match="AdamW remembers 'count' as int; keep a tensor instead"):
            trainer.state()
