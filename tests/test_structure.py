"""The architecture, as rules that a change cannot break unnoticed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import grokscope

SOURCE = Path(grokscope.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
ORDER = [
    {"errors", "config", "registry", "plugins", "randomness", "display", "formatting", "progress"},
    {"tasks"},
    {"models"},
    {"training"},
    {"curves"},
    {"run"},
    {"recipe"},
    {"interop"},
    {"analysis"},
    {"explanation"},
    {"sweeps"},
    {"figures"},
    {"reports"},
    {"workflows"},
    {"cli", "__main__"},
]
"""A package may import from itself and from what stands before it."""

RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}


def part_of(module: Path) -> str:
    return module.relative_to(SOURCE).with_suffix("").parts[0]


def imported_parts(module: Path) -> set[str]:
    """Every part of grokscope that the module imports from, wherever in it the import stands."""
    parts = set()
    for node in ast.walk(ast.parse(module.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import; write the whole name"
            if node.module == "grokscope":
                names = [f"grokscope.{alias.name}" for alias in node.names]
            else:
                names = [node.module or ""]
        parts |= {f"{name}.".split(".")[1] for name in names if name.partition(".")[0] == "grokscope"}
    return parts


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(SOURCE)))
class TestEveryModule:
    def test_imports_point_one_way(self, module):
        part = part_of(module)
        if part == "__init__":
            assert not imported_parts(module) & {"cli", "__main__", "figures", "reports"}, (
                "import grokscope must stay light"
            )
            return
        assert part in RANK, f"{part} has no place in the order of the packages; give it one in ORDER"
        for other in imported_parts(module):
            assert other in RANK, f"{module.name} imports grokscope.{other}, which is not a package of the library"
            assert RANK[other] <= RANK[part], f"{part}/{module.name} imports from {other}, which comes after it"

    def test_length(self, module):
        n_lines = len(module.read_text().splitlines())
        assert n_lines <= 400, f"{n_lines} lines: more than one idea; split it"

    def test_name_says_something(self, module):
        assert module.stem not in {"utils", "util", "helpers", "misc", "common"}

    def test_parses_without_the_global_random_state(self, module):
        calls = {"manual_seed", "seed"}
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in calls:
                owner = ast.unparse(node.func.value)
                assert owner not in {"torch", "torch.cuda", "random", "np.random"}, (
                    f"{owner}.{node.func.attr} is global"
                )


def test_the_order_is_found_in_the_source():
    """The rules above would hold of an empty list: make sure that they saw the library."""
    assert {"tasks", "models", "training", "run"} <= {part_of(module) for module in MODULES}
    assert "tasks" in imported_parts(SOURCE / "training" / "trainer.py")
    assert "errors" in imported_parts(SOURCE / "models" / "hooks.py")


def test_import_is_light():
    heavy = {
        *("matplotlib", "jinja2", "typer", "click", "plotly", "kaleido", "IPython", "ipywidgets"),
        *("ray", "transformer_lens", "wandb", "mlflow", "tensorboard", "sklearn", "scipy"),
        *("uvicorn", "fastapi", "starlette", "flask", "aiohttp", "websockets", "requests", "http.server", "hypothesis"),
    }
    code = "import sys, grokscope; print(*sys.modules, sep='\\n')"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "grokscope" in loaded
    assert not heavy & set(loaded)
