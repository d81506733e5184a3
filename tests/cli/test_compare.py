"""``grokscope compare`` end to end."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import grokscope as gs
from grokscope.cli.main import main

TINY: dict[str, object] = {
    "task.p": 7,
    "stop.steps": 20,
    "evaluate_every": 5,
    "model.d_model": 8,
    "model.d_mlp": 8,
    "model.n_heads": 1,
    "model.d_head": 4,
}


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with two seeds of one experiment, and one of another weight decay, in a folder with an odd name."""
    path = tmp_path_factory.mktemp("compare")
    for out, changes in (("a", {}), ("b", {"seed": 1}), ("[red]c", {"optimizer.weight_decay": 0.5})):
        experiment = gs.Experiment(name="tiny").override({**TINY, **changes})
        gs.train(experiment, out=path / out, progress=False, execution=gs.Execution(device="cpu", threads=1))
    return path


@pytest.fixture
def call(folder, monkeypatch, capsys) -> Callable[..., Done]:
    """Run the command in this process, in the folder of the runs: each process of its own takes four seconds."""

    def run(*arguments: str, columns: int = 200) -> Done:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "argv", ["grokscope", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.mark.slow
def test_everything_at_once(call, folder):
    files = ["curves.png", "curves.svg", "page.html", "runs.csv"]
    options = [text for name in files for text in ("-o", name)]
    done = call("compare", "a", "b", "[red]c", *options)
    assert done.returncode == 0, done.stderr
    assert "3 runs in 2 groups: weight decay 0.5 and weight decay 1" in done.stdout
    assert "0 of 2" in done.stdout
    assert "not reached" in done.stdout
    assert "[red]c" in done.stdout
    assert "Note: “weight decay 0.5” is one run" in done.stdout
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "curves.svg").read_text().startswith("<?xml")
    assert (folder / "page.html").read_text().startswith("<!DOCTYPE html>")
    table = pd.read_csv(folder / "runs.csv")
    assert table["run"].tolist() == ["[red]c", "a", "b"]
    assert table["optimizer.weight_decay"].tolist() == [0.5, 1.0, 1.0]
    assert table["last_step"].tolist() == [20] * 3
    assert not list(folder.glob(".*.tmp"))


def test_json(call):
    tree = json.loads(call("compare", "a", "b", "[red]c", "--json").stdout)
    assert [(row["group"], row["runs"], row["grokked_runs"]) for row in tree["groups"]] == [
        ("weight decay 0.5", 1, 0),
        ("weight decay 1", 2, 0),
    ]
    assert [row["seed"] for row in tree["runs"]] == [0, 0, 1]
    assert tree["runs"][0]["grokked"] is None
    assert len(tree["cautions"]) == 1


def test_nothing_is_cut_off_on_a_narrow_terminal(call):
    shown = call("compare", "a", "b", "[red]c", columns=50).stdout
    assert "…" not in shown
    assert "accuracy" in shown
    assert max(map(len, shown.splitlines())) > 50  # rather than cutting words off


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("a", "./a"), "a is given twice"),
        (("a",), "cannot be compared"),
        (("a", "b", "-o", "x.txt"), "must end in one of .html, .png, .svg, .pdf, .csv, got '.txt'"),
        (("a", "b", "-o", "no/x.png"), "there is no folder no"),
        (("a", "none"), "none is not a run"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, folder, arguments, complaint):
    before = sorted(folder.iterdir())
    done = call("compare", *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(folder.iterdir()) == before


def test_help_has_examples(call):
    assert "grokscope compare" in call("compare", "--help").stdout.partition("Examples:")[2]
