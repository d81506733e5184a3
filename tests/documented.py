"""What examples in docstrings and documents take for granted: runs and files under certain names, and short recipes."""

import shutil
from pathlib import Path

import pytest
import torch

import grokscope as gs
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.explanation import Program
from grokscope.explanation.own_claims import OWN_CLAIMS
from grokscope.explanation.synthetic.planted import plant
from grokscope.figures.catalogue import FIGURES
from grokscope.models import TransformerConfig
from grokscope.recipe import Recipe
from grokscope.recipe.registry import RECIPES
from grokscope.run.atomic import save_tensors
from grokscope.run.build import initial_model, task_of
from grokscope.tasks import ModularTask
from grokscope.tasks.registry import TASKS
from grokscope.training.optimizers.registry import OPTIMIZERS

_SHORT = {"stop.steps": 100, "evaluate_every": 20, "checkpoint_every": 20}
_NETWORK = {"model.d_model": 24, "model.d_head": 8, "model.n_heads": 2, "model.d_mlp": 64}
_TRIGRAMS = {"task.length": 6, "task.n_background": 3, "task.n_triggers": 4, "task.data.test_size": 64}
_SUMS = {"task.n_digits": 1, "task.base": 5, "task.data.test_size": 8}
_SUBSEQUENCES = {"task.data.test_size": 16, "task.data.batch_size": 8}
SMALL = _SHORT | _NETWORK | {"task.p": 11}
SHORT_RECIPES = {
    **dict.fromkeys(("mainline", "fast", "fastest", "small"), SMALL),
    "five-digit-addition": _SHORT | _NETWORK | _SUMS,
    "repeated-subsequences": _SHORT | _NETWORK | _SUBSEQUENCES,
    "skip-trigrams": _SHORT | _TRIGRAMS,
    "skip-trigrams-finite": _SHORT | _TRIGRAMS | {"task.data.train_size": 64},
}


def prepare(folder: Path) -> None:
    """Write into ``folder`` the runs and files that examples name; each network is a clock, written by hand."""
    made = gs.train(RECIPES["small"]().experiment.override(SMALL), out=folder / "runs/fast", progress=False)
    assert isinstance(made.task, ModularTask)
    assert isinstance(made.experiment.model, TransformerConfig)
    coordinates = find_coordinates(made.task.table)
    assert coordinates is not None
    network = plant(Program("clock", (2, 5), (12.0, 10.0), (0.0, 0.0), coordinates), made.experiment.model)
    for step in (20, 40, 60, 80, 100, 9000, 9400):
        save_tensors(made.folder.checkpoint(step), dict(network.named_parameters()))
    gs.measure(made)
    for name in ("mainline", "fast-seed9", "seed0", "seed1"):
        shutil.copytree(folder / "runs/fast", folder / "runs" / name)
    weights = network.state_dict()
    for name in ("their.pth", "model.pth", "induction_head_infinite.pth", "somebody-elses-checkpoint.pth"):
        torch.save(weights, folder / name)
    other = made.experiment.override({"task.p": 59})
    torch.save(initial_model(other, task_of(other)).state_dict(), folder / "model_p99zdpze5l.pt")


def shorten_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make recipes train small networks for a moment, with the registries as the package itself fills them."""
    for each in (RECIPES, TASKS, OPTIMIZERS, FIGURES, OWN_CLAIMS):
        ours = {name: origin for name, origin in each._origins.items() if origin.startswith("grokscope.")}
        monkeypatch.setattr(each, "_entries", {name: each._entries[name] for name in ours})
        monkeypatch.setattr(each, "_origins", ours)
    for name, changes in SHORT_RECIPES.items():
        chosen = RECIPES[name]()
        short = Recipe(chosen.experiment.override(changes), duration=chosen.duration, published=chosen.published)
        monkeypatch.setitem(RECIPES._entries, name, lambda short=short: short)
