"""``grokscope sweep`` end to end."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pandas as pd
import pytest

import grokscope as gs
from grokscope.cli.main import main
from grokscope.models import MLPConfig
from grokscope.tasks import FiniteData, ModularConfig
from grokscope.training import AdamWConfig, Stop

TINY = gs.Experiment(
    name="tiny",
    task=ModularConfig(p=11, data=FiniteData(train_fraction=0.8)),
    model=MLPConfig(d_model=24, d_mlp=64),
    optimizer=AdamWConfig(lr=1e-2, weight_decay=1.0),
    stop=Stop(steps=40),
    checkpoint_every=20,
)


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the command in this process, in a folder with tiny.yaml: each process of its own takes four seconds."""
    (tmp_path / "tiny.yaml").write_text(TINY.to_yaml())

    def run(*arguments: str) -> Done:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["grokscope", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.mark.slow
def test_plan_table_and_page(call, tmp_path):
    options = (
        "sweep",
        "tiny.yaml",
        "--seeds",
        "0:2",
        "--vary",
        "weight_decay=0,1",
        "--no-explain",
        "--engine",
        "serial",
    )
    planned = call(*options, "--dry-run")
    assert planned.returncode == 0
    assert "4 runs: 2 combinations of settings, 2 seeds each" in planned.stdout
    assert "at most about" in planned.stdout
    assert not (tmp_path / "runs").exists()

    done = call(*options, "--measure", "gini_W_E")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "sweep-tiny"
    table = pd.read_parquet(folder / "results.parquet")
    assert table["run"].tolist() == [
        "weight_decay0-seed0", "weight_decay1-seed0", "weight_decay0-seed1", "weight_decay1-seed1",
    ]  # fmt: skip
    assert table["gini_W_E"].between(0, 1).all()
    for name in table["run"]:
        assert gs.Run(folder / "runs" / name).status == "finished"
    assert "weight decay 0 : weight decay 1" in done.stdout
    assert "tiny: 4 runs" in (folder / "sweep.html").read_text()
    assert "4 of 4 runs" in done.stderr

    again = call(*options)
    assert again.returncode == 2
    assert "use --resume" in again.stderr
    grown = call(*options[:3], "0:3", *options[4:], "--resume")
    assert grown.returncode == 0, grown.stderr
    assert "2 of 6 runs; the others have ended" in grown.stdout
    assert len(pd.read_parquet(folder / "results.parquet")) == 6

    written = call("report", str(folder), "-o", "elsewhere.html")
    assert written.returncode == 0, written.stderr
    assert 'href="runs/sweep-tiny/runs/weight_decay0-seed0/"' in (tmp_path / "elsewhere.html").read_text()
    drawn = call("figure", "survival", str(folder), "-o", "survival.pdf", "--width-mm", "85")
    assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "survival.pdf").read_bytes().startswith(b"%PDF")
    refused = call("figure", "survival", str(folder), "-o", "survival.pdf", "--step", "3")
    assert "--step does not change a figure of a sweep" in refused.stderr
    # the plan that it leaves is a sweep
    assert (
        "6 runs: 2 combinations of settings, 3 seeds each"
        in call("sweep", str(folder / "sweep.yaml"), "-o", "new", "--dry-run").stdout
    )


def test_failures_are_listed_and_the_rest_is_trained(call, tmp_path):
    taken = tmp_path / "runs" / "sweep-tiny" / "runs" / "seed0"
    options = (
        "sweep",
        "tiny.yaml",
        "--seeds",
        "0:2",
        "--no-explain",
        "--engine",
        "serial",
        "--ensemble-size",
        "2",
        "--no-report",
    )
    assert call(*options[:3], "1", *options[4:]).returncode == 0
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    done = call(*options, "--resume")
    assert done.returncode == 1
    assert "seed0 failed" in done.stderr
    assert "is not an empty folder" in done.stderr
    assert "1 of 2 runs failed; try them again with:" in done.stdout
    assert (taken / "mine.txt").read_text() == "mine"


def test_random_samples(call, tmp_path):
    done = call(
        "sweep", "tiny.yaml", "--sample", "weight_decay=log:0.1:10", "--sample", "lr=1e-3:1e-2", "--n-samples", "3",
        "--no-explain", "--engine", "serial", "-o", "sampled",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "log-uniform from 0.1 to 10, 3 samples" in done.stdout
    table = pd.read_parquet(tmp_path / "sampled" / "results.parquet")
    assert table["optimizer.weight_decay"].between(0.1, 10).all()
    assert table["optimizer.lr"].nunique() == 3


PATIENCE = 600
"""Seconds after which something hangs; on a busy machine the start of a process alone may take a minute."""


def begun(folder, *options):
    """A sweep in a process of its own, with workers of its own, as a user has it."""
    return subprocess.Popen(
        [sys.executable, "-m", "grokscope", *options], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip


def wait_until(running, is_so):
    latest = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < latest
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)


@pytest.mark.slow
def test_killed_and_on_again(call, tmp_path):
    options = [
        "sweep",
        "tiny.yaml",
        "--seeds",
        "0:3",
        "--no-explain",
        "--workers",
        "1",
        "--ensemble-size",
        "1",
        "-o",
        "cut",
    ]
    # a seed's run that ends at once, and one that takes longer than anybody waits
    options += ["--vary", "stop.steps=40,100000", "--set", "checkpoint_every=20"]
    running = begun(tmp_path, *options)
    runs = tmp_path / "cut" / "runs"
    first, long = runs / "steps40-seed0", runs / "steps100000-seed0"
    # the state from which it goes on is written after a checkpoint: with the third one, that of the second is there
    wait_until(running, lambda: len(list((long / "checkpoints").glob("*.safetensors"))) > 2)
    before = {path: path.stat().st_mtime_ns for path in first.rglob("*") if path.is_file()}
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    assert first / "outcome.json" in before
    on = begun(tmp_path, *options, "--resume")
    last = max((long / "checkpoints").glob("*.safetensors"))
    wait_until(on, lambda: max((long / "checkpoints").glob("*.safetensors")) > last)
    os.killpg(on.pid, signal.SIGINT)
    out, err = on.communicate(timeout=PATIENCE)
    assert on.returncode == 130, err
    assert "5 of 6 runs; the others have ended" in " ".join(out.split())
    assert before == {path: path.stat().st_mtime_ns for path in first.rglob("*") if path.is_file()}
    assert gs.Run(long).record["sessions"][1]["from_step"] > 0


@pytest.mark.slow
def test_ctrl_c_and_on_again(call, tmp_path):
    options = [
        "sweep", "tiny.yaml", "--seeds", "0:3", "--no-explain", "--workers", "1", "--ensemble-size", "1",
        "--set", "stop.steps=100000", "--set", "checkpoint_every=100000", "-o", "cut",
    ]  # fmt: skip
    running = begun(tmp_path, *options)
    metrics = tmp_path / "cut" / "runs" / "seed0" / "metrics.csv"
    wait_until(running, lambda: metrics.exists() and metrics.read_text().count("\n") > 2)
    os.killpg(running.pid, signal.SIGINT)  # to the whole group, as a terminal does
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, err
    assert "grokscope sweep tiny.yaml" in out
    assert "--resume" in out
    assert gs.Run(tmp_path / "cut" / "runs" / "seed0").status == "interrupted"
    assert not (tmp_path / "cut" / "runs" / "seed1").exists()
    rest = [each.replace("100000", "60") if each.startswith("stop") else each for each in options]
    refused = call(*rest, "--resume")
    assert "cannot be resumed from another base" in refused.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--vary", "weight_decay"], "--vary 'weight_decay': expected NAME=VALUE,VALUE"),
        (["--vary", "weight_decy=1,2"], "no setting is called 'weight_decy'; did you mean"),
        (["--sample", "lr=1"], "--sample 'lr=1': expected NAME=LOW:HIGH"),
        (["--seeds", "4:1"], "seeds '4:1': expected a range"),
        (["--n-samples", "3"], "3 samples, but no setting to sample"),
        (["--engine", "slurm"], "no engine is called 'slurm'"),
        (["--engine", "serial", "--workers", "2"], "--workers 2: engine 'serial' has one worker"),
        (["--engine", "here"], "engine 'here' is called 'serial' now"),
        (["--engine", "ensembles"], "engine 'ensembles' is 'serial' now, and --ensemble-size says"),
        (["--together", "4"], "--together is called --ensemble-size now"),
        (["--draw", "lr=1:2"], "--draw is called --sample now"),
        (["--samples", "4"], "--samples is called --n-samples now"),
        (["--address", "auto"], "--address auto is for a Ray cluster; add --engine ray"),
        (["--measure", "gini"], "no measure of add mod 11 is called 'gini'"),
        (["-o", "nosuch://there"], "--out nosuch://there"),
    ],
)
def test_bad_input(call, tmp_path, options, said):
    done = call("sweep", "tiny.yaml", *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]
