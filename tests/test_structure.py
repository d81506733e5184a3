"""The architecture, as rules that a change cannot break unnoticed.

Which package may import which is in ``pyproject.toml``, as contracts of import-linter.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import grokscope

ROOT = Path(__file__).parents[1]
SOURCE = Path(grokscope.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
LONGEST = 400
"""Lines of a module; more is more than one idea."""


def test_imports_keep_the_contracts(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


def test_the_modules_are_found():
    """The rules below would hold of an empty list: make sure that they saw the library."""
    assert {"tasks", "models", "training", "run"} <= {path.relative_to(SOURCE).parts[0] for path in MODULES}


def test_modules_are_short():
    too_long = {path.name: n for path in MODULES if (n := len(path.read_text().splitlines())) > LONGEST}
    assert not too_long


def test_names_say_something():
    assert not {path.stem for path in MODULES} & {"utils", "util", "helpers", "misc", "common"}


def test_imports_have_whole_names():
    relative = [path for path, node in _nodes(ast.ImportFrom) if node.level]
    assert not relative


def test_nothing_seeds_the_global_random_state():
    owners = {"torch", "torch.cuda", "random", "np.random"}
    calls = [
        f"{path.name}: {ast.unparse(node.func)}"
        for path, node in _nodes(ast.Call)
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in {"manual_seed", "seed"}
        and ast.unparse(node.func.value) in owners
    ]
    assert not calls


FAMILIES = ("modular", "sequences", "binary")
OF_A_FAMILY = re.compile(
    r"(Modular|BinaryOperation|Sequence|DigitAddition|RepeatedSubsequences|SkipTrigrams|Circuit)"
    r"(Task|Config|Explanation)"
)


def test_what_depends_on_the_family_is_dispatched():
    """Outside a family's own modules nobody asks of which family a task is: ``functools.singledispatch`` does."""
    asked = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path, node in (*_nodes(ast.Call), *_nodes(ast.MatchClass))
        if not any(part.removesuffix(".py") in FAMILIES for part in path.relative_to(SOURCE).parts)
        and (isinstance(node, ast.MatchClass) or ast.unparse(node.func) == "isinstance")
        and OF_A_FAMILY.search(ast.unparse(node.cls if isinstance(node, ast.MatchClass) else node.args[1]))
    ]
    assert not asked


def _nodes(kind):
    for path in MODULES:
        yield from ((path, node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kind))


def _loaded(code: str) -> set[str]:
    """Return the modules that a new process has loaded after ``code``."""
    whole = f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"
    return set(subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True).stdout.split())


SLOW = {
    *("torch", "pandas", "scipy", "matplotlib", "jinja2", "plotly", "IPython", "ray", "tensorboard", "pyarrow"),
    *("transformer_lens", "wandb", "mlflow", "hypothesis", "requests", "http.server", "uvicorn", "fastapi"),
}
"""What takes long to import, or belongs to an extra."""


def test_importing_the_package_is_cheap():
    loaded = _loaded("import grokscope")
    assert "grokscope" in loaded
    assert not (SLOW | {"typer", "rich", "numpy"}) & loaded


def test_every_public_name_can_be_loaded():
    assert all(getattr(grokscope, name) is not None for name in grokscope.__all__)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["train", "--help"],
        ["sweep", "--help"],
        ["train", "fast", "--no-such-option"],
        ["train", "fats"],
        ["train", "fast", "--set", "lr"],
        ["explain"],
        ["no-such-command"],
        ["measure", "runs/fast", "--frequencies", "x"],
        ["figure", "curves", "runs/fast", "-o", "no/such/folder/curves.pdf"],
    ],
    ids=" ".join,
)
def test_help_and_refused_arguments_import_nothing_slow(arguments):
    loaded = _loaded(
        "import contextlib, io\n"
        "from grokscope.cli.main import main\n"
        f"sys.argv = ['grokscope', *{arguments!r}]\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        main()"
    )
    assert "grokscope.cli.main" in loaded
    assert not SLOW & loaded
