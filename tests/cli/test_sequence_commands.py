"""The commands on the tasks that are not modular arithmetic."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from grokscope.analysis.measure_table import pivot, read_measures

pytestmark = pytest.mark.slow

SMALL = ["--set", "task.length=6", "--set", "task.data.test_size=64", "--set", "model.d_model=16", "--no-report"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with two short runs of skip trigrams."""
    path = tmp_path_factory.mktemp("sequences")
    for seed in ("0", "1"):
        done = call(
            path, "train", "skip-trigrams", *SMALL, "--steps", "200", "--seed", seed, "--lr", "0.01", "--out", seed
        )
        assert done.returncode == 0, done.stderr
    return path


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grokscope", *arguments]
    environment = os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_show_tells_where_the_loss_changes(folder):
    shown = call(folder, "show", "0").stdout
    assert "skip trigrams with 10 triggers among 6 tokens, infinite data" in shown
    assert "change of loss trigger 3" in shown
    assert "key frequencies" not in shown


def test_explain_gives_a_verdict_and_json(folder):
    told = call(folder, "explain", "0")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("EXPLAINED · skip trigrams, attention to the trigger")
    assert "Readout of the weights" in told.stdout
    tree = json.loads(call(folder, "explain", "0", "--json").stdout)
    assert tree["verdict"] == "explained"
    early = call(folder, "explain", "0", "--step", "0").stdout
    assert early.startswith("NOT EXPLAINED")


def test_measure_keeps_scores_and_changes_reads_them(folder):
    measured = call(folder, "measure", "0")
    assert measured.returncode == 0, measured.stderr
    table = pivot(read_measures(folder / "0/measures.csv"))
    assert table["answers_with"].iloc[-1] == 1
    assert table["looks_for"].iloc[0] < 1
    found = json.loads(call(folder, "changes", "0", "--json").stdout)
    curves = {row["curve"]: row for row in found}
    assert 0 < curves["test_loss"]["location"] < 200
    assert any(name.startswith(("score_", "output_", "answers_with")) for name in curves)


def test_changes_of_several_runs_are_a_spread_and_a_figure(folder):
    done = call(folder, "changes", "0", "1", "-o", "changes.csv", "--figure", "changes.png")
    assert done.returncode == 0, done.stderr
    assert "lowest to highest" in done.stdout
    assert set(pd.read_csv(folder / "changes.csv")["run"].astype(str)) == {"0", "1"}
    assert (folder / "changes.png").read_bytes().startswith(b"\x89PNG")


def test_explain_over_training(folder):
    done = call(folder, "explain", "0", "--every", "100")
    assert done.returncode == 0, done.stderr
    assert "explained from step" in done.stdout
    assert set(pd.read_csv(folder / "0/claims.csv")["step"]) == {0, 100, 200}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("measure", "0", "--frequencies", "1"), "no key frequencies"),
        (("explain", "0", "--frequencies", "1"), "no key frequencies"),
        (("explain", "0", "--program", "x.py"), "only modular arithmetic"),
        (("train", "fast", "--data", "infinite"), "no counterpart with infinite data"),
        (("grid", "skip-trigrams"), "no train fraction to vary"),
        (("grid", "--fractions", "a"), "--fractions 'a'"),
        (("train", "skip-trigrams", "--p", "5"), "task.p"),
        (("train", "skip-trigrams", "--set", "task.length=0"), "task.length"),
    ],
)
def test_what_does_not_fit_is_refused(folder, arguments, complaint):
    done = call(folder, *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_data_chooses_the_counterpart(folder):
    shown = call(folder, "train", "five-digit-addition", "--data", "finite", "--dry-run").stdout
    assert "name: five-digit-addition-finite" in shown
    assert "train_size: 700" in shown
