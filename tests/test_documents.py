"""The README's commands and its Python run, in their order and in one folder; all documents name options that exist."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import typer
from documented import prepare, shorten_recipes

import grokscope as gs
from grokscope.cli import main as command_line

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"^ {4}grokscope (?!step|test ).*$", re.MULTILINE)  # these two are printed by benchmarks
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHORTER = {
    "--seeds 0:64": "--seeds 0:2",
    "--n-samples 100": "--n-samples 2",
    "--engine ray --address auto -o s3://bucket/small": "-o elsewhere --dry-run",
    "--p 59 --set model.d_mlp=256": "--p 11",
    "reproduce --quick": "reproduce skip-trigrams --quick --engine serial",
    "reproduce all --seeds 5 --resume": "reproduce mainline --seeds 5 --resume --dry-run",
}
"""What needs hours or a cluster; tests/sweeps/test_ray.py has a cluster."""


def commands_in(document: Path) -> list[list[str]]:
    found = COMMAND.findall(document.read_text(encoding="utf-8").replace("\\\n", ""))
    return [shlex.split(line, comments=True)[1:] for line in found]


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["grokscope", *arguments])
    with pytest.raises(SystemExit) as ended:
        sys.exit(command_line.main())
    assert ended.value.code in (0, None), arguments


def expanded(word: str) -> list[str]:
    """Return what a shell makes of a word."""
    return sorted(str(path) for path in Path().glob(word)) if word.endswith("*") else [word]


@pytest.mark.slow
def test_every_command_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    prepare(tmp_path)
    shutil.rmtree(tmp_path / "runs/fast")  # its first command trains it; make demo trains runs/mainline
    shorten_recipes(monkeypatch)
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in COMMAND.findall(text):
        for long, short in SHORTER.items():
            line = line.replace(long, short)
        words, to = shlex.split(line, comments=True)[1:], None
        arguments = [each for word in words for each in expanded(word)]
        if ">" in arguments:
            *arguments, _, to = arguments
        if arguments[0] == "train" and "--dry-run" not in arguments and arguments[1:] != ["fast"]:
            arguments.append("--no-report")
        run(arguments, monkeypatch)
        printed = capsys.readouterr().out
        if to is not None:
            Path(to).write_text(printed, encoding="utf-8")


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    prepare(tmp_path)
    shorten_recipes(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (block,) = PYTHON.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    for long, short in {'gs.train("fast", seed=1)': 'gs.Run("runs/fast")', "(64)": "(2)", "=5000": "=20"}.items():
        assert long in block
        block = block.replace(long, short)
    exec(block, {})
    assert len(gs.runs()) > 1


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_documents_name_commands_and_options_that_exist(document):
    commands = typer.main.get_command(command_line.app).commands
    for arguments in commands_in(document):
        name = arguments[2 if arguments[0] == "--plugin" else 0]
        assert name in commands, arguments
        known = {
            option for parameter in commands[name].params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        named = {each.split("=")[0] for each in arguments if re.match(r"--?[a-z]", each)}
        assert named <= known | {"--plugin", "--help"}, arguments
