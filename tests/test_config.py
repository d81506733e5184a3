"""YAML means the same wherever it is read: in files, in sweeps, on the command line."""

from pathlib import Path

import pytest

from grokscope.cli.options import value_of
from grokscope.config import dump_yaml, load_yaml, read_yaml
from grokscope.errors import RunError
from grokscope.run import load_experiment
from grokscope.sweeps.files import load_sweep

VALUES = [
    ("1e-3", 0.001),
    ("1E3", 1000.0),
    ("-2.5e+2", -250.0),
    (".5", 0.5),
    ("3", 3),
    ("3.0", 3.0),
    ("true", True),
    ("False", False),
    ("yes", "yes"),
    ("on", "on"),
    ("null", None),
    ("~", None),
    ("", None),
    ("3:10", "3:10"),
    ("2026-11-27", "2026-11-27"),
    ("'1e-3'", "1e-3"),
    ('"true"', "true"),
    ("[0.9, 98e-2, 'x', null]", [0.9, 0.98, "x", None]),
    ("{a: 1e-1}", {"a": 0.1}),
    ("a*a + 3*a*b", "a*a + 3*a*b"),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_what_a_text_means(text, value):
    found = load_yaml(text)
    assert found == value
    assert type(found) is type(value)
    assert value_of(text) == value


@pytest.mark.parametrize("value", [value for _, value in VALUES] + [1e-8, 1e22, 0.1 + 0.2, {"é": ["− a"]}])
def test_what_is_written_is_read_as_it_was(value):
    assert load_yaml(dump_yaml({"value": value})) == {"value": value}


def test_small_numbers_are_numbers_to_older_readers_too():
    assert dump_yaml({"eps": 1e-8}) == "eps: 1.0e-08\n"


def test_a_learning_rate_in_a_file_is_a_number(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text("optimizer: {kind: adamw, lr: 1e-3}\n")
    assert load_experiment(file).optimizer.lr == 0.001


@pytest.mark.parametrize("read", [read_yaml, load_experiment, load_sweep])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\ntask: [1,\n", r"mine\.yaml is not YAML: line 3: expected"),
        ("name: x\n\nname: y\n", r"mine\.yaml is not YAML: line 3: found duplicate key"),
        ("name: x\n\ttask: 1\n", r"mine\.yaml is not YAML: line 2: "),
        ("name: \x00", r"mine\.yaml is not YAML: "),
    ],
)
def test_an_error_names_the_file_and_the_line(read, text, message, tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(RunError, match=message):
        read(file)
