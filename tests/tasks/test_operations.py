import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.errors import ConfigError
from grokscope.tasks.modular.operations import compile_expression, is_file_function, operation_table

MODULI = [2, 3, 12, 13, 97]


def table_of(formula, p):
    return torch.tensor([[formula(a, b, p) for b in range(p)] for a in range(p)])


@pytest.mark.parametrize("p", MODULI)
@pytest.mark.parametrize(
    ("operation", "formula"),
    [  # each computed another way than the package does
        ("add", lambda a, b, p: a + b if a + b < p else a + b - p),
        ("subtract", lambda a, b, p: a - b if a >= b else a - b + p),
        ("multiply", lambda a, b, p: sum(a for _ in range(b)) % p),
        ("x2xyy2", lambda a, b, p: ((a + b) * (a + b) - a * b) % p),
        ("a**3 + 2*a*b", lambda a, b, p: (a * a * a + a * b + a * b) % p),
        ("a*pow(b, p-2, p) if b else 0", lambda a, b, p: a * b ** (p - 2) % p if b else 0),
        ("a // 2 - abs(a - b)", lambda a, b, p: ((a >> 1) - (max(a, b) - min(a, b))) % p),
        ("max(a, b) + min(a, b)", lambda a, b, p: (a + b) % p),
        ("a + b if a < b and not b % 2 == 0 or a == 1 else -a", None),
    ],
)
def test_table_matches_formula(operation, formula, p):
    if formula is None:

        def formula(a, b, p):
            chosen = (a < b and b % 2 == 1) or a == 1
            return (a + b) % p if chosen else (p - a) % p

    assert torch.equal(operation_table(operation, p, seed=0), table_of(formula, p))


def test_division_modulo_a_prime_undoes_multiplication():
    p = 13
    quotient = operation_table("a * pow(b, p-2, p)", p, seed=0)
    for a in range(p):
        for b in range(1, p):
            assert quotient[a, b] * b % p == a


LEAVES = st.sampled_from(["a", "b", "p", "0", "1", "2", "7"])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.integers(0, 3)).map(lambda t: f"({t[0]} ** {t[1]})"),
        inner.map(lambda x: f"(-{x})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} > {t[2]} else {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
    ),
    max_leaves=6,
)


@given(EXPRESSIONS, st.sampled_from([2, 3, 6, 7]))
def test_expressions_mean_what_python_means(expression, p):
    try:
        expected = table_of(lambda a, b, p: eval(expression, {}, {"a": a, "b": b, "p": p}) % p, p)
    except ZeroDivisionError:
        with pytest.raises(ConfigError, match=r"fails at a=\d+, b=\d+, p=\d+: "):
            operation_table(expression, p, seed=0)
    else:
        assert torch.equal(operation_table(expression, p, seed=0), expected)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os')",
        "__import__('os').system('true')",
        "a.__class__",
        "(1).__class__.__mro__",
        "pow.__globals__",
        "'a'",
        "b'a'",
        "f'{a}'",
        "1.5",
        "1j",
        "None",
        "True",
        "...",
        "open(a)",
        "eval(a)",
        "exec('a')",
        "globals()",
        "lambda: a",
        "(lambda: a)()",
        "[a]",
        "[a for a in b]",
        "(a, b)",
        "{a: b}",
        "a[0]",
        "(a := 3)",
        "a := 3",
        "a = 3",
        "a; b",
        "a\nb",
        "import os",
        "max(*[a])",
        "max(a, b, key=abs)",
        "pow(a, **b)",
        "a @ b",
        "a << 99999999999",
        "a & b",
        "~a",
        "a is b",
        "a in b",
        "yield a",
        "await a",
        "__builtins__",
        "x + y",
        "",
        " ",
        "a +",
        "a\0b",
        "(" * 500 + "a" + ")" * 500,
        *("-" * n + "a" for n in (900, 20_000)),
        *("a" + " + a" * n for n in (900, 20_000)),
        *("a" + "**2" * n for n in (900, 20_000)),
        "9" * 5_000,
    ],
)
def test_anything_else_is_refused(expression):
    with pytest.raises(ConfigError, match="operation"):
        compile_expression(expression)


def test_refusal_names_the_nearest_word():
    with pytest.raises(ConfigError, match=r"'substract'.*did you mean subtract"):
        compile_expression("substract")
    with pytest.raises(ConfigError, match=r"multiply by pow\(b, p-2, p\) instead"):
        compile_expression("a / b")


@pytest.mark.parametrize(
    "expression", ["9**9**9", "2**(p**9)", "a**-1", "abs(a, b)", "min(a)", "pow(a, 2, 0)", "pow", "a // b"]
)
def test_failure_on_a_pair_names_the_pair(expression):
    with pytest.raises(ConfigError, match=r"fails at a=\d+, b=0, p=5: "):
        operation_table(expression, 5, seed=0)


class TestRandomLabels:
    def test_same_at_every_access(self):
        assert torch.equal(operation_table("random", 31, seed=3), operation_table("random", 31, seed=3))

    def test_do_not_disturb_or_follow_the_global_state(self):
        torch.manual_seed(5)
        before = torch.random.get_rng_state()
        first = operation_table("random", 31, seed=3)
        assert torch.equal(torch.random.get_rng_state(), before)
        torch.manual_seed(6)
        assert torch.equal(operation_table("random", 31, seed=3), first)

    def test_seed_matters(self):
        assert not torch.equal(operation_table("random", 31, seed=3), operation_table("random", 31, seed=4))

    def test_are_residues_and_use_all_of_them(self):
        table = operation_table("random", 31, seed=0)
        assert table.shape == (31, 31)
        assert set(table.flatten().tolist()) == set(range(31))


class TestFileFunctions:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "my operations.py"
        path.write_text(
            "import math\n"
            "def gcd(a, b, p):\n    return math.gcd(a, b)\n"
            "def half(a, b, p):\n    return a / 2\n"
            "def whole(a, b, p):\n    return float(a)\n"
            "def tensor(a, b, p):\n    return 'seven'\n"
            "def breaks(a, b, p):\n    return [0, 1, 2][a]\n"
            "number = 3\n"
        )
        return path

    def test_is_evaluated_on_every_pair(self, file):
        expected = torch.tensor([[0, 1, 2, 3], [1, 1, 1, 1], [2, 1, 2, 1], [3, 1, 1, 3]])
        assert torch.equal(operation_table(f"{file}:gcd", 4, seed=0), expected)

    def test_whole_floats_are_whole(self, file):
        assert operation_table(f"{file}:whole", 3, seed=0)[:, 0].tolist() == [0, 1, 2]

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("half", r"at a=1, b=0, p=4 gives 0.5, not a whole number"),
            ("tensor", r"fails at a=0, b=0, p=4: "),
            ("breaks", r"fails at a=3, b=0, p=4: list index out of range"),
            ("gdc", r"defines no function 'gdc'; did you mean gcd\?"),
            ("number", r"defines no function 'number'"),
        ],
    )
    def test_errors(self, file, name, message):
        with pytest.raises(ConfigError, match=message):
            operation_table(f"{file}:{name}", 4, seed=0)

    def test_missing_file(self, tmp_path):
        with pytest.raises(ConfigError, match=r"there is no file .*nowhere\.py"):
            operation_table(f"{tmp_path}/nowhere.py:f", 3, seed=0)

    @pytest.mark.parametrize("text", ["def f(:", "1/0", "import no_such_module_anywhere", "raise SystemExit(3)"])
    def test_file_that_does_not_run(self, tmp_path, text):
        file = tmp_path / "broken.py"
        file.write_text(text)
        with pytest.raises(ConfigError, match=r"broken\.py does not run: \w+"):
            operation_table(f"{file}:f", 3, seed=0)

    @pytest.mark.parametrize(
        ("operation", "expected"),
        [
            ("f.py:g", True),
            ("/x/f.py:g", True),
            ("C:/x/f.py:g", True),
            ("f.py", False),
            ("f.txt:g", False),
            ("f.py:1", False),
            ("f.py:g()", False),
            ("a + b", False),
        ],
    )
    def test_recognised_by_form(self, operation, expected):
        assert is_file_function(operation) is expected
