"""``explain``, ``measure`` and ``import`` from the command line."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.cli.main import main
from grokscope.explanation import Program
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import TransformerConfig
from grokscope.tasks.modular.operations import operation_table

pytestmark = pytest.mark.slow

SMALL = ["--p", "11", "--set", "model.d_mlp=32", "--set", "model.d_model=16", "--set", "model.d_head=4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("explaining")
    coordinates = find_coordinates(operation_table("add", 23, 0))
    assert coordinates is not None
    program = Program("clock", (3, 8), (20.0, 18.0), (0.0, 0.0), coordinates)
    torch.save(plant(program, TransformerConfig(d_model=64)).state_dict(), folder / "planted.pt")
    trained = grokscope(folder, "train", "fast", "--steps", "40", *SMALL, "--no-report", "--out", "run")
    assert trained.returncode == 0, trained.stderr
    return folder


def grokscope(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grokscope", *arguments]
    environment = os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def refused(folder, monkeypatch, capsys):
    """Return the one line that a command ends with; run in this process, which is quicker."""

    def run(*arguments: str) -> str:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["grokscope", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        assert ended.value.code == 2, told
        assert told.out == ""
        assert len(told.err.splitlines()) == 1, told.err
        return told.err

    return run


def test_explain_a_file(folder):
    done = grokscope(folder, "explain", "planted.pt")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("EXPLAINED · add mod 23, clock-like · planted.pt")
    assert "read from the neuron clusters" in done.stdout
    assert "FAIL" not in done.stdout
    assert "random other frequencies" in done.stdout


def test_explain_as_json_and_as_a_program(folder):
    done = grokscope(folder, "explain", "planted.pt", "--json", "--program", "clock.py")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["verdict"], told["algorithm"], told["operation"]) == ("explained", "clock-like", "add")
    assert (told["modulus"], told["accuracy"], told["key_frequencies"]) == (23, 1.0, [3, 8])
    assert told["logit_fve"] > 0.99
    assert all(claim["pass"] for claim in told["claims"])
    ran = subprocess.run([sys.executable, "clock.py"], cwd=folder, capture_output=True, text=True, check=True)
    assert ran.stdout == "529 of 529 answers are right\n"


def test_import_and_explain_what_was_written(folder, refused):
    done = grokscope(folder, "import", "planted.pt", "-o", "ours.safetensors")
    assert done.returncode == 0, done.stderr
    assert "operation" in done.stdout
    again = grokscope(folder, "explain", "ours.safetensors", "--json")
    assert json.loads(again.stdout)["verdict"] == "explained"
    assert "exists" in refused("import", "planted.pt", "-o", "ours.safetensors")


def test_measure(folder):
    done = grokscope(folder, "measure", "run", "--every", "20", "--frequencies", "2,3")
    assert done.returncode == 0, done.stderr
    assert "Phases, by the measures:" in done.stdout
    with (folder / "run" / "measures.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {int(row["step"]) for row in rows} == {0, 20, 40}
    found = {(row["measure"], row["index"]) for row in rows}
    assert {("excluded_loss", "2"), ("alpha", "3"), ("gini_W_L", ""), ("sum_of_squares", "embed.W_E")} <= found


def test_explain_over_training(folder):
    done = grokscope(folder, "explain", "run", "--every", "20", "--frequencies", "2,3")
    assert done.returncode == 0, done.stderr
    assert "true from step" in done.stdout
    assert (folder / "run" / "claims.csv").is_file()
    told = json.loads(grokscope(folder, "explain", "run", "--every", "20", "--frequencies", "2,3", "--json").stdout)
    assert set(told["holds_from_step"]) == {claim["name"] for claim in told["claims"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["explain", "nothing.pt"], "no file nothing.pt"),
        (["explain", "run", "--step", "7"], "no checkpoint at step 7; the nearest is"),
        (["explain", "run", "--step", "20", "--every", "20"], "give one of them"),
        (["explain", "planted.pt", "--every", "20"], "needs a run with checkpoints"),
        (["explain", "planted.pt", "--frequencies", "3,x"], "expected whole numbers with commas"),
        (["explain", "planted.pt", "--frequencies", "3,99"], "99"),
        (["explain", "planted.pt", "--p", "29"], "29"),
        (["explain", "planted.pt", "--operation", "a +* b"], "operation 'a +* b'"),
        (["explain", "planted.pt", "--set", "activation=tanh"], "activation"),
        (["measure", "run", "--frequencies", "9"], "no frequency 9 modulo 11"),
        (["measure", "run"], "no key frequencies"),
        (["measure", "run", "--frequencies", "2", "-o", "nowhere/measures.csv"], "no folder nowhere"),
        (["measure", "planted.pt"], "planted.pt"),
    ],
)
def test_bad_input_is_one_line(refused, arguments, words):
    assert words in refused(*arguments)


def test_files_that_are_no_network(folder, refused):
    (folder / "text.pt").write_text("hello")
    (folder / "empty.pt").write_bytes(b"")
    (folder / "cut.pt").write_bytes((folder / "planted.pt").read_bytes()[:5000])
    torch.save({"conv.weight": torch.zeros(3, 3)}, folder / "other.pt")
    state = torch.load(folder / "planted.pt", weights_only=True)
    torch.save({**state, "unembed.W_U": state["unembed.W_U"] * torch.nan}, folder / "nan.pt")
    torch.save({**state, "blocks.0.mlp.W_in": state["blocks.0.mlp.W_in"][:, :7]}, folder / "wrong.pt")
    torch.save(torch.nn.Linear(2, 2), folder / "code.pt")
    for name, words in {
        "text.pt": "text.pt",
        "empty.pt": "empty",
        "cut.pt": "damaged",
        "other.pt": "conv.weight",
        "nan.pt": "unembed.W_U",
        "wrong.pt": "blocks.0.mlp.b_in in wrong.pt has shape [512], expected [7]",
        "code.pt": "code",
    }.items():
        assert words in refused("explain", name), name
        assert words in refused("import", name), name
