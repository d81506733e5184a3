"""``grokscope grid`` is a sweep over two settings, and its phase diagram."""

import sys

import pandas as pd
import pytest

import grokscope as gs
from grokscope.cli.main import main

TINY = {
    "task.p": 5, "model.d_model": 8, "model.d_head": 4, "model.n_heads": 1, "model.d_mlp": 8, "stop.steps": 4,
    "evaluate_every": 1, "stop.test_accuracy": "null",
}  # fmt: skip


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    def run(*arguments: str, settings=TINY) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "200")
        options = [text for name, value in settings.items() for text in ("--set", f"{name}={value}")]
        monkeypatch.setattr(sys, "argv", ["grokscope", "grid", *arguments, *options])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return run


@pytest.mark.slow
def test_a_grid_is_a_sweep_and_is_resumed(call, tmp_path):
    options = ("--fractions", "0.5,0.3", "--decays", "0,1", "--seed", "3", "--workers", "2")
    code, out, err = call(*options)
    assert code == 0, err
    folder = tmp_path / "runs" / "grid"
    table = pd.read_parquet(folder / "results.parquet")
    assert table["run"].tolist() == [
        f"train_fraction{fraction}-weight_decay{decay}-seed3" for fraction in (0.3, 0.5) for decay in (0.0, 1.0)
    ]
    assert gs.Run(folder / "runs" / "train_fraction0.3-weight_decay1.0-seed3").experiment.optimizer.weight_decay == 1
    assert (folder / "phase-diagram.png").read_bytes().startswith(b"\x89PNG")
    assert "Phase diagram" in (folder / "sweep.html").read_text()
    assert "phase-diagram.png" in out
    first = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    code, out, err = call(*options)
    assert code == 0, err
    assert "0 of 4 runs" in out
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")} == first


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("skip-trigrams",), "no train fraction to vary"),
        (("--decays", "a,b"), "--decays 'a,b': expected numbers with commas"),
    ],
)
def test_what_is_no_grid_is_refused(call, tmp_path, arguments, complaint):
    code, _, err = call(*arguments, settings={})
    assert code == 2
    assert complaint in err
    assert not list(tmp_path.iterdir())
