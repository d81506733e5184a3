"""Figures in the size of a paper: exact millimetres, text as large as asked for, nothing cut off or overlapping."""

import re
import zlib
from collections.abc import Callable
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from grokscope.analysis import FourierSummary, Phases
from grokscope.analysis.modular.frequency_ablations import FrequencyAblations
from grokscope.errors import ConfigError
from grokscope.figures import (
    attention_maps,
    embedding_circles,
    frequency_ablations,
    neuron_maps,
    progress_measures,
    save_figure,
    training_curves,
    weight_spectra,
)
from grokscope.figures.crowding import words_of
from grokscope.figures.export import to_pdf, to_png, to_svg
from grokscope.figures.panels import columns_of, panels_of
from grokscope.figures.paper import MM, fit_to_paper

STEPS = np.arange(0, 14001, 100)
METRICS = pd.DataFrame(
    {
        "step": STEPS,
        "train_loss": np.maximum(4.7 * 0.99 ** (STEPS / 10), 2e-7),
        "test_loss": np.where(STEPS < 9000, 8.0, 1e-6),
        "train_accuracy": np.minimum(STEPS / 1400, 1.0),
        "test_accuracy": np.where(STEPS < 9000, 0.01, 1.0),
    }
)
PHASES = Phases(memorised=1400, generalised=9400, cleaned=14000, grokked=9500)
MEASURES = METRICS[["step", "train_loss", "test_loss"]].assign(
    restricted_loss=1.0, excluded_loss=2.0, gini_W_E=0.5, gini_W_L=0.6, sum_of_squares=4000.0 - STEPS / 10,
    alpha_14=1.0, alpha_35=2.0, excluded_loss_14=0.3, excluded_loss_35=0.2,
)  # fmt: skip


DRAWN = ("curves", "measures", "weights", "attention", "neurons", "circles", "ablations")
"""A figure of every kind of layout."""


def draw(name: str, make_circuit: Callable[..., FourierSummary]) -> Figure:
    circuit = make_circuit(
        29, keys=[2, 6, 7, 11], n_heads=4, shares=[0.9, 0.95, 0.99, 0.91, 0.9, 1.0], frequencies=[6, 7, 2, 2, 11, 3]
    )
    turn = 2 * torch.pi * torch.outer(torch.tensor([2, 6, 7, 11, 12]), torch.arange(29)) / 29
    match name:
        case "curves":
            return training_curves(METRICS, PHASES, chance_loss=4.73)
        case "measures":
            return progress_measures(MEASURES, PHASES)
        case "weights":
            return weight_spectra(circuit)
        case "attention":
            return attention_maps(circuit)
        case "neurons":
            return neuron_maps(circuit)
        case "circles":
            return embedding_circles(torch.stack([turn.cos(), turn.sin()], 2), [2, 6, 7, 11, 12])
        case _:
            return frequency_ablations(FrequencyAblations(1e-6, (0.5, 1e-3, 2.0, 1e-6), (1, 3), 1e-7))


@pytest.fixture(
    scope="module",
    params=[(name, width) for name in DRAWN for width in (60.0, 85.0, 180.0)],
    ids=lambda case: f"{case[0]}-{case[1]:.0f}",
)
def fitted(request: pytest.FixtureRequest, make_circuit) -> tuple[Figure, float]:
    """A figure, and the width to which it was fitted."""
    name, width = request.param
    return fit_to_paper(draw(name, make_circuit), width), width


def millimetres(figure: Figure) -> tuple[float, float]:
    width, height = figure.get_size_inches() * MM
    return float(width), float(height)


def test_the_width_is_exact_and_nothing_is_cut_off(fitted):
    figure, width = fitted
    assert millimetres(figure)[0] == pytest.approx(width)
    svg = ElementTree.fromstring(to_svg(figure))
    assert float(svg.attrib["width"].removesuffix("pt")) == pytest.approx(width / MM * 72, abs=1e-3)
    [points] = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) [\d.]+ \]", to_pdf(figure))
    assert float(points) == pytest.approx(width / MM * 72, abs=1e-3)
    whole = figure.bbox
    for axes in panels_of(figure):
        box = axes.get_tightbbox()
        assert box is not None
        assert box.x0 >= whole.x0 - 1
        assert box.x1 <= whole.x1 + 1
        assert box.y0 >= whole.y0 - 1
        assert box.y1 <= whole.y1 + 1


def test_no_words_lie_on_others(fitted):
    figure, _ = fitted
    texts = [text for text in words_of(panels_of(figure)) if text.get_text() and text.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    boxes += [("legend", legend.get_window_extent()) for legend in figure.legends]
    for (one, a), (other, b) in combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        along = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1 or along <= 1, f"{one!r} lies on {other!r}"


def test_numbers_at_ticks_do_not_touch(fitted):
    figure, _ = fitted
    for axes in panels_of(figure):
        labels = [label for label in axes.get_xticklabels() if label.get_visible() and label.get_text()]
        low, high = sorted(axes.get_xlim())
        inside = [label for label in labels if low <= label.get_position()[0] <= high]
        boxes = sorted((label.get_window_extent() for label in inside), key=lambda box: box.x0)
        assert all(b.x0 > a.x1 for a, b in pairwise(boxes))


@pytest.mark.parametrize(("name", "points"), [*((name, 5.0) for name in DRAWN), ("curves", 10.0), ("circles", 10.0)])
def test_text_has_the_size_that_was_asked_for(make_circuit, name, points):
    figure = fit_to_paper(draw(name, make_circuit), 180.0, font_pt=points)
    labels = [text for text in words_of(panels_of(figure)) if text.get_text()]
    sizes = {round(text.get_fontsize(), 2) for text in labels}
    assert max(sizes) <= points * 1.1
    assert min(sizes) >= points * 0.8


@pytest.mark.parametrize("name", DRAWN)
def test_a_height_is_exact_too(make_circuit, name):
    assert millimetres(fit_to_paper(draw(name, make_circuit), 180.0, 150.0)) == pytest.approx((180, 150))


def test_panels_that_would_be_too_narrow_stand_below_each_other(make_circuit):
    def columns(width: float) -> int:
        return columns_of(panels_of(fit_to_paper(attention_maps(make_circuit(29, n_heads=4)), width)))

    assert (columns(180.0), columns(60.0)) == (4, 2)


def test_pixels_are_those_of_the_density():
    png = to_png(fit_to_paper(training_curves(METRICS), 100.0, 50.0), dpi=254)
    assert [int.from_bytes(png[at : at + 4], "big") for at in (16, 20)] == [1000, 500]


def test_a_pdf_has_its_fonts_inside_and_nothing_that_changes(make_circuit):
    def pdf() -> bytes:
        return to_pdf(fit_to_paper(weight_spectra(make_circuit(29, keys=[2, 6])), 85.0))

    first = pdf()
    assert first == pdf()
    assert first.startswith(b"%PDF-")
    assert b"/FontFile2" in first  # a TrueType font, whole: text can be searched and changed in a drawing program …
    assert b"/Type3" not in first  # … which type 3 does not allow, and many journals refuse
    assert not re.search(rb"CreationDate|Producer|matplotlib", first)
    streams = re.findall(rb"stream\r?\n(.*?)endstream", first, re.DOTALL)
    assert any(b" Tj" in text or b" TJ" in text for text in map(inflated, streams)), "text is text"


def inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


@pytest.mark.parametrize("name", ["curves", "attention", "circles"])
def test_files_are_the_same_twice(make_circuit, name, tmp_path):
    figure = fit_to_paper(draw(name, make_circuit), 85.0)
    for suffix in ("pdf", "svg", "png"):
        for name in ("a", "b"):
            save_figure(figure, tmp_path / f"{name}.{suffix}")
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"width_mm": 39.0}, "width_mm = 39 is not possible; it must be from 40 to 1,000"),
        ({"width_mm": float("nan")}, "width_mm = nan is not possible"),
        ({"width_mm": 90.0, "height_mm": 2000.0}, "height_mm = 2000 is not possible; it must be from 20 to 1,000"),
        ({"width_mm": 90.0, "font_pt": 3.0}, "font_pt = 3 is not possible; it must be from 4 to 40"),
        ({"width_mm": 50.0, "height_mm": 20.0, "font_pt": 30.0}, "no room in 50 × 20 mm with text of 30 points"),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        fit_to_paper(training_curves(METRICS, PHASES), **sizes)


def test_only_own_figures_are_fitted_and_only_once():
    figure = fit_to_paper(training_curves(METRICS), 90.0)
    with pytest.raises(ConfigError, match="draw it anew"):
        fit_to_paper(figure, 90.0)
    with pytest.raises(ConfigError, match="only a figure that grokscope has drawn"):
        fit_to_paper(Figure(), 90.0)
    assert not plt.get_fignums()
