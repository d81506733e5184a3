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
from documented import prepare, shorten_recipes
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
    races,
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
from grokscope.explanation.open import open_subject
from grokscope.figures.source import RunSource
from grokscope.randomness import init_generator
from grokscope.recipe.registry import RECIPES
from grokscope.run.build import initial_model
from grokscope.sweeps.backend import sweep_backend
from grokscope.tasks import ModularTask
from grokscope.training import AdamWConfig, Member, Schedule
from grokscope.training.optimizers.registry import register_optimizer

pytestmark = pytest.mark.slow

PACKAGES = [gs, analysis, config, display, explanation, figures, interop, models, progress]
PACKAGES += [recipe, registry, races, reports, run, sweeps, tasks, training]
SHORTER = {"range(64)": "range(2)", "range(8)": "range(2)", "range(1000)": "range(2)", '"processes"': '"serial"'}
SHORTER['"runs/mine")'] = (
    '"runs/mine", n_trials=1, tuning_seeds=[0], seeds=[1], steps=20, backend=sweep_backend("serial"))'
)
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
    folder = tmp_path_factory.mktemp("examples")
    prepare(folder)
    return folder


@pytest.fixture
def names(prepared, tmp_path, monkeypatch) -> dict[str, Any]:
    """What examples take for granted: the public names, a run and what belongs to it; recipes are short."""
    monkeypatch.chdir(shutil.copytree(prepared, tmp_path / "work"))
    shorten_recipes(monkeypatch)
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
