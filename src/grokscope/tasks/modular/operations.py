"""Binary operations modulo p: named ones, expressions, and functions from the user's own file."""

import ast
import runpy
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from grokscope.errors import ConfigError, nearest
from grokscope.randomness import stream

NAMED: dict[str, str] = {
    "add": "a + b",
    "subtract": "a - b",
    "multiply": "a * b",
    "x2xyy2": "a*a + a*b + b*b",
}
"""Operations with a name, each as the expression that it stands for (all modulo p)."""

RANDOM = "random"
"""The memorisation control: every pair gets a label drawn once, so nothing can be generalised."""

_NODES = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Call, ast.IfExp),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.Pow),
    *(ast.UnaryOp, ast.USub, ast.UAdd, ast.Not, ast.BoolOp, ast.And, ast.Or),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)
_MAX_POWER_BITS = 100_000


def _power(base: int, exponent: int, modulus: int | None = None) -> int:
    if modulus is None and (exponent < 0 or base.bit_length() * exponent > _MAX_POWER_BITS):
        raise ArithmeticError(f"{base} ** {exponent} is not a whole number of reasonable size; use pow(x, n, p)")
    return pow(base, exponent, modulus)


_FUNCTIONS: dict[str, Callable[..., Any]] = {"pow": _power, "abs": abs, "min": min, "max": max}

_SCOPE = {"__builtins__": {}, **_FUNCTIONS}


class _Powers(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        return ast.Call(ast.Name("pow", ast.Load()), [node.left, node.right], [])


def compile_expression(expression: str) -> CodeType:
    """Return the code of an integer expression in ``a``, ``b`` and ``p``.

    Allowed are whole numbers, ``+ - * // % **``, comparisons, ``x if y else z``, pow, abs, min
    and max; nothing else can be reached, so the expression in a stranger's run is safe to evaluate.

    Raises:
        ConfigError: the text is not such an expression.
    """
    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(
            f"operation {expression!r} is neither a name ({', '.join([*NAMED, RANDOM])}), nor an expression in a, b, p "
            f"nor file.py:function"
        ) from error
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            raise ConfigError(
                f"operation {expression!r}: '/' leaves the whole numbers; multiply by pow(b, p-2, p) instead"
            )
        if isinstance(node, ast.Name) and node.id not in {"a", "b", "p", *_FUNCTIONS}:
            known = ["a", "b", "p", *_FUNCTIONS, *NAMED, RANDOM]
            raise ConfigError(f"operation {expression!r}: unknown name {node.id!r}{nearest(node.id, known)}")
        wrong_constant = isinstance(node, ast.Constant) and type(node.value) is not int
        if not isinstance(node, _NODES) or wrong_constant:
            raise ConfigError(
                f"operation {expression!r}: only whole numbers, a, b, p, + - * // % **, comparisons, "
                f"if/else and pow, abs, min, max are allowed"
            )
    try:
        return compile(ast.fix_missing_locations(_Powers().visit(tree)), "<operation>", "eval")
    except RecursionError as error:
        raise ConfigError(
            f"operation {expression[:40]!r}… is nested too deeply; write it as file.py:function"
        ) from error


def is_file_function(operation: str) -> bool:
    """Return whether ``operation`` refers to a function in a Python file, as ``file.py:function``."""
    path, colon, name = operation.rpartition(":")
    return bool(colon) and path.endswith(".py") and name.isidentifier()


def _file_function(operation: str) -> Callable[..., Any]:
    file, _, name = operation.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise ConfigError(f"operation {operation!r}: there is no file {path}")
    try:
        namespace = runpy.run_path(str(path), run_name="grokscope_operation")
    except (Exception, SystemExit) as error:
        raise ConfigError(f"operation {operation!r}: {path} does not run: {type(error).__name__}: {error}") from error
    function = namespace.get(name)
    if not callable(function):
        names = [key for key, value in namespace.items() if callable(value) and not key.startswith("_")]
        raise ConfigError(f"operation {operation!r}: {path} defines no function {name!r}{nearest(name, names)}")
    return function


def operation_table(operation: str, p: int, seed: int) -> Int[Tensor, "p p"]:
    """Return the answers of every pair: ``table[a, b] = operation(a, b) mod p``.

    Args:
        operation: a key of :data:`NAMED`; ``"random"``; an expression in a, b and p such as ``"a**3 + 2*a*b"``;
            or ``"file.py:function"``, a function of (a, b, p) that returns a whole number.
        p: the modulus.
        seed: draws the labels of ``"random"``; no other operation uses it.

    Raises:
        ConfigError: the operation is none of these, or fails on a pair (which the text names).
    """
    if operation == RANDOM:
        return torch.randint(p, (p, p), generator=stream("labels", seed))
    if is_file_function(operation):
        evaluate = _file_function(operation)
    else:
        evaluate = _evaluation(compile_expression(NAMED.get(operation, operation)))
    rows = []
    for a in range(p):
        row = []
        for b in range(p):
            try:
                answer = evaluate(a, b, p)
                row.append(int(answer) % p)
                exact = answer == int(answer)
            except Exception as error:
                raise ConfigError(f"operation {operation!r} fails at a={a}, b={b}, p={p}: {error}") from error
            if not exact:
                raise ConfigError(
                    f"operation {operation!r} at a={a}, b={b}, p={p} gives {answer!r}, not a whole number"
                )
        rows.append(row)
    return torch.tensor(rows)


def _evaluation(code: CodeType) -> Callable[..., Any]:
    return lambda a, b, p: eval(code, _SCOPE, {"a": a, "b": b, "p": p})


def operation_in_words(operation: str, p: int) -> str:
    """Return an operation as a reader writes it: ``a + b mod 113``."""
    if operation == RANDOM:
        return f"random labels: every pair of residues mod {p} has an answer drawn once, so there is no rule to find"
    if operation in NAMED:
        return f"{NAMED[operation].replace('a*a', 'a²').replace('b*b', 'b²')} mod {p}"
    return f"the operation {operation} mod {p}"
