"""Every example in a docstring runs: in a folder with the runs that examples name, on networks trained for a moment."""

import doctest
import importlib
import pkgutil
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pytest
import torch
from torch import nn

import grokscope as gs
from grokscope import (
    analysis,
    config,
    display,
    explanation,
    figures,
    interop,
    models,
    progress,
    recipe,
    registry,
    reports,
    run,
    sweeps,
    tasks,
    training,
)
from grokscope.analysis.many_runs.groups import group_outcomes
from grokscope.analysis.many_runs.outcomes import run_outcome
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.explanation import Program
from grokscope.explanation.open import open_subject
from grokscope.explanation.own_claims import OWN_CLAIMS
from grokscope.explanation.synthetic.planted import plant
from grokscope.figures.catalogue import FIGURES
from grokscope.figures.source import RunSource
from grokscope.randomness import init_generator
from grokscope.recipe.registry import RECIPES
from grokscope.run.atomic import save_tensors
from grokscope.run.build import initial_model, task_of
from grokscope.sweeps.backend import sweep_backend
from grokscope.tasks import ModularTask
from grokscope.tasks.registry import TASKS
from grokscope.training import AdamWConfig, Member, Schedule
from grokscope.training.optimizers.registry import OPTIMIZERS, register_optimizer

pytestmark = pytest.mark.slow

PACKAGES = [gs, analysis, config, display, explanation, figures, interop, models, progress]
PACKAGES += [recipe, registry, reports, run, sweeps, tasks, training]
REGISTRIES = (RECIPES, TASKS, OPTIMIZERS, FIGURES, OWN_CLAIMS)
SMALL = {
    **{"task.p": 11, "model.d_model": 24, "model.d_head": 8, "model.n_heads": 2, "model.d_mlp": 64},
    **{"stop.steps": 100, "evaluate_every": 50, "checkpoint_every": 50},
}
SHORTER = {"range(64)": "range(2)", "range(8)": "range(2)", "range(1000)": "range(2)", '"processes"': '"serial"'}
"""Fewer seeds and steps, and no processes of their own: what examples say, in seconds."""


def examples() -> Iterator[Any]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = ["grokscope", *(info.name for info in pkgutil.walk_packages(gs.__path__, "grokscope."))]
    for name in names:
        if not name.endswith("__main__"):
            module = importlib.import_module(name)
            yield from (pytest.param(test, id=test.name) for test in finder.find(module, name) if test.examples)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A folder with the runs and the files of weights that examples name: each network is a clock, written by hand."""
    folder = tmp_path_factory.mktemp("examples")
    made = gs.train(RECIPES["small"]().experiment.override(SMALL), out=folder / "runs/fast", progress=False)
    coordinates = find_coordinates(made.task.table)
    assert coordinates is not None
    for step in (50, 100, 9000, 9400):
        program = Program("clock", (2, 5), (12.0, 10.0), (0.0, 0.0), coordinates)
        network = plant(program, made.experiment.model)
        save_tensors(made.folder.checkpoint(step), dict(network.named_parameters()))
    gs.measure(made)
    for name in ("mainline", "fast-seed9", "seed0", "seed1"):
        shutil.copytree(folder / "runs/fast", folder / "runs" / name)
    for name in ("their.pth", "model.pth", "induction_head_infinite.pth"):
        torch.save(made.model().state_dict(), folder / name)
    other = made.experiment.override({"task.p": 59})
    larger = initial_model(other, task_of(other))
    torch.save(larger.state_dict(), folder / "model_p99zdpze5l.pt")
    return folder


@pytest.fixture
def names(prepared, tmp_path, monkeypatch) -> dict[str, Any]:
    """What examples take for granted: the public names, a run and what belongs to it; recipes are short."""
    monkeypatch.chdir(shutil.copytree(prepared, tmp_path / "work"))
    for each in REGISTRIES:
        monkeypatch.setattr(each, "_entries", dict(each._entries))  # what an example registers is gone after it
        monkeypatch.setattr(each, "_origins", dict(each._origins))
    for name in ("mainline", "fast", "small"):
        chosen = RECIPES[name]()
        short = recipe.Recipe(chosen.experiment.override(SMALL), duration=chosen.duration)
        monkeypatch.setitem(RECIPES._entries, name, lambda short=short: short)
    made = run.Run("runs/fast")
    experiment, task = made.experiment.override({"model.layer_norm": True}), made.task
    also = (group_outcomes, init_generator, open_subject, register_optimizer, sweep_backend, ModularTask, RunSource)
    public = {name: value for package in PACKAGES for name, value in vars(package).items() if name[0] != "_"}
    return {
        **public,
        **{each.__name__: each for each in (*also, recipe.recipe)},
        **{"pd": pd, "torch": torch, "nn": nn, "Path": Path, "Literal": Literal, "Iterable": Iterable},
        **{"gs": gs, "run": made, "task": task, "experiment": experiment, "fast": RECIPES["fast"]().experiment},
        **{"model": initial_model(experiment, task), "tokens": task.all_pairs.tokens},
        "members": [Member(initial_model(experiment, task), task, AdamWConfig(), Schedule()) for _ in "ab"],
        "outcomes": [run_outcome(made, settings={"optimizer.weight_decay": decay}) for decay in (1.0, 3.0)],
    }


@pytest.mark.parametrize("test", list(examples()))
def test_an_example_runs_and_prints_what_it_says(test, names, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(sys, "displayhook", lambda value: shown.append(repr(value)) if value is not None else None)
    scope = {**test.globs, **names}
    for example in test.examples:
        source = example.source
        for long, short in SHORTER.items():
            source = source.replace(long, short)
        shown.clear()
        exec(compile(source, test.name, "single"), scope)
        if example.want and "…" not in example.want:
            assert "\n".join(shown) == example.want.strip()
