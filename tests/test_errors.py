import pytest

from grokscope import errors
from grokscope.errors import GrokscopeError, nearest


def test_one_base_class():
    own = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert len(own) >= 5
    assert all(issubclass(error, GrokscopeError) for error in own)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("hook_pots", ["hook_pre", "hook_post", "hook_z"], "; did you mean hook_post?"),
        ("zzz", ["add", "subtract"], "; known: add, subtract"),
        ("zzz", iter(["add", "subtract"]), "; known: add, subtract"),
    ],
)
def test_nearest(name, known, expected):
    assert nearest(name, known) == expected
