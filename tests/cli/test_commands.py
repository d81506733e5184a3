"""What the commands print and leave behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import grokscope as gs
from grokscope.config import load_yaml

SMALL = ["--p", "11", "--set", "model.d_mlp=16", "--set", "model.d_model=16", "--set", "model.d_head=4"]


@pytest.fixture
def grokscope(tmp_path: Path):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "grokscope", *arguments]
        environment = os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)

    return run


@pytest.mark.slow
def test_train_show_runs_report(grokscope, tmp_path: Path) -> None:
    done = grokscope("train", "fast", "--steps", "20", *SMALL, "--seed", "3", "--no-report")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "fast-p11-d_model16-d_head4-d_mlp16-seed3"
    assert folder.is_dir()
    assert not (folder / "report.html").exists()
    assert "reached 20 steps" in done.stdout
    assert "key frequencies at 20" in done.stdout
    assert "fast: 20/20" in done.stderr  # progress, as plain lines where there is no terminal

    listed = grokscope("runs").stdout
    assert "fast-p11" in listed
    assert "finished" in listed
    assert "key frequencies at 10" in grokscope("show", str(folder), "--step", "10").stdout
    assert grokscope("report", str(folder), "-o", "page.html").returncode == 0
    assert (tmp_path / "page.html").read_text().lower().startswith("<!doctype html>")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "runs"]


@pytest.mark.slow
def test_the_dry_run_is_a_yaml_file_that_trains_the_same(grokscope, tmp_path: Path) -> None:
    shown = grokscope("train", "fast", "--steps", "6", *SMALL, "--set", "optimizer.betas=[0.8, 0.9]", "--dry-run")
    assert not (tmp_path / "runs").exists()
    tree = load_yaml(shown.stdout)
    assert tree["optimizer"]["betas"] == [0.8, 0.9]
    (tmp_path / "mine.yaml").write_text(shown.stdout)
    assert grokscope("train", "mine.yaml", "--out", "one", "--no-report").returncode == 0
    direct = gs.train(gs.Experiment.model_validate(tree), out=tmp_path / "two", progress=False)
    assert (tmp_path / "one/metrics.csv").read_bytes() == direct.folder.metrics.read_bytes()
    assert gs.Run(tmp_path / "one").experiment == direct.experiment


@pytest.mark.slow
def test_experiments_names_every_recipe_and_shows_one_whole(grokscope) -> None:
    listed = grokscope("recipes").stdout
    assert all(name in listed for name in list(gs.recipes()))
    shown = grokscope("recipes", "mainline").stdout
    assert load_yaml(shown) == gs.recipes()["mainline"].experiment.model_dump(mode="json")
    assert "(14, 35, 41, 42, 52)" in shown


@pytest.mark.parametrize("command", ["train", "watch", "recipes", "runs", "show", "report"])
def test_help_has_examples(grokscope, command: str) -> None:
    shown = grokscope(command, "--help").stdout
    assert f"grokscope {command}" in shown.partition("Examples:")[2]


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(grokscope, tmp_path: Path) -> None:
    arguments = ["train", "fast", *SMALL, "--steps", "300000", "--out", "mine", "--no-report"]
    process = subprocess.Popen(
        [sys.executable, "-m", "grokscope", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    metrics = tmp_path / "mine" / "metrics.csv"
    deadline = time.monotonic() + 600
    while not (metrics.exists() and metrics.read_text().count("\n") > 5) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 130, err
    assert "grokscope train fast --p 11" in " ".join(out.split())
    assert "--resume" in out
    run = gs.Run(tmp_path / "mine")
    assert run.status == "interrupted"
    stopped = run.record["step"]

    changed = list(arguments)
    changed[changed.index("300000")] = str(stopped + 20)
    assert grokscope(*changed, "--resume").returncode == 0
    assert run.metrics["step"].is_monotonic_increasing
    assert run.checkpoints[-1] == stopped + 20
    assert run.status == "finished"


@pytest.mark.slow
def test_divergence_is_one_line_and_keeps_the_checkpoints(grokscope, tmp_path: Path) -> None:
    done = grokscope("train", "fast", *SMALL, "--lr", "1e30", "--steps", "200", "--out", "mine")
    assert done.returncode == 1
    assert "training diverged: the loss at step" in done.stderr
    assert "Traceback" not in done.stderr
    assert gs.Run(tmp_path / "mine").status == "diverged"
    assert gs.Run(tmp_path / "mine").checkpoints[0] == 0


def test_a_change_of_kind_says_what_it_drops(grokscope) -> None:
    done = grokscope("train", "fast", "--set", "optimizer.kind=adam", "--dry-run")
    assert done.stderr == "dropped optimizer.weight_decay = 3 (adam has none)\n"
    assert load_yaml(done.stdout)["optimizer"] == {
        **{"kind": "adam", "lr": 0.01, "l2": 0.0},
        **{"betas": [0.9, 0.98], "eps": 1e-6},
    }
