"""Other people's optimisers: the same arithmetic, and a memory that a run can be resumed from."""

import numpy as np
import pytest
import torch
from torch import nn

from grokscope.errors import ConfigError
from grokscope.models import TransformerConfig
from grokscope.races import ENTRIES
from grokscope.races.naming import is_installed
from grokscope.run import Experiment, record_run
from grokscope.tasks import FiniteData, ModularConfig
from grokscope.training import ExternalConfig, Stop
from grokscope.training.optimizers.memory import as_tensors, from_tensors

BASE = Experiment(
    name="tiny",
    task=ModularConfig(p=11, data=FiniteData(train_fraction=0.5)),
    model=TransformerConfig(d_model=16, n_heads=2, d_head=8, d_mlp=24),
    stop=Stop(steps=24),
    checkpoint_every=12,
)
OF_PACKAGES = [name for name, entry in ENTRIES.items() if entry.package]


class TestMemory:
    def test_whatever_is_nested_comes_back(self):
        value = {
            "Q": [torch.arange(3.0), torch.eye(2), []],
            "texts": ("ab,b->a", None),
            3: {"step": 7, "rate": 0.25, "first": True},
        }
        kept = as_tensors(value, "Mine")
        assert all(isinstance(each, torch.Tensor) for each in kept.values())
        back = from_tensors(kept)
        assert back["texts"] == ("ab,b->a", None)
        assert back[3] == {"step": 7, "rate": 0.25, "first": True}
        assert back["Q"][2] == []
        assert all(torch.equal(one, other) for one, other in zip(back["Q"][:2], value["Q"][:2], strict=True))
        assert back["Q"][0] is not value["Q"][0], "a copy"

    def test_what_cannot_be_stored_is_named(self):
        with pytest.raises(ConfigError, match="Mine remembers a function, which cannot be stored"):
            as_tensors({"probability": lambda step: 1.0}, "Mine")


class TestSameArithmetic:
    def test_as_the_class_itself(self):
        gradients = [torch.randn(4, 3, generator=torch.Generator().manual_seed(seed)) for seed in range(5)]
        mine, theirs = (nn.Parameter(torch.ones(4, 3)) for _ in range(2))
        config = ExternalConfig(path="torch.optim:NAdam", lr=0.1, arguments={"weight_decay": 0.5})
        ours, direct = config.build([mine]), torch.optim.NAdam([theirs], lr=0.1, weight_decay=0.5)
        for gradient in gradients:
            mine.grad, theirs.grad = gradient.clone(), gradient.clone()
            ours.step()
            direct.step()
        assert torch.equal(mine, theirs)

    def test_the_rate_is_the_schedule_s(self):
        weight = nn.Parameter(torch.zeros(3))
        optimizer = ExternalConfig(path="torch.optim:SGD", lr=1.0).build([weight])
        optimizer.param_groups[0]["lr"] = 0.25
        weight.grad = torch.ones(3)
        optimizer.step()
        assert weight.tolist() == [-0.25] * 3

    def test_a_wrapper_around_another(self):
        weight = nn.Parameter(torch.ones(3))
        pytest.importorskip("pytorch_optimizer")
        config = ExternalConfig(path="pytorch_optimizer:OrthoGrad", around="torch.optim:SGD", lr=1.0)
        optimizer = config.build([weight])
        weight.grad = torch.tensor([3.0, 0.0, 0.0])
        optimizer.step()
        step = 1 - weight.detach()
        assert float(step @ torch.ones(3)) == pytest.approx(0, abs=1e-5), "orthogonal to the weights"
        assert float(step.norm()) == pytest.approx(3, rel=1e-4), "as long as the gradient"


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_PACKAGES)
def test_every_entry_of_a_package_is_resumed_to_the_same_bits(name, tmp_path):
    entry = ENTRIES[name]
    if not is_installed(entry):
        pytest.skip(f"{entry.package} is not installed")
    experiment = BASE.override(entry.settings)
    whole = record_run(experiment, tmp_path / "whole")
    record_run(experiment.override({"stop.steps": 12}), tmp_path / "halves")
    halves = record_run(experiment, tmp_path / "halves", resume=True)
    assert halves.folder.resume.read_bytes() == whole.folder.resume.read_bytes()
    before, after = whole.weights(0), whole.weights()
    assert any(not torch.equal(after[key], before[key]) for key in before), "it moves"


def test_what_is_drawn_at_random_is_drawn_again_on_resume(tmp_path):
    (tmp_path / "noisy.py").write_text(
        "import random\n"
        "import numpy as np\n"
        "import torch\n"
        "class Noisy(torch.optim.SGD):\n"
        "    def step(self, closure=None):\n"
        "        for group in self.param_groups:\n"
        "            for weights in group['params']:\n"
        "                weights.grad += torch.randn_like(weights) * np.random.random() * random.random()\n"
        "        super().step()\n"
    )
    experiment = BASE.override(
        {"optimizer.kind": "external", "optimizer.path": f"{tmp_path / 'noisy.py'}:Noisy", "optimizer.lr": 0.01}
    )

    def of_numpy():
        return np.random.get_state()[1].tolist()  # noqa: NPY002

    states = torch.get_rng_state(), of_numpy()
    whole = record_run(experiment, tmp_path / "whole")
    assert torch.equal(torch.get_rng_state(), states[0]), "nobody else's random numbers are used up"
    assert of_numpy() == states[1]
    record_run(experiment.override({"stop.steps": 12}), tmp_path / "halves")
    halves = record_run(experiment, tmp_path / "halves", resume=True)
    assert halves.folder.resume.read_bytes() == whole.folder.resume.read_bytes()


class TestRefusals:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"path": "no_such_package:Lion"}, "no_such_package cannot be imported .*pip install no-such-package"),
            ({"path": "torch.optim:AdamWW"}, r"torch\.optim has no class 'AdamWW'; did you mean AdamW"),
            ({"path": "missing.py:Mine"}, r"there is no file missing\.py"),
            ({"path": "torch.optim:SGD", "arguments": {"decay": 1}}, "does not take them: .*decay"),
            ({"path": "torch.optim:SGD", "arguments": {"momentum": -1.0}}, "does not take them: Invalid momentum"),
            ({"path": ":Mine"}, "'' cannot be imported: ValueError: Empty module name"),
            ({"path": "torch.optim:LBFGS"}, "cannot make a step: .*closure"),
            ({"path": "torch.optim:SparseAdam"}, "cannot make a step: .*does not support dense gradients"),
            ({"path": "builtins:dict"}, "does not take them|makes a dict, which is no PyTorch optimiser"),
        ],
    )
    def test_what_cannot_be_built(self, settings, message):
        with pytest.raises(ConfigError, match=message):
            ExternalConfig.model_construct(**settings).build([nn.Parameter(torch.zeros(2))])

    def test_nothing_is_written_for_one_that_cannot_make_a_step(self, tmp_path):
        experiment = BASE.override({"optimizer.kind": "external", "optimizer.path": "torch.optim:LBFGS"})
        with pytest.raises(ConfigError, match="cannot make a step"):
            record_run(experiment, tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_a_path_has_two_parts(self):
        with pytest.raises(ConfigError, match=r"expected package:Class or file\.py:Class, got 'Lion'"):
            BASE.override({"optimizer.kind": "external", "optimizer.path": "Lion"})
