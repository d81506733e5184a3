"""Every mistake a person could type gets one line, exit code 2, and leaves nothing behind."""

import re
import sys
from pathlib import Path

import pytest

from grokscope.cli.main import main


@pytest.fixture
def grokscope(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """Run the command line in an empty folder; returns its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["grokscope", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out, err

    return run


MISTAKES = [
    (("train", "fats"), r"no recipe is called 'fats'; did you mean fast\?"),
    (("train",), r"Missing argument"),
    (("train", "fast", "--bogus"), r"No such option: --bogus"),
    (("trian", "fast"), r"No such command 'trian'"),
    (("train", "fast", "--p", "113.5"), r"task\.p: input should be a valid integer, got 113\.5"),
    (("train", "fast", "--p", "many"), r"task\.p: input should be a valid integer, got 'many'"),
    (("train", "fast", "--p", "1"), r"task\.p: .*greater than or equal to 2, got 1"),
    (("train", "fast", "--p", "998"), r"task\.p: .*less than or equal to 997, got 998"),
    (("train", "fast", "--train-fraction", "0.00001"), r"train_fraction 1e-05 of the 12769 pairs.*leaves nothing"),
    (("train", "fast", "--train-fraction", "1.5"), r"train_fraction: .*less than or equal to 1, got 1\.5"),
    (("train", "fast", "--lr", "0"), r"optimizer\.lr: .*greater than 0, got 0"),
    (("train", "fast", "--lr", ".inf"), r"optimizer\.lr: input should be a finite number"),
    (("train", "fast", "--steps", "0"), r"stop\.steps: .*greater than or equal to 1, got 0"),
    (("train", "fast", "--seed", "-1"), r"seed: expected a whole number from 0 up, got -1"),
    (("train", "fast", "--threads", "0"), r"threads: .*greater than or equal to 1, got 0"),
    (("train", "fast", "--device", "tpu"), r"device: .*'auto', 'cpu' or 'cuda', got 'tpu'"),
    (("train", "fast", "--set", "model.d_mlp"), r"expected NAME=VALUE"),
    (("train", "fast", "--set", "model.d_mpl=3"), r"no setting is called 'model\.d_mpl'; did you mean model\.d_mlp\?"),
    (("train", "fast", "--set", "model.d_mlp.x=3"), r"no setting is called 'model\.d_mlp\.x'"),
    (("train", "fast", "--set", "model.kind=cnn"), r"model: .*'cnn'"),
    (("train", "fast", "--set", "model=3"), r"model: "),
    (("train", "fast", "--set", "schedule.decay_to=100"), r"needs decay_to after it, got 100"),
    (("train", "fast", "--operation", "a/b"), r"'/' leaves the whole numbers"),
    (("train", "fast", "--operation", "__import__('os')"), r"unknown name '__import__'|only whole numbers"),
    (("train", "fast", "--operation", "a // b"), r"fails at a=0, b=0, p=113"),
    (("train", "fast", "--operation", "nowhere.py:f"), r"there is no file nowhere\.py"),
    (("train", "absent.yaml"), r"cannot read absent\.yaml: No such file"),
    (("runs",), r"there is no folder runs"),
    (("runs", "."), r"there are no runs in \."),
    (("show", "nowhere"), r"nowhere is not a run.*there is no such folder"),
    (("report", "nowhere"), r"nowhere is not a run"),
    (("watch", "nowhere"), r"nowhere is not a run.*--wait waits for it"),
    (("recipes", "mainlin"), r"did you mean mainline\?"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=lambda value: " ".join(value)[:60])
def test_one_line_exit_code_2_nothing_left_behind(grokscope, tmp_path: Path, arguments, message: str) -> None:
    code, out, err = grokscope(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("grokscope: ")
    assert err.count("\n") == 1
    assert re.search(message, err), err
    assert list(tmp_path.iterdir()) == []


TINY = ("--p", "7", "--steps", "4", "--set", "model.d_mlp=8", "--set", "model.d_model=8", "--no-report")


def test_an_existing_run_is_not_overwritten(grokscope, tmp_path: Path) -> None:
    assert grokscope("train", "fast", *TINY, "--out", "mine")[0] == 0
    before = {file: file.read_bytes() for file in (tmp_path / "mine").rglob("*") if file.is_file()}
    code, _, err = grokscope("train", "fast", *TINY, "--out", "mine")
    assert code == 2
    assert "mine already holds a run; use --resume" in err
    assert before == {file: file.read_bytes() for file in (tmp_path / "mine").rglob("*") if file.is_file()}


def test_a_folder_that_cannot_be_written(grokscope, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    code, _, err = grokscope("train", "fast", *TINY, "--out", "file/run")
    assert code == 2
    assert "cannot write to file/run" in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: {p: 7", r"mine\.yaml is not YAML"),
        ("task: {p: 7.5}", r"mine\.yaml: task\.p: input should be a valid integer, got 7\.5"),
        ("tsk: {p: 7}", r"mine\.yaml: no setting is called 'tsk'"),
        ("- 1", r"mine\.yaml: expected settings as 'name: value', got list"),
        ("", r"mine\.yaml: expected settings as 'name: value', got NoneType"),
    ],
)
def test_a_wrong_yaml_file(grokscope, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    code, _, err = grokscope("train", "mine.yaml")
    assert code == 2
    assert re.search(message, err), err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_step_without_a_checkpoint(grokscope) -> None:
    grokscope("train", "fast", *TINY, "--out", "mine")
    code, _, err = grokscope("show", "mine", "--step", "3")
    assert code == 2
    assert "no checkpoint at step 3; the nearest is 4" in err
