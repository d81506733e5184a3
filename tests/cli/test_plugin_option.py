"""``--plugin FILE`` works wherever it stands, and only what the user names is executed."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from grokscope.cli.plugins import plugins_first
from grokscope.plugins import VARIABLE
from grokscope.run import Experiment

PLUGIN = '''
from typing import Literal

from grokscope.recipe import Recipe, register_recipe
from grokscope.run import Experiment
from grokscope.tasks import ModularConfig, register_task
from grokscope.training import Stop


@register_task
class ElsewhereConfig(ModularConfig):
    """Arithmetic modulo p from another file."""

    kind: Literal["elsewhere"] = "elsewhere"


@register_recipe("elsewhere")
def elsewhere() -> Recipe:
    """A recipe from another file."""
    return Recipe(Experiment(name="elsewhere", task=ElsewhereConfig(p=7), stop=Stop(steps=2)), "a second")
'''


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("train fast", "train fast"),
        ("--plugin a.py train fast", "--plugin a.py train fast"),
        ("train fast --plugin a.py --seed 1 --plugin=b.py", "--plugin a.py --plugin=b.py train fast --seed 1"),
        ("train -- --plugin a.py", "train -- --plugin a.py"),
        ("train fast --plugin", "train fast --plugin"),
    ],
)
def test_the_option_comes_first(arguments, expected):
    assert plugins_first(arguments.split()) == expected.split()


@pytest.fixture
def grokscope(tmp_path: Path):
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "grokscope", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, VARIABLE: "", **environment},
        )

    return run


@pytest.mark.slow
def test_a_recipe_and_a_task_of_a_file(grokscope, tmp_path: Path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN)
    done = grokscope("train", "elsewhere", "--no-report", "--plugin", "mine.py")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "runs" / "elsewhere" / "run.json").read_text())
    assert list(record["sessions"][0]["plugins"]) == [str(plugin)]
    assert len(record["sessions"][0]["plugins"][str(plugin)]) == 64
    shown = grokscope("show", "runs/elsewhere")
    assert shown.returncode == 2
    assert "no task is called 'elsewhere'" in shown.stderr
    assert "name the file that registers another kind with --plugin FILE" in shown.stderr
    assert "elsewhere mod" not in shown.stdout
    assert grokscope("show", "runs/elsewhere", **{VARIABLE: str(plugin)}).returncode == 0


def test_a_plugin_that_is_not_there(grokscope):
    done = grokscope("train", "fast", "--plugin", "none.py")
    assert done.returncode == 2
    assert "none.py: No such file or directory; give the path of a Python file" in done.stderr


def test_an_experiment_goes_to_another_process_as_plain_values():
    experiment = Experiment(name="other")
    sent = pickle.dumps(experiment)
    assert b"ModularConfig" not in sent
    assert pickle.loads(sent) == experiment
