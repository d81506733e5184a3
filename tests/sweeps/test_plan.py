"""What a sweep consists of."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from grokscope.errors import ConfigError
from grokscope.run import Experiment
from grokscope.sweeps import LogUniform, Sweep, Uniform
from grokscope.sweeps.plan import setting_names, whole_name

BASE = Experiment()
DECAYS = (0.3, 1.0, 3.0)


class TestGrid:
    def test_every_combination_for_every_seed(self):
        sweep = Sweep(base=BASE, seeds=range(4), vary={"weight_decay": DECAYS, "model.d_mlp": (64, 128)})
        runs = sweep.runs()
        assert len(runs) == 3 * 2 * 4
        found = {(run.experiment.optimizer.weight_decay, run.experiment.model.d_mlp, run.seed) for run in runs}
        assert found == set(product(DECAYS, (64, 128), range(4)))
        for run in runs:
            assert run.experiment.seeds.init == run.experiment.seeds.split == run.seed
            assert run.settings == {
                "optimizer.weight_decay": run.experiment.optimizer.weight_decay,
                "model.d_mlp": run.experiment.model.d_mlp,
            }

    def test_seeds_alone(self):
        assert [run.folder for run in Sweep(base=BASE, seeds=(3, 5)).runs()] == ["seed3", "seed5"]

    def test_kinds_and_what_they_bring(self):
        sweep = Sweep(base=BASE, cases=({"optimizer.kind": "sgd", "optimizer.momentum": 0.5}, {}))
        first, second = sweep.runs()
        assert (first.experiment.optimizer.kind, second.experiment.optimizer.kind) == ("sgd", "adamw")
        assert first.experiment.optimizer.momentum == 0.5

    def test_cases_within_a_grid(self):
        cases = ({"lr": 1e-3, "steps": 100}, {"lr": 1e-2, "steps": 10})
        arms = Sweep(base=BASE, vary={"weight_decay": DECAYS}, cases=cases).combinations()
        assert len(arms) == 6
        assert {arm["stop.steps"] for arm in arms if arm["optimizer.lr"] == 1e-2} == {10}

    def test_an_arm_said_twice_is_run_once(self):
        assert len(Sweep(base=BASE, vary={"weight_decay": (1.0, 1.0)}).runs()) == 1


class TestSamples:
    def test_are_where_they_may_be_and_as_likely_everywhere(self):
        sample = {"lr": LogUniform(low=1e-4, high=1e-2), "train_fraction": Uniform(low=0.2, high=0.6)}
        arms = Sweep(base=BASE, sample=sample, n_samples=400).combinations()
        rates = np.array([arm["optimizer.lr"] for arm in arms])
        shares = np.array([arm["task.data.train_fraction"] for arm in arms])
        assert (rates >= 1e-4).all()
        assert (rates <= 1e-2).all()
        # 400 draws: half on either side of the middle, within four standard deviations
        assert abs((rates < 1e-3).mean() - 0.5) < 0.1
        assert abs((shares < 0.4).mean() - 0.5) < 0.1
        assert abs(np.corrcoef(np.log(rates), shares)[0, 1]) < 0.2

    def test_more_samples_leave_the_first_as_they_were(self):
        sample = {"lr": LogUniform(low=1e-4, high=1e-2)}
        few, many = (Sweep(base=BASE, sample=sample, n_samples=n).runs() for n in (3, 6))
        assert [run.folder for run in few] == [run.folder for run in many[:3]]
        other = Sweep(base=BASE, sample=sample, n_samples=3, sample_seed=1).runs()
        assert not {run.folder for run in few} & {run.folder for run in other}

    def test_seeds_of_a_sample_share_its_settings(self):
        runs = Sweep(base=BASE, seeds=(0, 1), sample={"lr": Uniform(low=1e-3, high=1e-2)}, n_samples=5).runs()
        assert len({run.experiment.optimizer.lr for run in runs}) == 5


class TestFolders:
    def test_say_what_is_in_them(self):
        sweep = Sweep(base=BASE, vary={"weight_decay": (0.3,), "operation": ("add", "a**2 + b")})
        plain, odd = sweep.runs()
        assert plain.folder == "weight_decay0.3-operationadd-seed0"
        assert odd.folder.startswith("weight_decay0.3-operationa_2_+_b~")

    def test_do_not_depend_on_the_rest_of_the_sweep(self):
        small = Sweep(base=BASE, seeds=(0,), vary={"weight_decay": (1.0,)})
        large = Sweep(base=BASE, seeds=range(3), vary={"weight_decay": DECAYS})
        assert {run.folder for run in small.runs()} < {run.folder for run in large.runs()}

    @given(st.lists(st.text(min_size=1, max_size=60), min_size=2, max_size=5, unique=True))
    def test_are_never_shared_and_never_leave_the_sweep(self, descriptions):
        folders = [run.folder for run in Sweep(base=BASE, vary={"description": tuple(descriptions)}).runs()]
        assert len(set(folders)) == len(descriptions)
        assert not any("/" in folder or folder.startswith(".") for folder in folders)


class TestNames:
    @pytest.mark.parametrize(
        ("given", "whole"),
        [
            ("weight_decay", "optimizer.weight_decay"),
            ("data.train_fraction", "task.data.train_fraction"),
            ("p", "task.p"),
            ("l1", "l1"),
            ("optimizer.lr", "optimizer.lr"),
        ],
    )
    def test_the_end_is_enough(self, given, whole):
        assert whole_name(setting_names(BASE), given) == whole

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("kind", "several settings are called 'kind': task.kind, task.data.kind, model.kind, optimizer.kind; give"),
            ("wieght_decay", "no setting is called 'wieght_decay'; did you mean weight_decay?"),
        ],
    )
    def test_what_is_not_clear_is_refused(self, given, message):
        with pytest.raises(ConfigError, match=message):
            whole_name(setting_names(BASE), given)


class TestRefused:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"vary": {"seed": (0, 1)}}, "seed is varied like a setting; give seeds as seeds: 0:64"),
            ({"vary": {"seeds.init": (0, 1)}}, r"seeds.init is varied like a setting"),
            (
                {"vary": {"lr": (0.1,)}, "cases": ({"optimizer.lr": 0.2},)},
                "optimizer.lr is varied twice, as 0.1 and as 0.2; say it in one place",
            ),
            ({"vary": {"weight_decay": (-1.0,)}}, "weight_decay"),
        ],
    )
    def test_settings(self, settings, message):
        with pytest.raises(ConfigError, match=message):
            Sweep(base=BASE, **settings).runs()

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"seeds": (1, 1)}, "a seed is given twice"),
            ({"seeds": ()}, "at least 1 item"),
            ({"vary": {"lr": ()}}, "vary.lr has no values"),
            ({"n_samples": 5}, "5 samples, but no setting to sample"),
            ({"sample": {"lr": {"kind": "uniform", "low": 2, "high": 1}}}, "low must be below high, got 2 and 1"),
            ({"sample": {"lr": {"kind": "log-uniform", "low": 0, "high": 1}}}, "greater than 0"),
            ({"sample": {"lr": {"kind": "uniform", "low": 0, "high": math.inf}}}, "should be a finite number"),
        ],
    )
    def test_sweeps(self, settings, message):
        with pytest.raises(ValidationError, match=message):
            Sweep(base=BASE, **settings)


def test_thousands_of_samples_are_planned_in_no_time(monkeypatch):
    """The base is written out once, and not for every name of every combination."""
    calls = []
    dumped = Experiment.model_dump
    monkeypatch.setattr(Experiment, "model_dump", lambda self, **options: calls.append(1) or dumped(self, **options))
    sweep = Sweep(base=BASE, sample={"lr": LogUniform(low=1e-4, high=1e-2)}, n_samples=2_000)
    assert len(sweep.combinations()) == 2_000
    assert sweep.chosen_settings() == []
    assert sweep.sampled_settings() == ["optimizer.lr"]
    assert len(calls) == 1


def test_runs_are_made_once():
    sweep = Sweep(base=BASE, seeds=range(3))
    assert all(one is other for one, other in zip(sweep.runs(), sweep.runs(), strict=True))
    assert sweep == Sweep(base=BASE, seeds=range(3))
