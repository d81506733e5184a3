"""Plugins are loaded once, from where the user named them, and their errors say which."""

import os
import sys
from pathlib import Path

import pytest

from grokscope.errors import ConfigError
from grokscope.plugins import VARIABLE, load_plugins


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setattr(sys, "path", list(sys.path))


def written(folder: Path, text: str, name: str = "mine.py") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_file_is_imported_once(tmp_path: Path):
    log = tmp_path / "log"
    file = written(tmp_path, f"with open({str(log)!r}, 'a') as log:\n    log.write('x')")
    first, second = load_plugins([file]), load_plugins([str(file)])
    assert log.read_text() == "x"
    assert first == second
    assert first[-1].name == str(file)
    assert len(first[-1].sha256) == 64


def test_files_come_from_the_environment_and_go_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    one, two = written(tmp_path, "", "one.py"), written(tmp_path, "import one", "two.py")
    monkeypatch.setenv(VARIABLE, str(one))
    names = [plugin.name for plugin in load_plugins([two, two])]
    assert names[-2:] == [str(one), str(two)]
    assert os.environ[VARIABLE].split(os.pathsep) == [str(one), str(two)]


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"plugin .*none\.py: No such file or directory; give the path"):
        load_plugins([tmp_path / "none.py"])


def test_a_file_that_fails_says_why_each_time(tmp_path: Path):
    file = written(tmp_path, "1 / 0")
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"plugin .*mine\.py cannot be imported: ZeroDivisionError: division"):
            load_plugins([file])


def test_a_file_that_is_not_python(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"its name must end in \.py"):
        load_plugins([written(tmp_path, "", "mine.txt")])
