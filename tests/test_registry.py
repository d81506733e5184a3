"""Registries hold each name once, say what they know, and let a union of settings stay open."""

from typing import Annotated, Literal

import pytest
from pydantic import BeforeValidator, SerializeAsAny, ValidationError

from grokscope.config import Config
from grokscope.errors import ConfigError
from grokscope.registry import Registry, by_kind


class Shape(Config):
    kind: str


class Circle(Shape):
    kind: Literal["circle"] = "circle"
    radius: float = 1.0


class Square(Shape):
    kind: Literal["square"] = "square"
    side: float = 1.0


SHAPES = Registry[type[Shape]]("shape", "; or load the file that defines it with --plugin FILE")
SHAPES.add("circle", Circle)
SHAPES.add("square", Square)


class Drawing(Config):
    shape: Annotated[SerializeAsAny[Shape], BeforeValidator(by_kind(SHAPES))]


def test_entries_are_in_order_of_registration():
    assert SHAPES.names == list(SHAPES) == ["circle", "square"]
    assert SHAPES.values() == [Circle, Square]
    assert len(SHAPES) == 2
    assert SHAPES["square"] is Square


def test_a_name_belongs_to_one_entry():
    registry = Registry[type]("shape")
    registry.add("circle", Circle)
    registry.add("circle", Circle)  # a module that is loaded again
    with pytest.raises(ConfigError, match=r"'circle' is taken by another shape .*Circle"):
        registry.add("circle", Square)


def test_an_unknown_name_is_an_error_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no shape is called 'squar'; did you mean square\?; or load .* --plugin"):
        SHAPES["squar"]
    assert "squar" not in SHAPES


def test_a_mapping_is_validated_as_its_kind():
    drawing = Drawing.model_validate({"shape": {"kind": "square", "side": 2}})
    assert drawing.shape == Square(side=2)
    assert drawing.model_dump() == {"shape": {"kind": "square", "side": 2.0}}
    assert Drawing.model_validate(drawing.model_dump()) == drawing
    assert Drawing.model_validate_json(drawing.model_dump_json()) == drawing


@pytest.mark.parametrize(
    ("shape", "place", "message"),
    [
        ({"kind": "square", "side": "x"}, ("shape", "side"), "valid number"),
        ({"kind": "square", "radius": 1}, ("shape", "radius"), "not permitted"),
        ({"kind": "{oval}"}, ("shape",), r"no shape is called '\{oval\}'"),
        ({"kind": ["oval"]}, ("shape",), "no shape is called"),
        ({"side": 1}, ("shape",), "kind is missing; known: circle, square"),
        (3, ("shape",), "Shape"),
    ],
)
def test_errors_name_the_place(shape, place, message):
    with pytest.raises(ValidationError, match=message) as caught:
        Drawing.model_validate({"shape": shape})
    assert caught.value.errors()[0]["loc"] == place
