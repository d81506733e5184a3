import re
from xml.etree import ElementTree

import pytest

from grokscope.errors import ConfigError, RunError
from grokscope.figures import attention_maps, save_figure, to_png, to_svg
from grokscope.figures.canvas import Drawing
from grokscope.figures.theme import Theme


def test_the_same_picture_gives_the_same_bytes(make_circuit):
    first, second = attention_maps(make_circuit()), attention_maps(make_circuit())
    assert to_svg(first) == to_svg(first) == to_svg(second)
    assert to_png(first) == to_png(second)


def test_an_svg_has_no_date_and_no_maker(make_circuit):
    svg = to_svg(attention_maps(make_circuit()))
    assert not re.search(r"\b20\d\d-\d\d-\d\d", svg)
    assert "metadata" not in svg
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_maps_are_pixels_inside_the_svg(make_circuit):
    assert to_svg(attention_maps(make_circuit(n_heads=2))).count("data:image/png;base64") == 3  # and the colour bar


def test_a_file_is_what_its_suffix_says(tmp_path):
    figure = Drawing(Theme())
    save_figure(figure, tmp_path / "a.svg")
    save_figure(figure, tmp_path / "a.png")
    assert (tmp_path / "a.svg").read_text() == to_svg(figure)
    assert (tmp_path / "a.png").read_bytes() == to_png(figure)
    assert to_png(figure).startswith(b"\x89PNG")


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'a.jpg': the name must end in \.png, \.svg or \.pdf, got '\.jpg'"):
        save_figure(Drawing(Theme()), tmp_path / "a.jpg")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RunError, match=r"no/a\.svg"):
        save_figure(Drawing(Theme()), tmp_path / "no" / "a.svg")
