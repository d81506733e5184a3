"""A family of tasks in one file is trained, measured, explained, drawn, reported, compared and swept by name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from grokscope.plugins import VARIABLE

pytestmark = pytest.mark.slow

PLUGIN = Path(__file__).with_name("parity.py")
RUN, OTHER, SWEEP = "runs/sparse-parity", "runs/other", "runs/sweep-sparse-parity"
COMMANDS = {
    "recipes": ["recipes"],
    "train": ["train", "sparse-parity", "--no-report"],
    "other": [
        "train",
        "sparse-parity",
        "--seed",
        "1",
        "--set",
        "optimizer.kind=sgd",
        "--steps",
        "40",
        "--no-report",
        "-o",
        OTHER,
    ],
    "runs": ["runs", "runs"],
    "show": ["show", RUN],
    "measure": ["measure", RUN],
    "changes": ["changes", RUN],
    "explain": ["explain", RUN, "--json"],
    "figures": ["figure"],
    "figure": ["figure", "bit-influences", RUN, "-o", "bits.svg"],
    "wrong-figure": ["figure", "circles", RUN, "-o", "circles.svg"],
    "report": ["report", RUN],
    "compare": ["compare", RUN, OTHER, "--out", "compared.html"],
    "sweep": [
        *("sweep", "sparse-parity", "--seeds", "0:2", "--vary", "k=1,2", "--set", "stop.steps=100"),
        *("--measure", "subset_margin"),
    ],
    "ensemble": [
        *("sweep", "sparse-parity", "--seeds", "0:2", "--set", "stop.steps=100", "--engine", "serial"),
        *("--ensemble-size", "2", "--out", "runs/ensemble", "--no-report", "--no-explain"),
    ],
    "resume": ["train", "sparse-parity", "--no-report", "--resume", "--steps", "220"],
}
SCRIPT = """
import contextlib, io, json, sys
from grokscope.cli.main import main

if __name__ == "__main__":
    done = {}
    for name, arguments in json.loads(sys.argv[1]).items():
        sys.argv = ["grokscope", *arguments]
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as ended:
                code = ended.code or 0
        done[name] = {"code": code, "out": out.getvalue(), "err": err.getvalue()}
    print(json.dumps(done))
"""
"""All commands in one process, apart from that of the tests, which must not know the plugin."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parity")


@pytest.fixture(scope="module")
def done(folder: Path) -> dict[str, dict]:
    (folder / "script.py").write_text(SCRIPT)
    ran = subprocess.run(
        [sys.executable, "script.py", json.dumps(COMMANDS)],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, VARIABLE: str(PLUGIN), "COLUMNS": "200"},
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "wrong-figure"])
def test_every_command_works(done, name):
    assert done[name]["code"] == 0, done[name]["err"]


def test_the_network_generalises_by_the_plugins_optimiser(done, folder):
    metrics = pd.read_csv(folder / RUN / "metrics.csv")
    assert metrics["test_accuracy"].iloc[-1] == 1
    assert "kind: parity-sign" in (folder / RUN / "experiment.yaml").read_text()
    assert "the parity of 2 of 8 bits" in done["recipes"]["out"].lower()


def test_the_record_names_the_plugin(done, folder):
    record = json.loads((folder / RUN / "run.json").read_text())
    assert list(record["sessions"][0]["plugins"]) == [str(PLUGIN)]


def test_the_measures_are_in_the_run_and_in_the_sweep(done, folder):
    measures = pd.read_csv(folder / RUN / "measures.csv", dtype={"index": str})
    margin = measures[measures["measure"] == "subset_margin"]
    assert margin["value"].iloc[0] < 0.5
    assert margin["value"].iloc[-1] == 1
    assert set(measures[measures["measure"] == "bit_influence"]["index"]) == {str(bit) for bit in range(8)}
    table = pd.read_parquet(folder / SWEEP / "results.parquet")
    assert len(table) == 4
    assert (table["status"] == "finished").all()
    assert (table["subset_margin"] == 1).all()
    assert (folder / SWEEP / "sweep.html").exists()


def test_the_explanation_and_its_claims(done):
    explained = json.loads(done["explain"]["out"])
    assert explained["verdict"] == "explained"
    assert [claim["id"] for claim in explained["claims"]] == ["task", "subset", "few-bits"]


def test_the_figure_is_listed_drawn_and_on_the_page(done, folder):
    assert "the influence of each bit on the answer" in done["figures"]["out"]
    assert "<svg" in (folder / "bits.svg").read_text()
    page = (folder / RUN / "report.html").read_text()
    assert "Which bits count" in page
    assert "the bits that count" in page
    assert "Influence of each bit" in page, "the replay"
    assert "The share of the inputs whose answer changes with the bit." in page
    assert str(PLUGIN) in page, "what was loaded"


def test_what_does_not_apply_says_so(done):
    assert done["wrong-figure"]["code"] == 2
    assert "parity of 2 of 8 bits" in done["wrong-figure"]["err"]


def test_members_of_an_ensemble_equal_runs_alone(done, folder):
    for seed in (0, 1):
        alone = pd.read_csv(folder / SWEEP / "runs" / f"k2-seed{seed}" / "metrics.csv")
        together = pd.read_csv(folder / "runs" / "ensemble" / "runs" / f"seed{seed}" / "metrics.csv")
        pd.testing.assert_frame_equal(alone, together, rtol=1e-3, atol=1e-5)


def test_the_tests_know_nothing_of_the_plugin():
    from grokscope.tasks import TASKS

    assert "sparse-parity" not in TASKS
