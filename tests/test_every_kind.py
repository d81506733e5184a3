"""Every kind of task goes through every stage, with every kind of network: a result, or a word that it does not apply.

A new kind is found in the registry; it needs small settings in SMALL only if its defaults take long.
"""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import grokscope as gs
from grokscope.cli.main import app
from grokscope.errors import NotApplicableError
from grokscope.figures.catalogue import FIGURES, draw_figure
from grokscope.figures.source import RunSource
from grokscope.interop import ImportedNetwork, load_network, save_network
from grokscope.reports.replay.collect import collect_frames
from grokscope.run import record_run
from grokscope.run.experiment import experiment_from
from grokscope.tasks.registry import TASKS
from grokscope.training.evaluation import Evaluator

FEW = {"kind": "finite", "train_size": 48, "test_size": 32, "batch_size": 16}
SMALL: dict[str, dict[str, Any]] = {
    "modular": {"p": 7, "data": {"kind": "finite", "train_fraction": 0.6}},
    "digit-addition": {"n_digits": 2, "base": 4, "data": FEW},
    "repeated-subsequences": {"d_vocab": 16, "interval": 5, "subsequence_length": 3, "n_repeats": 2, "data": FEW},
    "skip-trigrams": {"length": 6, "n_background": 4, "n_triggers": 3, "data": FEW},
}
NETWORKS = {
    "transformer": {"kind": "transformer", "n_layers": 2, "d_model": 16, "n_heads": 2, "d_head": 8, "d_mlp": 16},
    "mlp": {"kind": "mlp", "d_model": 16, "d_mlp": 24},
}
BUILT_IN = [kind for kind in TASKS if TASKS[kind].__module__.startswith("grokscope.tasks.")]
SEVERAL_ANSWERS = ("digit-addition", "repeated-subsequences")
"""Tasks with several answers in a sequence, which a multilayer perceptron cannot give."""
CASES = [pytest.param((kind, "transformer"), id=f"{kind}-transformer") for kind in BUILT_IN]
CASES += [
    pytest.param((kind, "mlp"), id=f"{kind}-mlp", marks=pytest.mark.slow)
    for kind in BUILT_IN
    if kind not in SEVERAL_ANSWERS
]
DOES_NOT_APPLY = {(stage, "mlp", "skip-trigrams") for stage in ("measure", "explain", "replay")}
"""Stages that are not defined for a network and a kind of task; all others must give a result."""
OPTIONS = {("measure", "modular"): ["--frequencies", "1,2"]}
"""Of commands, because a network that was trained for a moment has no key frequencies."""


@dataclass(frozen=True)
class Trained:
    """A short run, a second one with another seed, and where things may be written."""

    run: gs.Run
    other: gs.Run
    folder: Path


def small(kind: str, network: str) -> gs.Experiment:
    """A run of a second."""
    return experiment_from(
        {
            "name": "small",
            "task": {"kind": kind, **SMALL.get(kind, {})},
            "model": NETWORKS[network],
            "stop": {"steps": 12},
            "evaluate_every": 2,
            "checkpoint_every": 6,
        }
    )


@pytest.fixture(scope="module", params=CASES)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    kind, network = request.param
    folder = tmp_path_factory.mktemp(f"{kind}-{network}")
    experiment = small(kind, network)
    runs = [record_run(experiment.override({"seed": seed}), folder / f"seed{seed}") for seed in (0, 1)]
    return Trained(runs[0], runs[1], folder)


def command(*arguments: object) -> None:
    """Run a command in this process; what is wrong with the input is raised."""
    code = app(args=[str(each) for each in arguments], standalone_mode=False)
    assert not code, arguments


def _evaluate(trained: Trained) -> None:
    task = trained.run.task
    model = trained.run.model()
    score = Evaluator(model, task.test, task.target_positions, len(task.subtasks))()
    assert score.loss == pytest.approx(trained.run.metrics["test_loss"].iloc[-1], rel=1e-3)


def _show(trained: Trained) -> None:
    command("show", trained.run.path)


def _measure(trained: Trained) -> None:
    command("measure", trained.run.path, *OPTIONS.get(("measure", trained.run.experiment.task.kind), []))
    assert {"step", "measure", "index", "value"} == set(pd.read_csv(trained.run.folder.measures).columns)


def _changes(trained: Trained) -> None:
    command("changes", trained.run.path)


def _explain(trained: Trained) -> None:
    command("explain", trained.run.path)


def _replay(trained: Trained) -> None:
    replay = collect_frames(trained.run)
    assert replay is not None
    assert list(replay.steps) == trained.run.checkpoints


def _figures(trained: Trained) -> None:
    drawn = []
    for name in {each.name for each in FIGURES.values() if each.scope != "sweep"}:
        # a figure of claims over training needs these to be tested first, and says so
        with contextlib.suppress(NotApplicableError, gs.RunError):
            draw_figure(name, RunSource(trained.run))
            drawn.append(name)
    assert "curves" in drawn


def _report(trained: Trained) -> None:
    command("report", trained.run.path)
    assert trained.run.experiment.name in trained.run.folder.report.read_text()


def _compare(trained: Trained) -> None:
    command("compare", trained.run.path, trained.other.path, "--out", trained.folder / "compared.html")
    assert (trained.folder / "compared.html").stat().st_size > 1000


def _sweep(trained: Trained) -> None:
    file, out = trained.folder / "base.yaml", trained.folder / "sweep"
    file.write_text(trained.run.experiment.to_yaml())
    command("sweep", file, "--seeds", "0:2", "--engine", "serial", "--out", out)
    table = pd.read_parquet(out / "results.parquet")
    assert table["status"].tolist() == ["finished", "finished"]
    assert (out / "sweep.html").exists()


def _save_and_load(trained: Trained) -> None:
    model = trained.run.model()
    file = trained.folder / "network.safetensors"
    network = ImportedNetwork(model, None, equals_token=False, layout="", source=trained.run.path, sha256="")
    save_network(network, file, operation=None)
    tokens = trained.run.task.test.tokens
    assert torch.equal(load_network(file).model(tokens), model(tokens))


STAGES: dict[str, Callable[[Trained], None]] = {
    "evaluate": _evaluate,
    "show": _show,
    "measure": _measure,
    "changes": _changes,
    "explain": _explain,
    "replay": _replay,
    "figures": _figures,
    "report": _report,
    "compare": _compare,
    "sweep": _sweep,
    "save-load": _save_and_load,
}


LONG = ("report", "sweep")
"""Stages that take seconds for every kind of task, marked slow: pages and sweeps have quick tests of their own."""


@pytest.mark.parametrize(
    "stage", [pytest.param(each, marks=pytest.mark.slow if each in LONG else ()) for each in STAGES]
)
def test_a_stage(trained: Trained, stage: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["grokscope", stage])
    experiment = trained.run.experiment
    if (stage, experiment.model.kind, experiment.task.kind) in DOES_NOT_APPLY:
        with pytest.raises(NotApplicableError, match="multilayer perceptron"):
            STAGES[stage](trained)
    else:
        STAGES[stage](trained)


@pytest.mark.parametrize("kind", SEVERAL_ANSWERS)
def test_a_network_that_cannot_do_the_task_is_refused(kind: str, tmp_path: Path):
    with pytest.raises(NotApplicableError, match=r"answers once in a sequence, and .* has \d answers; use --set"):
        record_run(small(kind, "mlp"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
